from __future__ import annotations

from collections.abc import Callable

import pytest

from gridtrail.lab.harmless import (
    false_alarms,
    harmless_findings,
    reason_lines,
    trap_lines,
    user_days,
)
from gridtrail.lab.outcome import Outcome

Make = Callable[..., Outcome]


def test_traps(made: Make) -> None:
    """A trap's anomalies and findings are counted, those of note apart."""
    burst, rollout = sorted(trap_lines([made(1, pushed=3)]), key=lambda one: one.kind)[::-1]
    assert (burst.kind, burst.anomalies, burst.findings, burst.noted) == (
        "harmless_burst", 1, 1, 1,
    )  # fmt: skip
    assert (rollout.anomalies, rollout.findings, rollout.reasons) == (3, 0, {"user_agent": 3})


def test_findings_of_attacks_are_not_harmless(made: Make) -> None:
    """Harmless are the findings that no attack has a part in; those of note are false alarms."""
    assert [one.id for one in harmless_findings(made())] == ["Fc", "Fd"]
    (wrong,) = false_alarms([made(4)])
    assert (wrong.seed, wrong.what) == (4, "medium: A | title")
    assert wrong.words == "harmless_burst; by excessive_downloads"


def test_rates_of_ordinary_life(made: Make) -> None:
    """Rates count what belongs to no story and comes after the warm-up, per user and day."""
    assert user_days(made()) == 3000
    (line,) = reason_lines([made(1), made(2)])
    assert (line.reason, line.anomalies) == ("ip_address", 4)
    assert line.rate == pytest.approx(4 / 6000 * 1000)
    assert line.interval == pytest.approx((2 / 3, 2 / 3))
