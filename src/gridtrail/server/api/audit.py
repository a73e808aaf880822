"""`/audit/v1/`: Slack's Audit Logs API, and posting events to it (which Slack has not)."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from gridtrail.lake.lake import Lake
from gridtrail.server.api.actions import ActionNames
from gridtrail.server.api.asking import Asked, read_query
from gridtrail.server.api.catalogues import actions_body, schemas_body
from gridtrail.server.api.paging import newest_second, page
from gridtrail.server.api.posting import store
from gridtrail.server.api.records import read_body
from gridtrail.server.api.refusals import Refusal, json_bytes, json_response
from gridtrail.server.caller import MISSING_SCOPE, Denied, caller
from gridtrail.server.context import body_of, context, note
from gridtrail.server.tokens import Token

router = APIRouter(prefix="/audit/v1")

_CLOCK_SKEW = 300
"""Seconds that a client's clock may be ahead of ours."""

_NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_ACTIONS, _SCHEMAS = actions_body(), schemas_body()


async def logs(request: Request) -> Response:
    """A page of events, newest first; see `asking` for the parameters."""
    ours = context(request)
    token = await _allowed(request, "auditlogs:read")
    asked = read_query(request.query_params.multi_items(), token.org)

    def answer(lake: Lake) -> tuple[bytes, int]:
        check(lake, token.org, asked, ours.actions)
        found = page(lake, token.org, asked)
        return found.body(asked, token.org), found.count

    body, count = await ours.pool.run(answer)
    ours.metrics.served(count)
    note(request, events=count)
    return json_bytes(body)


async def post_logs(request: Request) -> Response:
    """Take in events: one, a list, `{"entries": […]}` or NDJSON.

    They are on the disk when the answer is sent; sending a body again changes nothing.
    """
    ours = context(request)
    token = await _allowed(request, "auditlogs:write")
    body = await body_of(request, ours.settings.max_body_bytes)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()

    def take(lake: Lake) -> dict[str, Any]:
        return store(lake, token.org, read_body(body, lines=kind in _NDJSON)).answer()

    answer = await ours.pool.run(take)
    counts = {key: answer[key] for key in ("stored", "already_there", "quarantined")}
    ours.metrics.posted(**counts)
    note(request, **counts)
    return json_response(answer)


@router.api_route("/logs", methods=["GET", "POST"])
async def logs_endpoint(request: Request) -> Response:
    """One route for both, so that a 405 names them both."""
    return await (post_logs if request.method == "POST" else logs)(request)


@router.get("/actions")
async def actions() -> Response:
    """The names of the catalogue by group; no token is needed."""
    return json_bytes(_ACTIONS)


@router.get("/schemas")
async def schemas() -> Response:
    """The fields of the entity types; no token is needed."""
    return json_bytes(_SCHEMAS)


def check(lake: Lake, org: str, asked: Asked, names: ActionNames) -> None:
    """Refuse what only the lake can tell.

    Raises Refusal `invalid_action`, or `invalid_range` for a time in the future: later than both
    now (with some allowance for clocks) and the newest event.
    """
    names.check(lake, org, asked.filters.actions)
    now = int(time.time()) + _CLOCK_SKEW
    bounds = {"oldest": asked.filters.oldest, "latest": asked.filters.latest}
    ahead = {name: bound for name, bound in bounds.items() if bound is not None and bound > now}
    if ahead:
        newest = newest_second(lake, org) or 0
        for name, bound in ahead.items():
            if bound > newest + _CLOCK_SKEW:
                raise Refusal("invalid_range", f"{name} is in the future: give a time until now.")


async def _allowed(request: Request, scope: str) -> Token:
    """The request's token, if it may do what needs `scope`.

    Raises Refusal `missing_authentication`, `invalid_authentication` or `rate_limited`.
    """
    try:
        return await caller(request, scope)
    except Denied as denied:
        if denied.code != MISSING_SCOPE:
            raise Refusal(denied.code, str(denied), headers=denied.headers) from denied
        # Slack has no other word for it
        more = {"needed": scope, "provided": ",".join(denied.scopes)}
        refusal = Refusal("invalid_authentication", str(denied), more=more, headers=denied.headers)
        raise refusal from denied
