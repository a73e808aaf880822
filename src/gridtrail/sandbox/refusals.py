"""Answers that refuse a call of the Audit Logs API or the Web API, by their error codes."""

from __future__ import annotations

from typing import Any

from gridtrail.errors import WrongUse
from gridtrail.slack.audit_api import status_of


class AuditRefusal(WrongUse):
    """A call of the Audit Logs API is refused; the text is the error code."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return status_of(str(self))


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
