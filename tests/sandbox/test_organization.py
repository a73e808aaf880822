from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

import pytest

from gridtrail.errors import WrongUse
from gridtrail.sandbox.ledger import Search
from gridtrail.sandbox.live_stage import DAYS_NEEDED
from gridtrail.sandbox.organization import BULK_DELAY, Caller, Organization, kinds_of
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.plan import Story, StoryKind
from gridtrail.sandbox.slack_state import SlackState

if TYPE_CHECKING:
    from tests.sandbox.conftest import Event, MakeState

    Log = Callable[..., list[Event]]

ALL = {"mobile_only": False, "web_only": False}


def caller(organization: Organization) -> Caller:
    admin = organization.world.people[2]
    context, _ = organization.life.context(admin, admin.devices[0], organization.world.plan.start)
    return Caller(admin, context)


def planted(state: SlackState, kind: Any, seconds: int, loudness: Any = "loud") -> Person:
    """The actor of a story planted now and played for so many seconds."""
    now = state.catch_up()
    story = state.organization.plant(Story(kind, loudness), now)
    state.clock.advance(seconds)
    state.catch_up()
    return state.organization.people[story.actors[0]]


def test_a_reset_puts_a_thief_out_and_the_owner_signs_in_again(
    simulate: MakeState, log: Log
) -> None:
    """The stolen cookie is used until the reset and never after; the owner goes on."""
    state = simulate()
    organization = state.organization
    victim = planted(state, "stolen_session", 600)
    before = log(state, actor=victim.id)
    assert sum(event["context"]["ua"] == "Go-http-client/2.0" for event in before) > 20
    now = state.clock.now()
    ended = {one.session for one in organization.active_sessions(victim, now)}
    organization.reset(caller(organization), victim, now, ALL)
    assert organization.active_sessions(victim, now) == []
    state.clock.advance(3 * 86_400)
    after = [e for e in log(state, actor=victim.id, oldest=now + 1) if e["action"] != "anomaly"]
    assert "Go-http-client/2.0" not in {event["context"]["ua"] for event in after}
    fresh = {event["context"]["session_id"] for event in after if "app" not in event["context"]}
    assert fresh
    assert not fresh & ended
    logins = [event for event in after if event["action"] == "user_login"]
    assert logins
    assert logins[0]["context"]["session_id"] in fresh


def test_only_mobile_leaves_the_computer_signed_in(simulate: MakeState) -> None:
    """`mobile_only` ends phones, `web_only` all else, both together everything."""
    state = simulate()
    organization = state.organization
    now = state.clock.now()
    person = next(
        one
        for one in organization.world.people[4:]
        if {active.kind for active in organization.active_sessions(one, now)} == {"mobile", "web"}
    )
    flags = {"mobile_only": True, "web_only": False}
    organization.reset(caller(organization), person, now, flags)
    assert {one.kind for one in organization.active_sessions(person, now)} == {"web"}
    assert kinds_of({"mobile_only": False, "web_only": True}) == ("web",)
    assert kinds_of({"mobile_only": True, "web_only": True}) == kinds_of(ALL)


def test_a_bulk_reset_is_done_later_and_says_who_failed(simulate: MakeState, log: Log) -> None:
    """Nothing happens at once; then the log names succeeded and failed users."""
    state = simulate()
    organization = state.organization
    now = state.clock.now()
    person, owner = organization.world.people[5], organization.primary_owner
    users = [person.id, owner.id, "W0NOBODY00"]
    organization.reset_later(caller(organization), users, now, ALL)
    assert organization.active_sessions(person, now)
    state.clock.advance(BULK_DELAY)
    (event,) = log(state, actions=frozenset({"bulk_session_reset_by_admin"}))
    assert event["details"] == {
        "succeeded_users": [person.id],
        "failed_users": [owner.id, "W0NOBODY00"],
    }
    assert organization.active_sessions(person, state.clock.now()) == []
    assert organization.active_sessions(owner, state.clock.now())


def test_the_anomaly_response_signs_out_once(simulate: MakeState, log: Log) -> None:
    """Switched on, a scraping anomaly ends the sessions 2 seconds later, and the theft too."""
    state = simulate()
    organization = state.organization
    now = state.clock.now()
    organization.change_response(caller(organization), {"enabled": True}, now)
    victim = planted(state, "stolen_session", 7_200)
    actions = frozenset({"user_sessions_reset_by_anomaly_event_response"})
    (reset,) = log(state, actions=actions)
    assert reset["actor"]["user"]["id"] == reset["entity"]["user"]["id"] == victim.id
    assert reset["details"] == {"reason": ["unexpected_scraping"]}
    anomalies = log(state, actor=victim.id, actions=frozenset({"anomaly"}), oldest=now)
    scraping = next(e for e in anomalies if "unexpected_scraping" in e["details"]["reason"])
    assert reset["date_create"] == scraping["date_create"] + 2
    stolen = [
        event
        for event in log(state, actor=victim.id, oldest=reset["date_create"] + 1)
        if event["context"]["ua"] == "Go-http-client/2.0" and event["action"] != "anomaly"
    ]
    assert stolen == []
    change = log(state, actions=frozenset({"pref.anomaly_event_response_changed"}))[-1]
    assert change["details"]["new_value"]["enabled"] == ["true"]


def test_switched_off_nobody_is_signed_out(simulate: MakeState, log: Log) -> None:
    """The response does nothing until it is switched on."""
    state = simulate()
    planted(state, "tor", 7_200)
    assert log(state, actions=frozenset({"user_sessions_reset_by_anomaly_event_response"})) == []
    assert log(state, actions=frozenset({"anomaly"}))


def test_slacks_anomalies_come_51_seconds_late(simulate: MakeState, log: Log) -> None:
    """Each carries the microsecond of its action, Slack's keys, and the companions."""
    state = simulate()
    for kind in ("stolen_session", "tor", "spoofed_client", "malware", "compromised_admin"):
        planted(state, kind, 3_600)
    anomalies = log(state, actions=frozenset({"anomaly"}))
    for event in anomalies:
        details = event["details"]
        late = event["date_create"] - details["action_timestamp"] // 1_000_000
        assert late in (51, 52)
        assert {"location", "previous_ip_address", "previous_ua", "reason"} <= set(details)
        assert len(str(details["action_timestamp"])) == 16
        assert isinstance(event["context"]["session_id"], int)
    seen = {code for event in anomalies for code in event["details"]["reason"]}
    assert {
        "tor",
        "unexpected_scraping",
        "user_agent",
        "unexpected_user_agent",
        "ip_address",
        "spoofed_user_agent",
        "unexpected_client",
        "excessive_downloads",
        "excessive_malware_uploads",
        "unexpected_admin_action",
        "session_fingerprint",
    } <= seen


def test_nobody_is_flagged_twice_an_hour_for_the_same(simulate: MakeState, log: Log) -> None:
    """The same person and reasons: at most one anomaly in an hour."""
    state = simulate()
    planted(state, "tor", 8 * 3_600)
    times: dict[tuple[str, ...], list[int]] = {}
    for event in log(state, actions=frozenset({"anomaly"})):
        key = (event["actor"]["user"]["id"], *event["details"]["reason"])
        times.setdefault(key, []).append(event["details"]["action_timestamp"] // 1_000_000)
    for seconds in times.values():
        assert all(two - one >= 3_600 for one, two in pairwise(seconds))


def test_trusted_networks_are_not_flagged(simulate: MakeState, log: Log) -> None:
    """With the thief's network on the allow list, only what does not look at it remains."""
    reasons = []
    for trusted in ([], ["0.0.0.0/0"]):
        state = simulate()
        state.organization.detection.allowed.write(trusted, [])
        now = state.clock.now()
        planted(state, "stolen_session", 3_600)
        found = log(state, actions=frozenset({"anomaly"}), oldest=now)
        reasons.append({code for event in found for code in event["details"]["reason"]})
    assert "ip_address" in reasons[0]
    assert reasons[1] == set()


def test_every_story_can_begin_now(simulate: MakeState, log: Log) -> None:
    """Planted live, a story's events come from now on, and all that the truth names are there."""
    state = simulate()
    now = state.catch_up()
    organization = state.organization
    stories = [organization.plant(Story(kind), now) for kind in get_args(StoryKind)]
    state.clock.advance(3 * 86_400)
    known = {event["id"]: event["date_create"] for event in log(state)}
    for story in stories:
        kind = story.story.kind
        assert set(story.event_ids) <= set(known), kind
        assert all(known[one] > now for one in story.event_ids), kind
        if kind not in DAYS_NEEDED:
            assert story.event_ids, kind
        if story.rows is not None:
            assert min(known[one] for one in story.event_ids) < now + 120, kind
    # those that change the world partly undo each other, and it is a weekend
    assert any(story.event_ids for story in stories if story.story.kind in DAYS_NEEDED)


def test_an_unknown_story_is_refused(simulate: MakeState) -> None:
    """A kind that does not exist is wrong use, not a crash."""
    state = simulate()
    with pytest.raises(WrongUse, match="no story"):
        state.organization.plant(Story("nonsense"), state.clock.now())  # type: ignore[arg-type]


def played(make: MakeState, steps: int) -> list[tuple[str, int]]:
    """A day with a reset at noon, the log looked at in so many steps."""
    state = make(Story("stolen_session", "loud", 1))
    organization = state.organization
    organization.change_response(caller(organization), {"enabled": True}, state.catch_up())
    state.organization.plant(Story("tor"), state.clock.now())
    for step in range(steps):
        if step == steps // 2:
            person = organization.world.people[7]
            organization.reset(caller(organization), person, state.catch_up(), ALL)
        state.clock.advance(2 * 86_400 // steps)
        state.catch_up()
    page = organization.ledger.page(Search(), 10**6)
    return [(text[7:43].decode(), int(text[59:69])) for text in page.events]


def test_looking_more_often_changes_nothing(simulate: MakeState) -> None:
    """The same acts at the same simulated times give the same log, however often it is read."""
    assert played(simulate, 2) == played(simulate, 96)


def test_ids_are_never_given_twice(simulate: MakeState, log: Log) -> None:
    """Drawn events, sign-ins after a reset, anomalies and records all have ids of their own."""
    state = simulate()
    victim = planted(state, "stolen_session", 900)
    organization = state.organization
    organization.reset(caller(organization), victim, state.clock.now(), ALL)
    state.clock.advance(2 * 86_400)
    found = [event["id"] for event in log(state)]
    assert len(set(found)) == len(found)


def test_faults_make_events_late_and_double(simulate: MakeState, log: Log) -> None:
    """With faults the log of the last minutes is not complete yet, and some ids stand twice."""
    state = simulate(faults=True)
    late = 0
    for _ in range(150):
        now = state.clock.now()
        before = len(log(state, oldest=now - 900, latest=now))
        state.clock.advance(1_000)
        late += len(log(state, oldest=now - 900, latest=now)) - before
    assert late > 3
    found = [event["id"] for event in log(state)]
    assert len(found) > len(set(found))
