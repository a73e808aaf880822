"""Slack's error codes as sentences."""

from __future__ import annotations

import pytest

from gridtrail.respond.slack_errors import KNOWN, Refused, RefusedSettings, Unclear, refusal

WORDS = """
    admin_unauthorized bots_not_allowed feature_not_enabled invalid_cursor missing_team missing_user
    no_active_sessions not_an_admin team_not_found user_not_found unknown_method
    cannot_invalidate_primary_owner session_invalidation_failed session_not_found cannot_reset_bot
    cannot_reset_primary_owner user_session_reset_failed failed_for_some_users restricted_action
    session_reset_not_allowed internal_error
    endpoint_unavailable not_an_enterprise unsupported_action_describe unsupported_action_put
    invalid_field_or_data unable_to_process_post_request
"""


@pytest.mark.parametrize("code", sorted({*WORDS.split(), *KNOWN}))
def test_every_documented_code_has_a_sentence(code: str) -> None:
    """Each code of the methods used here says what to do next, and not only its name."""
    error = refusal(code, method="admin.users.session.reset")
    text = str(error)
    assert text.endswith(".")
    assert ": " in text
    assert "look that up" not in text
    assert isinstance(error, (Refused, RefusedSettings, Unclear))


def test_a_missing_scope_is_named() -> None:
    """The scope that is needed and those that the token has are in the sentence."""
    error = refusal("missing_scope", method="m", needed="admin", provided="auditlogs:read")
    assert "lacks the scope admin (it has auditlogs:read)" in str(error)
