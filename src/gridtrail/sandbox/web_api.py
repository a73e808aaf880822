"""Slack's Web API conventions around the methods: tokens, scopes, tiers, warnings, `ok`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gridtrail.sandbox.admin_methods import METHODS, Answer, Situation
from gridtrail.sandbox.audit_api import slack_json
from gridtrail.sandbox.organization import Caller
from gridtrail.sandbox.rate_limit import TIERS
from gridtrail.sandbox.refusals import RateLimited
from gridtrail.sandbox.render import piece
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.sandbox.tokens import Token, bearer
from gridtrail.slack.arguments import Arguments, MethodError, read_arguments

_LONGEST_AGENT = 300


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came over HTTP."""

    method: str
    query: Mapping[str, str]
    content_type: str
    body: bytes
    authorization: str | None
    agent: str
    address: str
    base_url: str


def answer_call(state: SlackState, call: Call) -> tuple[bytes, dict[str, str]]:
    """Body and headers of the answer (its status is 200). Raises RateLimited."""
    arguments = Arguments({})
    headers: dict[str, str] = {}
    try:
        arguments = read_arguments(call.query, call.content_type, call.body)
        answer = {"ok": True, **_run(state, call, arguments, headers)}
    except MethodError as error:
        answer = {"ok": False, "error": str(error), **error.more}
    if arguments.warnings:
        answer["warning"] = ",".join(arguments.warnings)
        metadata = answer.setdefault("response_metadata", {})
        metadata["warnings"] = arguments.warnings
    return slack_json(answer), headers


def _run(state: SlackState, call: Call, arguments: Arguments, headers: dict[str, str]) -> Answer:
    if call.method == "api.test":
        return _api_test(arguments)
    token = _token(state, call, arguments)
    headers["X-OAuth-Scopes"] = ",".join(token.scopes)
    if call.method == "auth.test":
        return _auth_test(state, call, token)
    method = METHODS.get(call.method)
    if method is None:
        raise MethodError("unknown_method")
    headers["X-Accepted-OAuth-Scopes"] = method.scope
    _take(state, f"{call.method}/{token.app}", TIERS[method.tier])
    if method.scope not in token.scopes:
        raise MethodError("missing_scope", needed=method.scope, provided=",".join(token.scopes))
    if not token.org_wide:
        raise MethodError("not_an_enterprise" if "allow" in call.method else "feature_not_enabled")
    if token.person.role not in ("admin", "owner"):
        raise MethodError("not_an_admin")
    with state.lock:
        now = state.catch_up()
        caller = Caller(token.person, _context(state, call, token))
        answer = method.run(Situation(state.organization, arguments, caller, now))
        state.organization.catch_up(now)
        return answer


def _token(state: SlackState, call: Call, arguments: Arguments) -> Token:
    secret = bearer(call.authorization) or arguments.token
    if not secret:
        raise MethodError("not_authed")
    token = state.tokens.get(secret)
    if token is None:
        raise MethodError("invalid_auth")
    return token


def _take(state: SlackState, key: str, per_minute: int) -> None:
    wait = state.limits.take(key, per_minute if state.calls_per_minute else 0)
    if wait:
        raise RateLimited(wait)


def _context(state: SlackState, call: Call, token: Token) -> str:
    """The context of what the call makes happen: an app's, with the caller's own address."""
    world = state.organization.world
    app = {
        "id": token.app,
        "name": "Sandbox client",
        "scopes": list(token.scopes),
        "scopes_bot": [],
        "creator": token.person.id,
        "team": world.enterprise.id,
    }
    return (
        f'{{"location":{world.enterprise.location},"ua":{piece(call.agent[:_LONGEST_AGENT])},'
        f'"ip_address":{piece(call.address)},"session_id":null,"app":{piece(app)}}}'
    )


def _api_test(arguments: Arguments) -> Answer:
    wanted: Any = arguments.values.get("error")
    simple = {
        name: one for name, one in arguments.values.items() if not isinstance(one, (list, dict))
    }
    if wanted:
        raise MethodError(str(wanted)[:200], args=simple)
    return {"args": simple} if simple else {}


def _auth_test(state: SlackState, call: Call, token: Token) -> Answer:
    world = state.organization.world
    place = world.enterprise if token.org_wide else world.workspaces[token.person.workspace]
    return {
        "url": call.base_url,
        "team": place.name,
        "user": token.person.email.partition("@")[0],
        "team_id": place.id,
        "user_id": token.person.id,
        "enterprise_id": world.enterprise.id,
        "is_enterprise_install": token.org_wide,
    }
