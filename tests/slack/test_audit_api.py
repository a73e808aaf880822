from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gridtrail.slack.audit_api import BEGINNING, status_of


def test_audit_logs_begin_in_march_2018() -> None:
    """The earliest second that may be asked for is the first of March 2018."""
    assert datetime.fromtimestamp(BEGINNING, UTC) == datetime(2018, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("missing_authentication", 401),
        ("invalid_authentication", 401),
        ("team_not_authorized", 403),
        ("user_not_authorized", 403),
        ("bad_endpoint", 404),
        ("method_not_allowed", 405),
        ("request_too_large", 413),
        ("rate_limited", 429),
        ("internal_error", 500),
        ("invalid_action", 400),
        ("invalid_cursor", 400),
        ("invalid_range", 400),
        ("a_code_of_tomorrow", 400),
    ],
)
def test_each_code_has_its_status(code: str, status: int) -> None:
    """Tokens are 401, rights 403, too many calls 429; a code without a status of its own is 400."""
    assert status_of(code) == status
