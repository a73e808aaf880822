"""Which seconds to read next, from what was read: free of input and output.

What was read of an organization is one stretch of seconds, `lowest` to `highest`. *Following*
moves its upper end forward, *backfilling* its lower end back, each by whole windows, so what lies
between them is known to be read. A *sweep* reads the last day again for events that came late.
"""

from __future__ import annotations

from dataclasses import dataclass

from gridtrail.collect.slack_api.reading import Window
from gridtrail.slack.audit_api import BEGINNING

DAY = 86_400
LATEST_ARRIVAL = DAY
"""Seconds after its time at which an event may still appear; a sweep reaches back so far."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What was read: seconds `lowest` to `highest`, inclusive (none when lowest > highest).

    `swept` is the second up to which the last sweep read. All are seconds since the epoch.
    """

    lowest: int
    highest: int
    swept: int

    @classmethod
    def nothing(cls, horizon: int) -> Extent:
        """Nothing yet: following begins behind `horizon`, backfilling at it."""
        return cls(lowest=horizon + 1, highest=horizon, swept=horizon)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first second wanted, the overlap that is read again at each poll (seconds)."""

    since: int = BEGINNING
    overlap: int = 300


def follow(extent: Extent, horizon: int, width: int, bounds: Bounds) -> Window | None:
    """The next window forward, up to `horizon` at most; None when there is nothing yet.

    It begins with an overlap, which is smaller than the window's own part: a window can always be
    made smaller, down to one second.
    """
    if horizon <= extent.highest:
        return None
    width = max(width, 1)
    latest = min(horizon, extent.highest + width)
    first = extent.highest + 1 - min(bounds.overlap, width - 1)
    return Window(max(first, min(bounds.since, latest)), latest)


def backfill(extent: Extent, width: int, bounds: Bounds) -> Window | None:
    """The next window back; None when `since` is reached."""
    latest = extent.lowest - 1
    if latest < bounds.since:
        return None
    return Window(max(bounds.since, latest + 1 - max(width, 1)), latest)


def sweep_due(extent: Extent) -> Window | None:
    """What is to be read again for late events; None until a day was read since the last time.

    It begins a day before the end of the last sweep: an event that appears at most a day after
    its time is then in one sweep or the other.
    """
    if extent.highest - extent.swept < DAY:
        return None
    oldest = max(extent.swept - LATEST_ARRIVAL, extent.lowest)
    return Window(min(oldest, extent.highest), extent.highest)
