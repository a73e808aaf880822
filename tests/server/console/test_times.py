"""Times are read leniently, written exactly."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.errors import WrongUse
from gridtrail.server.console.times import DAY, lasted, parsed, said, written
from gridtrail.slack.audit_api import BEGINNING


@given(st.integers(0, 4_000_000_000))
def test_what_is_written_is_read_back(second: int) -> None:
    """An address holds the second itself."""
    assert parsed(written(second)) == second


def test_a_date_is_its_first_or_last_second() -> None:
    """A range of two dates holds both days whole."""
    assert parsed("2026-11-20") == 1_795_132_800
    assert parsed("2026-11-20", end=True) == 1_795_132_800 + DAY - 1
    assert parsed("2026-11-20T01:00+01:00") == 1_795_132_800
    assert parsed("1795132800", end=True) == 1_795_132_800


def test_a_time_may_be_counted_back() -> None:
    """`7d` is a week ago, and no time is before audit logs began."""
    assert abs(parsed("7d") - (time.time() - 7 * DAY)) < 5
    assert parsed("9999w") == BEGINNING


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "-5", "9" * 30, "٢٠٢٦-١١-٢٠T"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The refusal shows how to write one."""
    with pytest.raises(WrongUse, match="is no time: write"):
        parsed(text)


@given(st.integers())
def test_any_number_can_be_said(second: int) -> None:
    """A stranger's number does not break a page."""
    assert len(said(second)) >= 19


def test_durations_are_told_in_their_largest_unit() -> None:
    """Seconds, minutes, hours, days."""
    told = [lasted(one) for one in (45, 60, 600, 3600, DAY, 2 * DAY)]
    assert told == ["45 s", "1 min", "10 min", "1 h", "24 h", "2 days"]
