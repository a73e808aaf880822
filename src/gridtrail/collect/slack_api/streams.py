"""What is read of one organization, and under which names its progress is kept.

The progress stands in the log of the events table, each number in the same commit as the data it
speaks of. A reading of some actions only has names of its own: what it read is not all there is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from gridtrail.collect.slack_api.planning import Extent
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import PARTITION_TEXT, Checkpoint

# A checkpoint's number only grows, `lowest` only falls; so it is kept as the distance from here.
_FAR = 10**11


@dataclass(frozen=True, slots=True)
class Stream:
    """The events of `org`, or only those with one of `actions` (sorted, each once)."""

    org: str
    actions: tuple[str, ...] = ()

    @classmethod
    def of(cls, org: str, actions: Sequence[str] = ()) -> Stream:
        """The stream of these actions, whatever their order; `a,b` are two."""
        names = {name.strip() for text in actions for name in text.split(",")}
        return cls(org, tuple(sorted(names - {""})))

    @property
    def name(self) -> str:
        """`all`, or a name for the actions that can be a directory's."""
        if not self.actions:
            return "all"
        plain = "only-" + "-".join(self.actions)
        if PARTITION_TEXT.fullmatch(plain) and len(self.actions) == 1:
            return plain
        return "only-" + hashlib.sha256(",".join(self.actions).encode()).hexdigest()[:16]

    @property
    def source(self) -> str:
        """The checkpoint's source of following: `slack/E0ACME`."""
        return f"slack/{self.org}" if not self.actions else f"slack/{self.org}/{self.name}"

    def followed(self, second: int) -> Checkpoint:
        """Everything up to `second` was read."""
        return Checkpoint(self.source, second)

    def backfilled(self, second: int) -> Checkpoint:
        """Everything from `second` on was read."""
        return Checkpoint(f"{self.source}/backfill", _FAR - second)

    def swept(self, second: int) -> Checkpoint:
        """A sweep has read again up to `second`."""
        return Checkpoint(f"{self.source}/sweep", second)

    def extent(self, lake: Lake) -> Extent | None:
        """What the lake's newest commit says was read; None when reading never began."""
        highest = lake.checkpoint(self.source)
        if highest is None:
            return None
        back = lake.checkpoint(f"{self.source}/backfill")
        swept = lake.checkpoint(f"{self.source}/sweep")
        # killed between the first two commits: nothing had been read yet
        lowest = highest + 1 if back is None else _FAR - back
        return Extent(lowest, highest, highest if swept is None else swept)
