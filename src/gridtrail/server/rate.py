"""A limit of requests a minute for each organization, as Slack's audit API has one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float  # seconds of the clock


class RateLimit:
    """At most `per_minute` requests in a burst, and that many a minute from then on; 0: no limit.

    One bucket an organization, filled evenly. Used by one thread.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = per_minute
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, org: str) -> int:
        """0 when a request of `org` may go on, else the whole seconds to wait for the next."""
        if not self._size:
            return 0
        now = self._clock()
        bucket = self._buckets.setdefault(org, _Bucket(self._size, now))
        rate = self._size / 60
        bucket.left = min(self._size, bucket.left + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.left >= 1:
            bucket.left -= 1
            return 0
        return max(1, math.ceil((1 - bucket.left) / rate))
