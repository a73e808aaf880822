"""What Slack did itself is seen, given its time, and not done again."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.respond.slack_did import slack_ends_for, slacks_deeds
from gridtrail.sandbox.control import set_response

SLACKS = "user_sessions_reset_by_anomaly_event_response"
CHANGED = "pref.anomaly_event_response_changed"


def scraping(event: dict[str, Any]) -> bool:
    """Whether Slack flagged scraping."""
    return event["action"] == "anomaly" and "unexpected_scraping" in event["details"]["reason"]


def test_what_slack_did_is_not_done_again(desk: Any) -> None:
    """Slack's own response gets its time, by what its log says of the setting; then it is seen."""
    far, now = desk.far, desk.far.state.clock.now()
    with far.state.lock:
        far.state.catch_up()
        set_response(far.state, {"enabled": True})
    matt = far.plant("matt").actors[0]
    far.advance(1_200)
    log = far.log(oldest=now)
    slacks = [e for e in log if e["action"] == SLACKS and e["entity"]["user"]["id"] == matt]
    anomaly = next(e for e in reversed(log) if scraping(e) and e["actor"]["user"]["id"] == matt)
    desk.put(*(e for e in log if e["action"] == CHANGED), anomaly)
    patient = anomaly["date_create"] - far.state.clock.now() + 3_600
    ran = desk.run(slack_response_seconds=patient)
    assert ran.decided == []
    assert ["it gets its time" in one.why for one in ran.waiting] == [True]
    desk.put(*slacks)
    (left,) = desk.run(slack_response_seconds=patient, slack_ends_sessions_for=[]).decided
    assert left.state == "answered"
    assert "Slack's own anomaly event response signed the person out" in left.why
    assert not far.calls


def event(number: int, action: str, person: str, **details: Any) -> dict[str, Any]:
    """Something in Slack's log."""
    return {
        "id": f"e{number}",
        "date_create": 1_795_000_000 + number,
        "action": action,
        "actor": {"type": "user", "user": {"id": "W0OWNER001"}},
        "entity": {"type": "user", "user": {"id": person}},
        "context": {"session_id": None},
        "details": details,
    }


def test_signings_out_in_slacks_log(log: Any) -> None:
    """Whoever did it; of a bulk those that succeeded, however Slack writes the list."""
    log.put([
        event(1, SLACKS, "W1", reason=["tor"]),
        event(2, "user_session_reset_by_admin", "W2", mobile_only=True, web_only=False),
        event(3, "bulk_session_reset_by_admin", "E1", succeeded_users=["W3"], failed_users=["W4"]),
        event(4, "bulk_session_reset_by_admin", "E1", succeeded_users='["W5", "W6"]'),
        event(5, "user_login", "W7"),
    ])  # fmt: skip
    log.put([event(6, SLACKS, "W8")], source="gridtrail")
    found = slacks_deeds(log.lake, "E0ACME", 1_795_000_000)
    assert [(one.person, one.scope) for one in found] == [
        ("W1", "all"), ("W2", "mobile"), ("W3", "all"), ("W5", "all"), ("W6", "all")
    ]  # fmt: skip
    assert slacks_deeds(log.lake, "E0ACME", 1_795_000_005) == []
    assert slacks_deeds(log.lake, "E0OTHER", 0) == []


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ({"enabled": ["true"], "reasons": ["tor", "unexpected_scraping"]}, 2),
        ({"enabled": ["false"], "reasons": ["tor"]}, 0),
        ({"enabled": False, "tor": True}, 0),
        ({"tor": True, "excessive_downloads": False}, 1),
        (["tor", "ip_address", "nothing"], 1),
        ("tor", 1),
        (None, 0),
        (7, 0),
    ],
)
def test_what_slacks_setting_says(desk: Any, value: Any, known: int) -> None:
    """Its form is not published, so it is read for the reasons in it; our setting stands above."""
    if value is not None:
        desk.log.put([event(1, CHANGED, "W1", new_value=value)])
    lake, settings = desk.log.lake, desk.settings().respond
    assert len(slack_ends_for(lake, "E0ACME", settings)) == known
    told = desk.settings(slack_ends_sessions_for=["session_fingerprint"]).respond
    assert slack_ends_for(lake, "E0ACME", told) == {"session_fingerprint"}
