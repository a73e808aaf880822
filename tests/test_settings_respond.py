"""The settings under `[respond]`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.errors import BadSettings
from gridtrail.settings import load_settings


def test_the_token_never_shows(tmp_path: Path) -> None:
    """What is printed of the settings does not hold the token; the rest has its defaults."""
    (tmp_path / "gridtrail.toml").write_text('[respond]\ntoken = "xoxp-secret"\n')
    respond = load_settings(tmp_path).respond
    assert "xoxp-secret" not in repr(respond) + str(respond)
    assert respond.token is not None
    assert respond.token.get_secret_value() == "xoxp-secret"
    assert (respond.base_url, respond.four_eyes) == ("https://slack.com/api/", False)


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    """A setting that is not known would be an exclusion that does not hold."""
    (tmp_path / "gridtrail.toml").write_text('[respond]\nnever_sign_out = ["W0"]\n')
    with pytest.raises(BadSettings, match="never_sign_out"):
        load_settings(tmp_path)
