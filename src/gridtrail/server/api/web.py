"""`/api/`: the two methods of Slack's Web API that clients try their token with.

Its conventions: every answer is HTTP 200 with a top-level `ok`; arguments come in the query
string, a form or a JSON object; a token comes in the header or in a form, never in the query.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.server.access import bearer
from gridtrail.server.api.refusals import json_response
from gridtrail.server.context import body_of, context, note
from gridtrail.server.tokens import Token

router = APIRouter(prefix="/api")

_CHARSETS = ("utf-8", "utf8", "iso-8859-1")
_FORM = "application/x-www-form-urlencoded"
_MAX_BODY = 1024 * 1024  # bytes
_MAX_FIELDS = 1000
_STATES = {"unknown": "invalid_auth", "expired": "token_expired", "revoked": "token_revoked"}


class MethodError(WrongUse):
    """A Web API method fails with the code that is its text; `more` are further keys."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.more = more


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
    arguments: dict[str, Any] = dict(request.query_params)
    arguments.pop("token", None)  # not allowed there, and never to be given back
    secret = bearer(request.headers.get("authorization"))
    call = Call(arguments, secret)
    if request.method == "GET":
        return call
    body = await body_of(request, _MAX_BODY)
    kind, charset = _content_type(request)
    if charset is not None and charset not in _CHARSETS:
        raise MethodError("invalid_charset")
    if not kind:
        if body:
            raise MethodError("missing_post_type")
    elif kind == "application/json":
        if charset is None:
            call.warnings.append("missing_charset")
        arguments |= _json_object(body)
    elif kind == _FORM:
        if charset is not None:
            call.warnings.append("superfluous_charset")
        arguments |= _form(body)
        call.secret = secret or arguments.get("token")
    elif kind != "multipart/form-data" and body:
        raise MethodError("invalid_post_type")
    arguments.pop("token", None)
    return call


def _content_type(request: Request) -> tuple[str, str | None]:
    kind, _, rest = request.headers.get("content-type", "").lower().partition(";")
    for part in rest.split(";"):
        name, _, value = part.partition("=")
        if name.strip() == "charset":
            return kind.strip(), value.strip().strip('"')
    return kind.strip(), None


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = json.loads(body, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise MethodError("invalid_json") from error
    if not isinstance(value, dict):
        raise MethodError("json_not_object")
    return {key: inner for key, inner in value.items() if inner is not None}


def _form(body: bytes) -> dict[str, str]:
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError as error:
        raise MethodError("invalid_form_data") from error
