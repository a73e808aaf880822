"""A limit of requests a minute for each organization, as Slack's audit API has one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_SECOND = 10**9  # nanoseconds
_REQUEST = 60 * _SECOND  # what a rate of one a minute fills in a minute


@dataclass(slots=True)
class _Bucket:
    left: int  # a request is _REQUEST of it, so that nothing is ever rounded
    at: int  # nanoseconds of the clock


class RateLimit:
    """At most `per_minute` requests in a burst, and that many a minute from then on; 0: no limit.

    One bucket an organization, filled evenly. `clock` counts nanoseconds. Used by one thread.
    """

    def __init__(self, per_minute: int, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._size = per_minute
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, org: str) -> int:
        """0 when a request of `org` may go on, else the whole seconds to wait for the next."""
        if not self._size:
            return 0
        now = self._clock()
        full = self._size * _REQUEST
        bucket = self._buckets.setdefault(org, _Bucket(full, now))
        bucket.left = min(full, bucket.left + (now - bucket.at) * self._size)
        bucket.at = now
        if bucket.left >= _REQUEST:
            bucket.left -= _REQUEST
            return 0
        return -(-(_REQUEST - bucket.left) // (self._size * _SECOND))
