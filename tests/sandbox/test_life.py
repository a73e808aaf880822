from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from gridtrail.sandbox.plan import ATTACKS

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization


def own(organization: Organization) -> list[dict[str, Any]]:
    """Events of life alone: no story, no app, no invitation (whose context is the inviter's)."""
    planted = {name for story in organization.truth for name in story["event_ids"]}
    return [
        event
        for event in organization.events
        if event["id"] not in planted
        and event["context"]["session_id"] is not None
        and (event.get("details") or {}).get("type") != "INVITED"
    ]


def test_people_use_their_own_sessions(loud: Organization) -> None:
    """Outside stories and invitations every event's session belongs to its actor."""
    owner = {
        session["id"]: person["id"]
        for person in loud.world["people"]
        for device in person["devices"]
        for session in device["sessions"]
    }
    for event in own(loud):
        assert owner[event["context"]["session_id"]] == event["actor"]["user"]["id"]


def test_a_new_session_begins_with_a_sign_in(loud: Organization) -> None:
    """A session that began within the period is first seen with a sign-in (or one that failed)."""
    players = {
        actor
        for story in loud.truth
        for actor in story["actor_ids"]
        if story["kind"] in ATTACKS | {"harmless_burst", "leaver_downloads"}
    }
    began = {
        session["id"]
        for person in loud.world["people"]
        for device in person["devices"]
        for session in device["sessions"]
        if session["from"] >= loud.plan.start and person["id"] not in players
    }
    first: dict[int, str] = {}
    for event in loud.events:
        session = event["context"]["session_id"]
        if session in began:
            first.setdefault(session, event["action"])
    assert len(first) > 20
    assert set(first.values()) <= {"user_login", "user_login_failed", "user_created"}


def test_clients_of_a_device_never_go_back(stealthy: Organization) -> None:
    """Within one session the agent's version only rises, save for the planted rollback."""
    affected = {actor for story in stealthy.truth for actor in story["actor_ids"]}
    versions: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for event in own(stealthy):
        agent = event["context"]["ua"]
        if "Slack_SSB/" in agent and event["actor"]["user"]["id"] not in affected:
            number = agent.split("Slack_SSB/")[1]
            versions[event["context"]["session_id"]].append(
                tuple(int(part) for part in number.split("."))
            )
    assert len(versions) > 20
    assert all(line == sorted(line) for line in versions.values())


def test_nobody_acts_before_joining_or_long_after_leaving(loud: Organization) -> None:
    """Joiners appear from their first day on, leavers vanish after their last."""
    span = {
        person["id"]: (person["joined"] or 0, person["left"] or 1 << 40)
        for person in loud.world["people"]
    }
    assert any(low or high < 1 << 40 for low, high in span.values())
    for event in own(loud):
        low, high = span[event["actor"]["user"]["id"]]
        assert low - 86_400 < event["date_create"] < high + 2 * 86_400
