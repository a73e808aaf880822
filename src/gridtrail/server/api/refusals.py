"""Answers that refuse a request: Slack's error codes and their HTTP statuses.

Slack documents the codes (facts reference, 1.4) but few of the statuses: 401 for tokens, 400 for
actions and cursors and 429 are seen in the field, the rest follows from the code's meaning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from gridtrail.errors import WrongUse

STATUSES: Mapping[str, int] = {
    "missing_authentication": 401,
    "invalid_authentication": 401,
    "feature_not_enabled": 403,
    "invalid_workspace": 403,
    "team_not_authorized": 403,
    "user_not_authorized": 403,
    "bad_endpoint": 404,
    "method_not_allowed": 405,
    "request_too_large": 413,
    "rate_limited": 429,
    "internal_error": 500,
    "service_unavailable": 503,
}
"""HTTP status by error code; a code that is not here is answered with 400."""


class Refusal(WrongUse):
    """A request of the Audit Logs API cannot be answered.

    `code` is the word for programs, the message one sentence for people. `more` are further keys
    of the answer, `headers` further headers.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.more = dict(more or {})
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUSES.get(self.code, 400)

    def response(self) -> Response:
        """`{"ok": false, "error": …}`; the sentence stands where the Web API puts such texts."""
        body = {
            "ok": False,
            "error": self.code,
            **self.more,
            "response_metadata": {"messages": [f"[ERROR] {self}"]},
        }
        return json_response(body, status=self.status, headers=self.headers)


def json_response(
    value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`value` as JSON in ASCII, which also holds half a surrogate pair that a client sent."""
    return json_bytes(json.dumps(value).encode("ascii"), status=status, headers=headers)


def json_bytes(
    body: bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A body that is JSON already; never to be sniffed, framed or cached on the way."""
    safe = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}
    return Response(
        body,
        status_code=status,
        media_type="application/json; charset=utf-8",
        headers={**safe, **(headers or {})},
    )
