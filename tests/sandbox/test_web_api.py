from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from gridtrail.sandbox.refusals import RateLimited
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.sandbox.web_api import Call, answer_call

if TYPE_CHECKING:
    from tests.sandbox.conftest import MakeState


def ask(state: SlackState, method: str, who: str | None = "owner", **arguments: Any) -> Any:
    """The answer of a method, called with a form by the named token."""
    secret = None if who is None else f"Bearer {state.named_tokens[who].secret}"
    body = urlencode(arguments).encode()
    kind = "application/x-www-form-urlencoded"
    call = Call(method, {}, kind, body, secret, "tests/1", "127.0.0.1", "http://slack/")
    return json.loads(answer_call(state, call)[0])


def test_tokens_and_scopes_are_checked_in_order(past: SlackState) -> None:
    """No token, a wrong one, a missing scope, a workspace app, no admin: each has its code."""
    method = "admin.users.session.reset"
    assert ask(past, method, None)["error"] == "not_authed"
    assert ask(past, method, None, token="xoxp-no")["error"] == "invalid_auth"
    assert ask(past, "auth.test", None, token=past.named_tokens["owner"].secret)["ok"]
    assert ask(past, method, "reader") == {
        "ok": False,
        "error": "missing_scope",
        "needed": "admin.users:write",
        "provided": "auditlogs:read",
    }
    assert ask(past, method, "workspace")["error"] == "feature_not_enabled"
    assert ask(past, method, "member")["error"] == "not_an_admin"
    assert ask(past, "no.such.method")["error"] == "unknown_method"
    assert ask(past, "api.test", None, error="custom") == {
        "ok": False,
        "error": "custom",
        "args": {"error": "custom"},
    }


def test_tiers_are_counted_by_method_and_app(simulate: MakeState) -> None:
    """20 calls a minute of a method and an app; another method or app has its own."""
    state = simulate(calls_per_minute=50)
    for _ in range(20):
        assert ask(state, "admin.audit.anomaly.allow.getItem")["ok"]
    with pytest.raises(RateLimited) as error:
        ask(state, "admin.audit.anomaly.allow.getItem")
    assert error.value.wait == 60
    assert ask(state, "admin.users.session.list")["ok"]
    assert ask(state, "admin.audit.anomaly.allow.getItem", "member")["error"] == "not_an_admin"


def test_what_a_method_does_is_logged_with_the_caller(simulate: MakeState, log: Any) -> None:
    """The event has the token's owner, the app, and the caller's own address and agent."""
    state = simulate()
    person = state.organization.world.people[9]
    assert ask(state, "admin.users.session.clearSettings", user_ids=person.id)["ok"]
    event = log(state, actions=frozenset({"user_session_settings_changed"}))[-1]
    assert event["actor"]["user"]["id"] == state.named_tokens["owner"].person.id
    assert event["entity"]["user"]["id"] == person.id
    assert event["context"]["ua"] == "tests/1"
    assert event["context"]["ip_address"] == "127.0.0.1"
    assert event["context"]["app"]["id"] == state.named_tokens["owner"].app
