"""Time zones of the simulated places, with their own rules so that no time-zone data is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

DAY = 86_400
HOUR = 3_600


@dataclass(frozen=True, slots=True)
class Zone:
    """Standard offset in seconds east of UTC, and whose summer-time rule holds."""

    offset: int
    summer: Literal["us", "eu", "none"] = "none"

    def offset_on(self, day: int) -> int:
        """Seconds east of UTC on `day` (days since the epoch); changes at midnight, not at 2 h."""
        return self.offset + (HOUR if _is_summer(self.summer, day) else 0)


@lru_cache(maxsize=4096)
def _is_summer(rule: str, day: int) -> bool:
    if rule == "none":
        return False
    year = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).year
    first, last = _summer(rule, year)
    return first <= day < last


def _summer(rule: str, year: int) -> tuple[int, int]:
    if rule == "us":  # second Sunday of March to first Sunday of November
        return _sunday(year, 3, 8), _sunday(year, 11, 1)
    return _sunday(year, 3, 25), _sunday(year, 10, 25)  # last Sundays of March and October


def _sunday(year: int, month: int, not_before: int) -> int:
    """Days since the epoch of the first Sunday on or after that day of the month."""
    day = date(year, month, not_before)
    day += timedelta(days=(6 - day.weekday()) % 7)
    return (day - date(1970, 1, 1)).days


def weekday(day: int) -> int:
    """0 for Monday to 6 for Sunday; `day` in days since the epoch."""
    return (day + 3) % 7
