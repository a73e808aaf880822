"""The simulated time of a running sandbox: it flows at any speed, stands still, or is advanced."""

from __future__ import annotations

import time
from collections.abc import Callable

from gridtrail.errors import WrongUse

MAX_SPEED = 1_000_000


class LiveClock:
    """Seconds since the epoch, UTC, from `now` on, `speed` simulated seconds a real one.

    `wall` counts real seconds (tests give their own). Time never goes back and never passes
    `stop`. Raises WrongUse for a speed below 0 or above `MAX_SPEED`.
    """

    def __init__(
        self,
        now: float,
        *,
        speed: float = 1.0,
        stop: float = float("inf"),
        wall: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._base = float(now)
        self._since = wall()
        self._stop = stop
        self.speed = _checked(speed)

    def now(self) -> int:
        """The simulated second."""
        flown = (self._wall() - self._since) * self.speed
        return int(min(self._base + flown, self._stop))

    def advance(self, seconds: float) -> None:
        """Put the clock forward by `seconds`. Raises WrongUse when they are below 0."""
        if not 0 <= seconds < 10**9:
            raise WrongUse("Time only goes forward: give seconds of 0 or more.")
        self._restart()
        self._base = min(self._base + seconds, self._stop)

    def set_speed(self, speed: float) -> None:
        """Let time flow at `speed` from now on; 0 stops it."""
        checked = _checked(speed)
        self._restart()
        self.speed = checked

    def _restart(self) -> None:
        wall = self._wall()
        self._base = min(self._base + (wall - self._since) * self.speed, self._stop)
        self._since = wall


def _checked(speed: float) -> float:
    if not 0 <= speed <= MAX_SPEED:
        raise WrongUse(
            f"The speed must be from 0 (frozen) to {MAX_SPEED}: 60 is a minute a second."
        )
    return float(speed)
