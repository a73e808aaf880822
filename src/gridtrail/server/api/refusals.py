"""Answers that refuse a request, with Slack's error codes and a sentence for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.slack.audit_api import status_of


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
        return status_of(self.code)

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
