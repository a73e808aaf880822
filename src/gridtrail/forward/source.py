"""What a source of records is: it knows what comes after a position, and how much that is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gridtrail.forward.position import Position
from gridtrail.forward.record import Step


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind: rows that are not passed yet (of all kinds, so at most so many records), and
    since when the oldest of them waits (seconds since the epoch, None: there is none)."""

    rows: int
    since: float | None

    @property
    def seconds(self) -> float:
        """How long the oldest of them waits; 0 when there is none."""
        if not self.rows or self.since is None:
            return 0.0
        return max(0.0, time.time() - self.since)


class Source(Protocol):
    """Records in an order that does not change."""

    def beginning(self) -> Position:
        """The position of a target's first run."""

    def steps(self, position: Position) -> Iterator[Step]:
        """What comes after `position`, as far as there is something now."""

    def lag(self, position: Position) -> Lag:
        """How far behind `position` is."""

    def one(self, org: str, record_id: str) -> Step | None:
        """That record as it is now; its position means nothing. None when it is not there."""
