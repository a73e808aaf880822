"""Settings: precedence, errors, and that each is explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from gridtrail.errors import BadSettings
from gridtrail.settings import Settings, load_settings


def test_defaults_need_nothing(tmp_path: Path) -> None:
    """An empty data directory gives the defaults."""
    settings = load_settings(tmp_path)
    assert settings.data == tmp_path
    assert settings.org == "default"


def test_the_file_is_read_and_arguments_win(tmp_path: Path) -> None:
    """gridtrail.toml in the data directory counts, an argument counts more."""
    (tmp_path / "gridtrail.toml").write_text('org = "E0ACME"\n[detect]\nsettle_seconds = 7\n')
    assert load_settings(tmp_path).org == "E0ACME"
    assert load_settings(tmp_path).detect.settle_seconds == 7
    assert load_settings(tmp_path, org="E0OTHER").org == "E0OTHER"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('org = "no spaces allowed"', "org"),
        ("[detect]\nsettle_seconds = -1", "detect.settle_seconds"),
        ("unknown = 1", "unknown"),
        ("not toml", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, named: str) -> None:
    """What is wrong in the file is said by name, with exit code 2."""
    (tmp_path / "gridtrail.toml").write_text(text)
    with pytest.raises(BadSettings, match=named) as caught:
        load_settings(tmp_path)
    assert caught.value.exit_code == 2


def _undescribed(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += _undescribed(kind, f"{prefix}{name}.")
        elif not field.description:
            names.append(prefix + name)
    return names


def test_every_setting_has_help() -> None:
    """No setting is without a description."""
    assert _undescribed(Settings) == []
