"""Every setting is told with its origin, and no secret is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gridtrail.server.console.origins import HIDDEN, InForce, sections, settings_now, shown
from gridtrail.settings import Settings, load_settings

_TOML = """
memory_limit = "2GiB"
database = "postgresql://ann:hush-database@db.example/gridtrail"
[collect]
base_url = "https://bo:hush-address@api.example/audit/v1/"
[[collect.sources]]
org = "E0ACME"
token = "hush-source"
[detect.spark_options]
"spark.ssl.keyPassword" = "hush-option"
"""


def _by_name(settings: Settings, now: Settings | None = None) -> dict[str, InForce]:
    return {one.name: one for section in sections(settings, now) for one in section.settings}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings from a file, the environment and an argument."""
    (tmp_path / "gridtrail.toml").write_text(_TOML)
    monkeypatch.setenv("GRIDTRAIL_DETECT__SETTLE_SECONDS", "60")
    monkeypatch.setenv("GRIDTRAIL_COLLECT__TOKEN", "xoxp-hush-token")
    return load_settings(tmp_path, threads=3)


def test_every_setting_is_there_with_its_help(settings: Settings) -> None:
    """Names are those of docs/settings.md; each says what it is for."""
    found = _by_name(settings)
    documented = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()
    rows = [line.split("`")[1] for line in documented.splitlines() if line.startswith("| `")]
    assert set(found) >= {name for name in rows if "[]" not in name}
    assert all(one.help for one in found.values())


def test_where_a_value_came_from(settings: Settings) -> None:
    """The file, the environment, an argument of the command, or nobody's doing."""
    found = _by_name(settings)
    assert found["memory_limit"].origin == "gridtrail.toml"
    assert found["detect.settle_seconds"].origin == "environment"
    assert found["threads"].origin == "argument"
    assert (found["server.port"].origin, found["server.port"].value) == ("default", "8080")
    assert not found["threads"].is_default
    assert found["server.port"].is_default


def test_no_secret_is_told(settings: Settings) -> None:
    """Tokens, passwords in addresses and options named like secrets are hidden, wherever."""
    found = _by_name(settings)
    assert "hush" not in repr(found)
    assert found["collect.token"].value == HIDDEN
    assert found["database"].value == HIDDEN
    assert found["collect.base_url"].value == "https://…@api.example/audit/v1/"
    assert found["collect.sources"].value == f'[{{"org": "E0ACME", "token": "{HIDDEN}"}}]'


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_nothing_is_shown_of_nothing(value: Any) -> None:
    """What is not set is empty."""
    assert shown(value, "token") == ""


def test_a_changed_file_is_told_before_it_is_in_force(settings: Settings) -> None:
    """What the file says now stands beside what the server was started with."""
    before = settings_now(settings)
    assert before.settings is not None
    assert [one.name for one in _by_name(settings, before.settings).values() if one.later] == []
    file = settings.data / "gridtrail.toml"
    file.write_text(_TOML.replace("2GiB", "3GiB").replace("hush-source", "hush-other"))
    now = settings_now(settings)
    found = _by_name(settings, now.settings)
    assert [one.name for one in found.values() if one.later] == ["memory_limit", "collect.sources"]
    assert found["memory_limit"].value == "2GiB"
    assert found["memory_limit"].later == "3GiB"
    assert "hush" not in repr(found)
    file.write_text("memory_limit = 7")
    assert "memory_limit" in settings_now(settings).problem
