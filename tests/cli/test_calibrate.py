"""`gridtrail calibrate`: what the numbers mean is tested in tests/lab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
DAY = 86_400


@pytest.fixture
def filled(event: Callable[..., dict[str, Any]], store: Callable[..., None]) -> None:
    """Three weeks of one event a day."""
    store([event(day * DAY) for day in range(21)])


@pytest.mark.usefixtures("filled")
def test_a_quiet_log(gridtrail: Run) -> None:
    """A short quiet log has a line for each detector and stratum, and says it is too little."""
    assert "too little data" in gridtrail("calibrate").text
    rows = gridtrail("calibrate", "-f", "json").json
    ours = {row["stratum"]: row for row in rows if row["detector"] == "ip_address"}
    assert set(ours) == {"member", "guest", "admin", "app", "new", "all"}
    assert sum(ours[name]["subject_days"] for name in ours if name != "all") == 7
    assert ours["all"]["subject_days"] == 7
    assert ours["all"]["ratio"] is None
    header, *lines = gridtrail("calibrate", "-f", "csv").text.splitlines()
    assert header.startswith("org,detector,stratum,subject_days,nominal,realised,ratio,low,high")
    assert len(lines) == len(rows)


@pytest.mark.usefixtures("filled")
def test_a_period(gridtrail: Run) -> None:
    """Days outside the period, and the first two weeks, do not count."""
    run = gridtrail("calibrate", "--to", "2026-10-01", "-f", "json")
    assert all(row["subject_days"] == 0 for row in run.json)
    assert "Nothing to compare yet" in run.err
    assert gridtrail("calibrate", "--from", "3d", "--to", "5d").code == 2


def test_no_events(gridtrail: Run) -> None:
    """Without events it says how to get some."""
    run = gridtrail("calibrate")
    assert (run.code, "import FILE" in run.err) == (2, True)
