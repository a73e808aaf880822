"""What is read around a finding."""

from __future__ import annotations

import pytest

from gridtrail.slack.catalogue import ACTIONS
from gridtrail.slack.reasons import REASONS
from gridtrail.triage.anomaly import Anomaly, Raised
from gridtrail.triage.surroundings import LOGINS, SLACKS_RESPONSES, Window, window_of
from gridtrail.triage.usual import MEASURED


def test_every_action_that_is_asked_for_exists() -> None:
    """No question is put to an action or reason that Slack does not have."""
    assert {*SLACKS_RESPONSES, *LOGINS, *MEASURED.values()} <= set(ACTIONS)
    assert set(MEASURED) <= set(REASONS)


def test_the_window_is_an_hour_around_and_thirty_days_before_its_first_midnight() -> None:
    """Times of the window follow from the first and the last flagged second."""
    noon, day = 1_790_078_400, 86_400
    window = Window("E0", "W1", ("W1",), (), noon, noon + 60)
    assert (window.start, window.end) == (noon - 3_600, noon + 3_660)
    assert window.first_midnight == noon - day // 2
    assert window.past == window.first_midnight - 30 * day


@pytest.mark.parametrize(
    ("since", "first"),
    [(-50_000, -50_000), (0, 0), (-86_400, 0), (1, 0), (True, 0), ("-9", 0), (None, 0)],
)
def test_the_window_holds_what_a_detector_counted(since: object, first: int) -> None:
    """It begins where the counting began, if that is less than a day ago and no nonsense."""
    noon = 1_790_078_400
    begun = noon + since if type(since) is int else since
    details = {"gridtrail": {"observed": {"from": begun, "window_seconds": 86_400}}}
    raised = Raised("E0", "x", noon, "W1", frozenset({"volume"}))
    reasons = ("excessive_downloads",)
    one = Anomaly(raised, noon, "Matt", "", reasons, "", "", "", "gridtrail", details)
    assert window_of([one], ["W1"], {}).first == noon + first
