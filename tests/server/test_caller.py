"""Who may call: both APIs ask the same, and each answers in its own shape."""

from __future__ import annotations

from typing import Any

from gridtrail.slack.audit_api import status_of

SLACKS, OURS = "/audit/v1/logs", "/api/v1/events"


def test_both_apis_refuse_alike(tenant: Any) -> None:
    """Without a token, with a wrong one and with one that lacks the scope, both say the same."""
    for token, code in (
        (None, "missing_authentication"),
        ("wrong", "invalid_authentication"),
        (tenant.token("admin"), "missing_scope"),
    ):
        with tenant.server.client(token) as client:
            slacks, ours = client.get(SLACKS), client.get(OURS)
        said = ours.json()
        assert said["error"] == code
        assert slacks.json()["response_metadata"]["messages"] == [f"[ERROR] {said['message']}"]
        lacks = code == "missing_scope"  # for which Slack has no word
        assert slacks.json()["error"] == ("invalid_authentication" if lacks else code)
        assert slacks.status_code == status_of(code if not lacks else "invalid_authentication")
        assert ours.status_code == (403 if lacks else 401)
        assert slacks.headers["www-authenticate"] == "Bearer"
        assert ours.headers.get("www-authenticate") == (None if lacks else "Bearer")
