"""Clocks: ours, the far side's, and which second surely is over for both."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Time and waiting, as an argument so that a test can say what time it is."""

    def now(self) -> float:
        """Seconds since the epoch; may step when somebody sets the clock."""

    def steady(self) -> float:
        """Seconds since some moment; only goes forward."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """As `Clock.now`."""
        return time.time()

    def steady(self) -> float:
        """As `Clock.steady`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """As `Clock.sleep`."""
        await asyncio.sleep(seconds)


class Horizon:
    """The last second that is over for both clocks, a settle lag ago.

    The far side's clock is known from the Date headers of its answers. The earlier of both counts:
    a clock that runs ahead would otherwise declare seconds read that have not happened yet.
    """

    def __init__(self, clock: Clock, settle: int) -> None:
        self._clock = clock
        self._settle = settle
        self._offset: float | None = None  # far side's time minus our steady time, never too much

    def learn(self, date: int | None, asked_at: float) -> None:
        """The far side's clock showed `date` at some moment since the steady time `asked_at`."""
        if date is None:
            return
        low, high = date - self._clock.steady(), date + 1 - asked_at
        before = self._offset
        # above `high` the far side's clock was set back since then
        self._offset = low if before is None or before > high else max(before, low)

    def second(self) -> int:
        """Events up to this second, inclusive, can be read for good."""
        far = self._far_now()
        now = self._clock.now() if far is None else min(self._clock.now(), far)
        return int(now) - self._settle

    def difference(self) -> float | None:
        """Seconds by which our clock is ahead of the far side's; None when that is not known."""
        far = self._far_now()
        return None if far is None else self._clock.now() - far

    def _far_now(self) -> float | None:
        return None if self._offset is None else self._offset + self._clock.steady()
