"""Silence where there is none usually."""

from __future__ import annotations

import datetime
import random

from gridtrail.lake.gaps import Gap, find_gaps

MONDAY = 497_232 - 497_232 % 24 + 24 * 6  # hour number of a Monday 00:00 UTC, see the first test


def office(weeks: int, by_hour: int) -> dict[int, int]:
    """Events of an office: weekdays from 7 to 19 o'clock, silent nights and weekends."""
    chance = random.Random(3)
    return {
        MONDAY + 24 * day + hour: by_hour + chance.randrange(by_hour)
        for day in range(7 * weeks)
        if day % 7 < 5
        for hour in range(7, 19)
    }


def test_nights_and_weekends_are_not_gaps() -> None:
    """Silence that comes every night and every weekend is usual."""
    day = datetime.date(1970, 1, 1) + datetime.timedelta(MONDAY // 24)
    assert day.weekday() == 0
    assert find_gaps(office(4, 30)) == []
    assert find_gaps({}) == []
    assert find_gaps({MONDAY: 5}) == []


def test_silent_hours_are_a_gap() -> None:
    """Three silent office hours on one day are found exactly, the empty night after them is not."""
    hours = office(4, 30)
    start = MONDAY + 24 * 8 + 16
    for hour in range(start, start + 3):
        del hours[hour]
    (gap,) = find_gaps(hours)
    assert (gap.first, gap.last) == (start * 3600, (start + 3) * 3600 - 1)
    assert 90 <= gap.usual <= 180


def test_long_outage_is_found() -> None:
    """Two silent weeks do not hide themselves by making silence look usual."""
    hours = {
        hour: count
        for hour, count in office(6, 30).items()
        if not MONDAY + 24 * 14 <= hour < MONDAY + 24 * 28
    }
    assert len(find_gaps(hours)) == 10


def test_small_organization() -> None:
    """Where an hour holds few events, a whole silent day is still found, silent hours are not."""
    hours = office(4, 3)
    lost = MONDAY + 24 * 9
    del hours[MONDAY + 24 * 2 + 9]
    for hour in range(lost, lost + 24):
        hours.pop(hour, None)
    (gap,) = find_gaps(hours)
    assert gap == Gap(lost * 3600, (lost + 24) * 3600 - 1, gap.usual)
    assert gap.usual >= 36


def test_one_quiet_hour_of_many_is_usual() -> None:
    """An hour that is silent on several of its kin days is no gap (near miss)."""
    hours = office(4, 30)
    for day in (1, 4, 8, 9, 15, 18):
        del hours[MONDAY + 24 * day + 12]
    assert find_gaps(hours) == []
