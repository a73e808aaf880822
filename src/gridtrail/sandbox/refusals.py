"""Answers that refuse a call: of the Audit Logs API by error code, of either API for too many."""

from __future__ import annotations

from gridtrail.errors import WrongUse
from gridtrail.slack.audit_api import status_of


class AuditRefusal(WrongUse):
    """A call of the Audit Logs API is refused; the text is the error code."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return status_of(str(self))


class RateLimited(WrongUse):
    """Too many calls; `wait` are the seconds of Retry-After."""

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many calls: wait {wait} seconds.")
        self.wait = wait
