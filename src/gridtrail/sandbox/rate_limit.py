"""Limits of calls a minute, as Slack has them: for the organization, and for a method and an app.

Slack publishes the numbers, not how the minute is measured. Here it is the minute before the call,
so that the 51st call within any 60 seconds waits until the first of them is 60 seconds old.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

MINUTE = 60.0
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls a minute of each of the Web API's tiers."""


class SlidingMinute:
    """Counts calls in the last minute, by key; `clock` counts real seconds.

    May be shared between threads.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def take(self, key: str, per_minute: int) -> int:
        """0 when the call may go on, else the whole seconds to wait; 0 `per_minute`: no limit."""
        if per_minute <= 0:
            return 0
        with self._lock:
            return self._take(key, per_minute, self._clock())

    def _take(self, key: str, per_minute: int, now: float) -> int:
        calls = self._calls.setdefault(key, deque())
        while calls and now - calls[0] >= MINUTE:
            calls.popleft()
        if len(calls) < per_minute:
            calls.append(now)
            return 0
        return max(1, math.ceil(calls[0] + MINUTE - now))
