"""How far a target has come: every record up to here was delivered, none after it may be lost.

Events are passed on commit by commit, so the position is a version of the events table, and a
place in the next one: the number of its files that are done, and of rows of the file after them.

While catching up (at a start with the past, or when files were compacted away while the far side
was down) the table is read by organization, day, second and id instead, up to the version that was
the newest when that began. For findings the position is the number of a change.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """The event delivered last, in the order (org, day, second, id); "" and -1 is none yet.

    `until` is the version at which it ends; `since` is the first second wanted, or None;
    `gone_at` is the time before which everything was delivered (seconds), when the log no longer
    says which files are new, or None.
    """

    until: int
    since: int | None = None
    gone_at: float | None = None
    org: str = ""
    day: str = ""
    second: int = -1
    id: str = ""

    def at(self, second: int, event_id: str) -> CatchingUp:
        """The same, further on in the day."""
        return CatchingUp(
            self.until, self.since, self.gone_at, self.org, self.day, second, event_id
        )

    def before(self, org: str, day: str) -> bool:
        """Whether that partition comes earlier, so that it is done."""
        return (org, day) < (self.org, self.day)


@dataclass(frozen=True, slots=True)
class Position:
    """All commits up to `version` are done, and of the next one `part` files and `row` rows.

    `at` is when `version` was committed (seconds). For findings `version` is the last change.
    """

    version: int
    part: int = 0
    row: int = 0
    at: float = 0.0
    catching_up: CatchingUp | None = None

    def next_row(self) -> Position:
        """One row further (for each event: `dataclasses.replace` would take much longer)."""
        return Position(self.version, self.part, self.row + 1, self.at, self.catching_up)

    def catching(self, where: CatchingUp) -> Position:
        """The same, catching up as far as `where`."""
        return Position(self.version, self.part, self.row, self.at, where)

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Position:
        """The position that `to_json` made."""
        caught = value.get("catching_up")
        position = cls(**{**value, "catching_up": None})
        return replace(position, catching_up=CatchingUp(**caught)) if caught else position

    @property
    def name(self) -> str:
        """A text that is the same for the same position, for names of files; it sorts as they."""
        if self.catching_up is not None:
            where = self.catching_up
            mark = hashlib.sha256(where.id.encode("utf-8", "replace")).hexdigest()[:12]
            return f"{where.until:012}-{where.org}-{where.day}-{where.second:012}-{mark}"
        return f"{self.version + 1:012}-{self.part:06}-{self.row:09}"
