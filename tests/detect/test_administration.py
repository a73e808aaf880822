"""The table of administrative actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.detect.administration import BREAK_GLASS, load_severities
from gridtrail.detectors.unexpected_admin_action import SEVERITIES
from gridtrail.errors import WrongUse


def test_what_members_do_is_not_administration() -> None:
    """Acts that ordinary members do under default settings are not in the table."""
    members = {
        "user_login", "file_downloaded", "public_channel_created", "public_channel_archive",
        "app_installed", "user_channel_join", "workflow_published", "emoji_added", "user_logout",
        "canvas_created", "anomaly", "slack_ai_summary_requested",
    }  # fmt: skip
    assert not members & set(SEVERITIES)


def test_severities_of_the_catalogue() -> None:
    """The short list that breaks the glass, whole groups, and single actions have their level."""
    broken = {action for action, level in SEVERITIES.items() if level == BREAK_GLASS}
    assert 15 <= len(broken) <= 25
    assert {
        "pref.anomaly_event_response_changed",
        "owner_transferred",
        "pref.sso_setting_changed",
        "pref.two_factor_auth_changed",
        "ip_allowlist_disabled",
        "corporate_exports_enabled",
    } <= broken
    levels = [
        SEVERITIES[action]
        for action in ("role_assigned", "legal_hold_policy_created", "pref.allow_calls",
                       "user_created", "usergroup_updated", "role_change_to_admin")
    ]  # fmt: skip
    assert levels == [4, 3, 2, 2, 1, 4]
    assert "native_dlp_rule_action_applied" not in SEVERITIES
    assert set(SEVERITIES.values()) == {1, 2, 3, 4, 5}


@pytest.mark.parametrize(
    "text",
    [
        '[groups]\n[prefixes]\n[severity]\n3 = ["user_crated"]\n',
        "[groups]\nroles = 3\n[prefixes]\n[severity]\n",
    ],
)
def test_names_that_do_not_exist(tmp_path: Path, text: str) -> None:
    """An action or group that Slack does not have is an error, not a rule that never holds."""
    path = tmp_path / "actions.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WrongUse, match=r"actions\.toml names '(user_crated|roles)'"):
        load_severities(path)
