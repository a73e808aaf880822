"""What a channel sends next: one at a time, a burst together, no more in an hour than is wanted.

Three laws, tested by search: messages about one finding keep their order; what never left may be
joined into one message, what may have arrived never changes; and nothing waits for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridtrail.notify.message import NOTICES, Kind

HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Waiting:
    """What planning knows of a message that waits; times in seconds since the epoch."""

    id: str
    number: int
    kind: Kind
    finding_ids: tuple[str, ...]
    severity_rank: int
    created_at: int
    due_at: int
    attempts: int

    @property
    def joins(self) -> bool:
        """Whether it may become a part of another message."""
        return self.kind in NOTICES and self.attempts == 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a channel wants it: seconds that a notice waits for others, messages with news an hour
    (0: no limit), the severity's rank from which this limit does not hold, findings in one."""

    grouping: int
    hourly: int
    urgent_rank: int
    most: int


def plan(
    waiting: Sequence[Waiting], noticed: Sequence[int], pace: Pace, now: int
) -> list[list[Waiting]]:
    """The messages to send now, in their order; those of one list become one message, which takes
    the place of its first.

    `noticed` are the times at which news were sent lately.
    """
    ready = _ready(waiting, now)
    left = pace.hourly - sum(at > now - HOUR for at in noticed) if pace.hourly else len(ready)
    again = [one for one in ready if one.kind in NOTICES and not one.joins]
    held = [one for one in again if one.severity_rank < pace.urgent_rank][max(0, left) :]
    retried = [one for one in again if one not in held]
    others = [one for one in ready if one.kind not in NOTICES]
    fresh = [one for one in ready if one.joins]
    batches = _batches(fresh, pace, max(0, left - len(retried)), now)
    single = [[one] for one in (*others, *retried)]
    return sorted([*single, *batches], key=lambda batch: batch[0].number)


def _ready(waiting: Sequence[Waiting], now: int) -> list[Waiting]:
    """Those that are due and have no earlier message about one of their findings before them."""
    ready, before = [], set[str]()
    for one in sorted(waiting, key=lambda message: message.number):
        if one.due_at <= now and before.isdisjoint(one.finding_ids):
            ready.append(one)
        before.update(one.finding_ids)
    return ready


def _batches(fresh: Sequence[Waiting], pace: Pace, left: int, now: int) -> list[list[Waiting]]:
    """News that never left: each alone while the limit allows, the rest together."""
    if pace.grouping and fresh:
        oldest = min(max(one.created_at, one.due_at) for one in fresh)
        if now < oldest + pace.grouping:
            return []
    if not pace.grouping and len(fresh) <= left:
        return [[one] for one in fresh]
    if left == 0:
        fresh = [one for one in fresh if one.severity_rank >= pace.urgent_rank]
    alone = max(0, left - 1) if not pace.grouping else 0
    together = fresh[alone : alone + pace.most]
    return [[one] for one in fresh[:alone]] + ([list(together)] if together else [])
