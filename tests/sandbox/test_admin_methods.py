from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gridtrail.sandbox.admin_methods import METHODS, Situation
from gridtrail.sandbox.organization import Caller
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.slack.arguments import Arguments, MethodError

if TYPE_CHECKING:
    from tests.sandbox.conftest import MakeState


def run(state: SlackState, method: str, **arguments: Any) -> dict[str, Any]:
    """What the method answers to an owner who is not the primary one."""
    now = state.catch_up()
    organization = state.organization
    admin = organization.world.people[2]
    context, _ = organization.life.context(admin, admin.devices[0], now)
    situation = Situation(organization, Arguments(arguments), Caller(admin, context), now)
    answer = METHODS[f"admin.users.session.{method}"].run(situation)
    organization.catch_up(now)
    return answer


def code(state: SlackState, method: str, **arguments: Any) -> str:
    with pytest.raises(MethodError) as error:
        run(state, method, **arguments)
    return str(error.value)


def test_methods_fail_with_slacks_codes(simulate: MakeState) -> None:
    """Unknown people, bots, the primary owner and missing arguments have codes of their own."""
    state = simulate()
    organization = state.organization
    person, primary = organization.world.people[8], organization.primary_owner
    bot = min(organization.bots)
    assert code(state, "reset", user_id="W0NOBODY") == "user_not_found"
    assert code(state, "reset", user_id=bot) == "cannot_reset_bot"
    assert code(state, "reset", user_id=primary.id) == "cannot_reset_primary_owner"
    assert code(state, "reset") == "user_not_found"
    assert code(state, "resetBulk") == "invalid_arguments"
    assert code(state, "resetBulk", user_ids=["W0"] * 5) == "user_not_found"
    assert code(state, "list", user_id=person.id) == "missing_team"
    assert code(state, "list", team_id="E0ACMECORP") == "missing_user"
    assert code(state, "list", user_id=person.id, team_id="T0WRONG") == "team_not_found"
    assert code(state, "list", cursor="bm9uZQ==") == "invalid_cursor"
    assert code(state, "invalidate", user_id=person.id) == "invalid_arguments"
    assert code(state, "invalidate", session_id=1, user_id=person.id) == "session_not_found"
    assert code(state, "getSettings", user_ids=[bot]) == "bots_not_allowed"
    ids = {"user_ids": [person.id]}
    assert code(state, "setSettings", **ids) == "at_least_one_session_setting_required"
    assert code(state, "setSettings", duration=60, **ids) == "invalid_arguments"


def test_the_whole_list_is_paged(past: SlackState) -> None:
    """Pages of 20 hold all sessions once; a session's device is described."""
    whole = run(past, "list")["active_sessions"]
    found: list[Any] = []
    cursor = ""
    while True:
        page = run(past, "list", limit=20, cursor=cursor)
        found += page["active_sessions"]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert found == whole
    assert len({one["session_id"] for one in whole}) == len(whole) > 40
    for one in whole:
        assert set(one["created"]) == {
            "device_hardware",
            "os",
            "os_version",
            "slack_client_version",
            "ip",
        }
        assert one["created"]["ip"]
        assert one.get("recent") != one["created"]


def test_one_session_is_ended_alone(simulate: MakeState, log: Any) -> None:
    """`invalidate` takes the SDK's arguments too; the other sessions stay, the log says so."""
    state = simulate()
    person = next(
        one
        for one in state.organization.world.people[4:]
        if len(state.organization.active_sessions(one, state.clock.now())) > 1
    )
    team = state.organization.world.enterprise.id
    before = run(state, "list", user_id=person.id, team_id=team)["active_sessions"]
    run(state, "invalidate", session_id=str(before[0]["session_id"]), team_id=team)
    assert run(state, "list", user_id=person.id, team_id=team)["active_sessions"] == before[1:]
    event = log(state, actions=frozenset({"user_session_invalidated"}))[-1]
    assert event["entity"]["user"]["id"] == person.id
    assert "details" not in event


def test_settings_are_kept_and_cleared(simulate: MakeState, log: Any) -> None:
    """Set, read, added to, cleared; each change is an event with both values."""
    state = simulate()
    one, two = (person.id for person in state.organization.world.people[6:8])
    run(state, "setSettings", user_ids=[one], duration=86_400)
    run(state, "setSettings", user_ids=[one], desktop_app_browser_quit=True)
    assert run(state, "getSettings", user_ids=f"{one},{two}") == {
        "session_settings": [
            {"user_id": one, "desktop_app_browser_quit": True, "duration": 86_400}
        ],
        "no_settings_applied": [two],
    }
    run(state, "clearSettings", user_ids=[one])
    assert run(state, "getSettings", user_ids=[one])["no_settings_applied"] == [one]
    events = log(state, actions=frozenset({"user_session_settings_changed"}))[-3:]
    assert [event["details"]["duration"] for event in events] == [86_400, 86_400, None]
