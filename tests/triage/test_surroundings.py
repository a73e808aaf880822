"""What is read around a finding."""

from __future__ import annotations

from gridtrail.slack.catalogue import ACTIONS
from gridtrail.slack.reasons import REASONS
from gridtrail.triage.surroundings import LOGINS, SLACKS_RESPONSES, Window
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
