"""The simulated Slack as an ASGI app: the Audit Logs API, Web API methods, and the sandbox's own
controls under `/sandbox`."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gridtrail.sandbox.audit_api import actions_body, schemas_body, slack_json
from gridtrail.sandbox.control import control
from gridtrail.sandbox.refusals import AuditRefusal, RateLimited
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.sandbox.tokens import bearer
from gridtrail.sandbox.web_api import Call, answer_call

MAX_BODY = 1 << 20
_JSON = "application/json; charset=utf-8"


def simulated_slack(state: SlackState) -> Starlette:
    """The app that speaks Slack's API for `state`."""
    doors = _Doors(state)
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/audit/v1/{endpoint:path}", doors.audit, methods=methods),
            Route("/api/{method:path}", doors.web, methods=["GET", "POST"]),
            Route("/sandbox", doors.control, methods=methods),
            Route("/sandbox/{place:path}", doors.control, methods=methods),
        ]
    )


class _Doors:
    def __init__(self, state: SlackState) -> None:
        self._state = state
        self._plain = {"actions": actions_body(), "schemas": schemas_body()}

    async def audit(self, request: Request) -> Response:
        """`/audit/v1/…`."""
        try:
            return await self._audit(request)
        except AuditRefusal as refusal:
            body = slack_json({"ok": False, "error": str(refusal)})
            return Response(body, refusal.status, media_type=_JSON)
        except RateLimited as limited:
            body = slack_json({"ok": False, "error": "rate_limited"})
            return Response(body, 429, {"Retry-After": str(limited.wait)}, _JSON)

    async def _audit(self, request: Request) -> Response:
        state, endpoint = self._state, request.path_params["endpoint"]
        if endpoint not in ("logs", "schemas", "actions"):
            raise AuditRefusal("bad_endpoint")
        if request.method not in ("GET", "HEAD"):
            raise AuditRefusal("method_not_allowed")
        if endpoint == "logs" and (refused := self._refused(request)):
            return refused
        if wait := state.limits.take("audit", state.calls_per_minute):
            raise RateLimited(wait)
        if (failed := await self._fault()) is not None:
            return failed
        if endpoint != "logs":
            return Response(self._plain[endpoint], media_type=_JSON)
        parameters = request.query_params.multi_items()
        body = await run_in_threadpool(self._page, parameters)
        if state.faults.cut > 0:
            state.faults.cut -= 1
            body = body[: len(body) // 2]
        return Response(body, media_type=_JSON)

    def _refused(self, request: Request) -> Response | None:
        secret = bearer(request.headers.get("authorization"))
        if secret is None:
            raise AuditRefusal("missing_authentication")
        token = self._state.tokens.get(secret)
        if token is None or "auditlogs:read" not in token.scopes:
            return Response(b"", 401)  # Slack's body does not parse as JSON here
        if not token.org_wide:
            raise AuditRefusal("team_not_authorized")
        if token.person.role != "owner":
            raise AuditRefusal("user_not_authorized")
        return None

    def _page(self, parameters: list[tuple[str, str]]) -> bytes:
        with self._state.lock:
            now = self._state.catch_up()
            return self._state.audit.logs(parameters, now, self._state.wall())

    async def _fault(self) -> Response | None:
        faults = self._state.faults
        if faults.delay:
            await asyncio.sleep(faults.delay)
        if faults.fail <= 0:
            return None
        faults.fail -= 1
        headers = {"Retry-After": "1"} if faults.status in (429, 503) else {}
        return Response(b"", faults.status, headers)

    async def web(self, request: Request) -> Response:
        """`/api/METHOD`."""
        if (failed := await self._fault()) is not None:
            return failed
        body = await _body(request)
        if body is None:
            return Response(slack_json({"ok": False, "error": "invalid_arguments"}), 413)
        call = Call(
            request.path_params["method"],
            dict(request.query_params),
            request.headers.get("content-type", "") if request.method == "POST" else "",
            body if request.method == "POST" else b"",
            request.headers.get("authorization"),
            request.headers.get("user-agent", ""),
            request.client.host if request.client else "",
            str(request.base_url),
        )
        try:
            answer, headers = await run_in_threadpool(answer_call, self._state, call)
        except RateLimited as limited:
            answer = slack_json({"ok": False, "error": "ratelimited"})
            return Response(answer, 429, {"Retry-After": str(limited.wait)}, _JSON)
        return Response(answer, 200, headers, _JSON)

    async def control(self, request: Request) -> Response:
        """`/sandbox/…`: the sandbox's own, no part of Slack."""
        body = await _body(request)
        if body is None:
            return Response(b"", 413)
        place = request.path_params.get("place", "")
        status, answer = await run_in_threadpool(control, self._state, request.method, place, body)
        return Response(answer, status, media_type=_JSON)


async def _body(request: Request) -> bytes | None:
    """The body, or None when it is longer than MAX_BODY bytes."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > MAX_BODY:
            return None
        parts.append(part)
    return b"".join(parts)
