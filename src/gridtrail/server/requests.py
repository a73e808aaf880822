"""Around every request: an id, a log line and the metrics."""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gridtrail.server.metrics import Metrics

_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SHOWN = 200  # characters of a stranger's path in the log

log = structlog.get_logger("gridtrail.requests")


class Requests:
    """ASGI middleware. The request's id is the client's `X-Request-Id` when it is a plain word."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything else is passed on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        noted: dict[str, Any] = {}
        scope.setdefault("state", {})["log"] = noted
        begun = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - begun
            self._metrics.request(_route(scope), scope["method"], status, seconds)
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"][:16],
                path=scope["path"][:_SHOWN],
                status=status,
                milliseconds=round(seconds * 1000, 1),
                client=scope["client"][0] if scope.get("client") else None,
                **noted,
            )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _ID.fullmatch(value):
            return str(value.decode("ascii"))
    return secrets.token_hex(8)


def _route(scope: Scope) -> str:
    # the pattern, never the path: a label must not be shaped by strangers
    return str(getattr(scope.get("route"), "path", "other"))
