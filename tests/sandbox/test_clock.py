from __future__ import annotations

from datetime import date

import pytest

from gridtrail.sandbox.clock import HOUR, Zone, weekday


def number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("rule", "day", "summer"),
    [
        ("us", date(2026, 3, 7), False),
        ("us", date(2026, 3, 8), True),
        ("us", date(2026, 10, 31), True),
        ("us", date(2026, 11, 1), False),
        ("eu", date(2026, 3, 28), False),
        ("eu", date(2026, 3, 29), True),
        ("eu", date(2026, 10, 24), True),
        ("eu", date(2026, 10, 25), False),
        ("none", date(2026, 7, 1), False),
    ],
)
def test_summer_time_begins_and_ends_on_its_sundays(rule: str, day: date, summer: bool) -> None:
    """Clocks change on the Sundays of 2026 on which they really do."""
    zone = Zone(-6 * HOUR, rule)  # type: ignore[arg-type]
    assert zone.offset_on(number(day)) == (-5 if summer else -6) * HOUR


def test_weekdays_agree_with_the_calendar() -> None:
    """Monday is 0 and Sunday is 6, as in the standard library."""
    for ordinal in range(20_700, 20_720):
        assert weekday(ordinal) == date.fromordinal(ordinal + 719_163).weekday()
