"""`gridtrail tune`: what the numbers mean is tested in tests/lab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
DAY = 86_400


@pytest.mark.parametrize("by", ["day", "person", "anomaly"])
def test_a_quiet_period(
    gridtrail: Run, event: Callable[..., dict[str, Any]], store: Callable[..., None], by: str
) -> None:
    """A quiet log raises nothing before and after; each day has its row."""
    store([event(day * DAY) for day in range(3)])
    run = gridtrail(
        "tune", "unexpected_message_deletion", "--share", "0.5", "--by", by, "-f", "json"
    )
    assert run.code == 0
    assert [row["tried"] for row in run.json] == ([0, 0, 0] if by == "day" else [])
    assert "In force (0.1 a day per 1,000 users): 0 anomalies in 3 days." in run.err
    assert "Tried (2.5): 0 anomalies, +0." in run.err


def test_what_cannot_be(
    gridtrail: Run, event: Callable[..., dict[str, Any]], store: Callable[..., None]
) -> None:
    """No events, and a reason without a threshold, are refused with what to do."""
    assert "import FILE" in gridtrail("tune", "ip_address").err
    store([event(1)])
    run = gridtrail("tune", "tor", "--share", "0.5")
    assert (run.code, "has no threshold" in run.err) == (2, True)
    assert gridtrail("tune", "nonsense").code == 2
