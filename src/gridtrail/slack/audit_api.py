"""The bounds of Slack's Audit Logs API, and the HTTP statuses of its error codes.

The bounds are documented (facts reference, 1.2). So are the error codes (1.4; those for 413 and 5xx
are words of the Web API or ours), but few of their statuses: 401 for tokens, 400 for actions and
cursors and 429 are seen in the field, the rest follows from the code's meaning.
"""

from __future__ import annotations

from collections.abc import Mapping

MAX_LIMIT = 9999
"""Events that one page is asked for at most."""

MAX_ACTIONS = 30
"""Actions that one call asks for at most."""

BEGINNING = 1_519_862_400
"""2018-03-01 00:00:00 UTC: Slack has no audit event before March 2018."""

_STATUSES: Mapping[str, int] = {
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


def status_of(code: str) -> int:
    """The HTTP status of an answer with this error code; 400 for a code without one of its own."""
    return _STATUSES.get(code, 400)
