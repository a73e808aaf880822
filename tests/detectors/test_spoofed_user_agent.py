"""spoofed_user_agent: what a broken agent means on the first day of a log."""

from __future__ import annotations

import pytest

from gridtrail.detect.cases import Act, Case, CaseRunner, Find, Life
from gridtrail.detectors.spoofed_user_agent import DETECTOR

BROKEN = "Slack/26.09.41 (Android 14; SM-A235F)"
NOBODY = Life(people=0, days=0)


def opened(who: str, at: str, client: str) -> Act:
    """Somebody opens a canvas."""
    return Act(who=who, does="canvas_opened", at=at, client=client)


@pytest.mark.parametrize("whole", [False, True])
def test_a_log_that_begins_with_broken_agents(runner: CaseRunner, whole: bool) -> None:
    """Where nobody shows the client whole, the second person with the same break shows that it is
    how the client calls itself; where somebody does, three are needed."""
    people = ("ben", "cleo", "dan", "eve", "fay")
    given = [opened(who, f"10:0{n}", BROKEN) for n, who in enumerate(people)]
    if whole:
        given.append(opened("ann", "09:00", "android"))
    reasons = list(DETECTOR.reasons)
    found = tuple(Find(who=who, reasons=reasons) for who in people[: 3 if whole else 1])
    case = Case("here", f"whole: {whole}", NOBODY, tuple(given), found)
    assert runner.problems(DETECTOR, case) == []
