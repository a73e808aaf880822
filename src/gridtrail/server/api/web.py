"""`/api/`: the two methods of Slack's Web API that clients try their token with.

Its conventions: every answer is HTTP 200 with a top-level `ok`; arguments come in the query
string, a form or a JSON object; a token comes in the header or in a form, never in the query.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gridtrail.server.access import bearer
from gridtrail.server.api.refusals import json_response
from gridtrail.server.context import body_of, context, note
from gridtrail.server.tokens import Token
from gridtrail.slack.arguments import MethodError, kind_and_charset, read_arguments

router = APIRouter(prefix="/api")

_MAX_BODY = 1024 * 1024  # bytes
_MAX_FIELDS = 1000
_STATES = {"unknown": "invalid_auth", "expired": "token_expired", "revoked": "token_revoked"}


@dataclass(slots=True)
class Call:
    """One call of a method: its arguments without the token, and what to warn of."""

    arguments: dict[str, Any]
    secret: str | None
    warnings: list[str] = field(default_factory=list)
    token: Token | None = None


async def call_method(request: Request) -> Response:
    """Answer `/api/METHOD`."""
    call: Call | None = None
    try:
        method = _METHODS.get(request.path_params["method"], unknown)
        call = await _read(request)
        answer = {"ok": True, **await method(request, call)}
    except MethodError as error:
        answer = {"ok": False, "error": str(error), **error.more}
    warnings = call.warnings if call is not None else []
    if warnings:
        answer["warning"] = ",".join(warnings)
        answer["response_metadata"] = {"warnings": warnings}
    token = call.token if call is not None else None
    return json_response(answer, headers=_scope_header(token))


router.add_api_route("/{method}", call_method, methods=["GET", "POST"])


async def api_test(_request: Request, call: Call) -> dict[str, Any]:
    """Give the arguments back; with `error` among them, fail with it."""
    wanted = call.arguments.get("error")
    if wanted:
        raise MethodError(str(wanted), args=call.arguments)
    return {"args": call.arguments} if call.arguments else {}


async def auth_test(request: Request, call: Call) -> dict[str, Any]:
    """Say whose token it is. Our tokens belong to the organization, so its id is the `team_id`."""
    if call.secret is None:
        raise MethodError("not_authed")
    ours = context(request)
    token, state = await ours.access.token(call.secret)
    if token is None or state != "active":
        raise MethodError(_STATES[state])
    call.token = token
    note(request, token=token.id, org=token.org)
    return {
        "url": ours.settings.public_url or str(request.base_url),
        "team": token.org,
        "user": token.name,
        "team_id": token.org,
        "user_id": token.id,
        "enterprise_id": token.org,
        "is_enterprise_install": True,
    }


async def unknown(_request: Request, _call: Call) -> dict[str, Any]:
    """A method that is not here."""
    raise MethodError("unknown_method")


_METHODS: Mapping[str, Callable[[Request, Call], Awaitable[dict[str, Any]]]] = {
    "api.test": api_test,
    "auth.test": auth_test,
}


def _scope_header(token: Token | None) -> dict[str, str]:
    return {} if token is None else {"X-OAuth-Scopes": ",".join(token.scopes)}


async def _read(request: Request) -> Call:
    kind, body = "", b""
    if request.method != "GET":
        body = await body_of(request, _MAX_BODY)
        kind = request.headers.get("content-type", "")
        if kind_and_charset(kind)[0] == "multipart/form-data":
            body = b""  # allowed, but its parts are not read
    query = dict(request.query_params)
    found = read_arguments(query, kind, body, whole=int, most_fields=_MAX_FIELDS)
    secret = bearer(request.headers.get("authorization")) or found.token
    return Call(found.values, secret, found.warnings)
