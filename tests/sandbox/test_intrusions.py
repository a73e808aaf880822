from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization


def values(events: list[dict[str, Any]], key: str) -> set[Any]:
    return {event["context"][key] for event in events}


def test_a_compromised_admin_administers_from_elsewhere(loud: Organization) -> None:
    """A new session of an admin, from one foreign address, does what only admins can."""
    story = loud.story("compromised_admin")
    events = loud.events_of("compromised_admin")
    assert events[0]["action"] == "user_login"
    assert values(events, "ip_address") == {story["ip"]}
    assert len(values(events, "session_id")) == 1
    actions = {event["action"] for event in events}
    assert len(events) == 41
    assert len(actions & {"role_change_to_admin", "manual_export_started", "app_approved"}) >= 2
    others = [e for e in loud.events if e["context"]["session_id"] in values(events, "session_id")]
    assert len(others) == len(events)


def test_a_malicious_app_moves_and_copies(loud: Organization) -> None:
    """After harmless days on one network it gets scopes and copies from another, as an app."""
    story = loud.story("malicious_app")
    events = loud.events_of("malicious_app")
    copied = [event for event in events if event["action"] == "file_downloaded"]
    assert [event["action"] for event in events if event not in copied] == ["app_scopes_expanded"]
    assert len(copied) == 260
    assert values(copied, "session_id") == {None}
    assert values(copied, "ip_address") == {story["ip"]}
    planted = set(story["event_ids"])
    before = [
        event
        for event in loud.events
        if event["context"].get("app", {}).get("id") == story["app"] and event["id"] not in planted
    ]
    assert len(before) > 20
    assert story["ip"] not in values(before, "ip_address")
    assert max(event["date_create"] for event in before) < story["start"] + 86_400


def test_malware_is_found_in_a_persons_own_uploads(loud: Organization) -> None:
    """Each infected file is uploaded, shared and found, from the person's own client."""
    events = loud.events_of("malware")
    found = [event for event in events if event["action"] == "file_malicious_content_detected"]
    assert len(found) == 14
    assert len(events) == 3 * len(found)
    person = next(
        one for one in loud.world["people"] if one["id"] == loud.story("malware")["actor_id"]
    )
    own = {session["id"] for device in person["devices"] for session in device["sessions"]}
    assert values(events, "session_id") <= own


def test_quiet_intrusions_are_a_few_events_a_day(stealthy: Organization) -> None:
    """Stealthy, each takes days and never more than a dozen events in one."""
    for kind in ("compromised_admin", "malicious_app", "malware"):
        events = stealthy.events_of(kind)
        days = [event["date_create"] // 86_400 for event in events]
        assert len(set(days)) >= 3, kind
        assert max(days.count(day) for day in days) <= 12, kind
