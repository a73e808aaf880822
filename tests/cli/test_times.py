"""Times as people type them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.cli.times import parse_day, parse_duration, parse_time
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

NOW = 1_790_000_000  # 2026-09-21T14:13:20Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1790000000", NOW),
        ("0", 0),
        ("2026-09-21T14:13:20Z", NOW),
        ("2026-09-21T14:13:20", NOW),
        ("2026-09-21 14:13:20", NOW),
        ("2026-09-21T16:13:20+02:00", NOW),
        ("2026-09-21", NOW - 51_200),
        ("2h", NOW - 7200),
        ("3d", NOW - 3 * 86_400),
        ("1w", NOW - 7 * 86_400),
    ],
)
def test_times(text: str, seconds: int) -> None:
    """Epoch seconds, ISO times (UTC unless they say otherwise) and durations are understood."""
    assert parse_time(text, now=NOW) == seconds


def test_date_as_an_end() -> None:
    """A date that ends a range means its last second."""
    assert iso_seconds(parse_time("2026-09-21", end=True)) == "2026-09-21T23:59:59Z"


@pytest.mark.parametrize(
    "text", ["", "soon", "20261001", "1790000000000", "2026-13-01", "2026-09-21T25:00", "-5", "3y"]
)
def test_nonsense_is_refused_with_examples(text: str) -> None:
    """What is no time is refused, and the error shows how to write one."""
    with pytest.raises(WrongUse, match="2026-10-01T08:15:00Z"):
        parse_time(text)


@given(st.integers(10**9, 2 * 10**9))
def test_printed_times_are_understood(seconds: int) -> None:
    """A time that Gridtrail prints can be given back to it."""
    assert parse_time(iso_seconds(seconds)) == seconds


def test_durations() -> None:
    """Durations have one unit."""
    assert [parse_duration(t) for t in ("90s", "30m", "2h")] == [90, 1800, 7200]
    with pytest.raises(WrongUse, match="30m"):
        parse_duration("1h30m")


def test_day() -> None:
    """A day is the UTC day of the time."""
    assert parse_day("2026-09-21T23:30:00-02:00") == date(2026, 9, 22)
