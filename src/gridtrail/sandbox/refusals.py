"""Answers that refuse a call: those of the Audit Logs API by status, those of the Web API by code.

Slack documents the codes of the Audit Logs API, few of their statuses: 401, 400 and 429 are seen in
the field, the others follow from what the code means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridtrail.errors import WrongUse

STATUSES: Mapping[str, int] = {
    "missing_authentication": 401,
    "invalid_authentication": 401,
    "feature_not_enabled": 403,
    "team_not_authorized": 403,
    "user_not_authorized": 403,
    "bad_endpoint": 404,
    "method_not_allowed": 405,
    "rate_limited": 429,
}
"""HTTP statuses of the Audit Logs API; a code that is not here is answered with 400."""


class AuditRefusal(WrongUse):
    """A call of the Audit Logs API is refused; the text is the error code."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUSES.get(str(self), 400)


class MethodError(WrongUse):
    """A Web API method fails; the text is the error code, `more` are further keys."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.more = more


class RateLimited(WrongUse):
    """Too many calls; `wait` are the seconds of Retry-After."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many calls: wait {wait} seconds.")
        self.wait = wait
