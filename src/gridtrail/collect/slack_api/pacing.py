"""How wide to read, how fast to call, how long to wait: free of input and output."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from gridtrail.slack.audit_api import MAX_LIMIT

_MINUTE = 60.0
_SMALLEST_LIMIT = 100
_WIDEST = 90 * 86_400  # seconds
_FEW_PAGES, _SOME_PAGES, _MANY_PAGES = 2, 6, 24


class Budget:
    """At most `per_minute` calls in any minute, for all that is read of one organization.

    Slack counts all apps of an organization together and allows 50 (facts reference 1.5). Times
    are seconds of one clock that only goes forward.
    """

    def __init__(self, per_minute: int) -> None:
        self._calls: deque[float] = deque(maxlen=per_minute)
        self._not_before = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next call may be made; 0 when it may be made now."""
        free = 0.0
        if len(self._calls) == self._calls.maxlen:
            free = self._calls[0] + _MINUTE
        return max(0.0, free - now, self._not_before - now)

    def spend(self, now: float) -> None:
        """A call is made now."""
        self._calls.append(now)

    def pause(self, now: float, seconds: float) -> None:
        """Nobody calls for `seconds` from now."""
        self._not_before = max(self._not_before, now + seconds)


@dataclass(slots=True)
class Pace:
    """How many seconds a window has and how many entries a page, after what was met so far."""

    width: int  # seconds
    limit: int = MAX_LIMIT
    most: int = MAX_LIMIT  # the limit wanted

    def went_well(self, pages: int) -> None:
        """A window was read whole in so many pages."""
        if pages <= _FEW_PAGES:
            self.width = min(self.width * 4, _WIDEST)
        elif pages <= _SOME_PAGES:
            self.width = min(self.width * 2, _WIDEST)
        elif pages > _MANY_PAGES:
            self.width = max(self.width // 2, 1)
        self.limit = min(self.limit * 2, self.most)

    def went_wrong(self) -> None:
        """A window could not be read: take a smaller one in smaller pages."""
        self.width = max(self.width // 2, 1)
        self.limit = max(self.limit // 2, min(_SMALLEST_LIMIT, self.most))

    def too_dense(self, seconds: int) -> None:
        """So many seconds filled as many pages as one window should have."""
        self.width = max(min(seconds, self.width - 1), 1)


def back_off(failures: int, chance: random.Random, *, most: float = 120.0) -> float:
    """Seconds to wait after so many failures in a row (1 or more): doubling, with jitter."""
    return float(min(most, 2.0 ** min(failures - 1, 20)) * chance.uniform(0.5, 1.0))
