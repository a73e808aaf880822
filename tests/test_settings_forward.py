"""The settings of `[[forward]]`."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gridtrail.errors import BadSettings
from gridtrail.settings import load_settings
from gridtrail.settings_forward import ForwardSettings

GOOD: dict[str, dict[str, Any]] = {
    "hec": {"url": "https://h", "token": "t"},
    "webhook": {"url": "https://h"},
    "syslog": {"host": "h"},
    "files": {"directory": "d"},
    "objects": {"url": "s3://b"},
}


def target_of(to: str, **fields: Any) -> ForwardSettings:
    """The settings as the file gives them."""
    return ForwardSettings.model_validate({"name": "t", "to": to, **fields})


@pytest.mark.parametrize("to", list(GOOD))
def test_each_needs_its_own(to: str) -> None:
    """Each kind of target works with what it needs and says what is missing."""
    assert target_of(to, **GOOD[to]).most_events > 0
    for missing in GOOD[to]:
        rest = {key: value for key, value in GOOD[to].items() if key != missing}
        with pytest.raises(ValidationError, match=missing):
            target_of(to, **rest)


def test_secrets_may_stand_in_files() -> None:
    """A file in the place of a secret is enough, and secrets are not shown."""
    target = target_of("hec", url="https://h", token_file="f", headers={"k": "v"})
    assert "https://h" not in repr(target)
    assert "'v'" not in repr(target)


def test_sizes() -> None:
    """Files wait for larger batches than requests do, unless told else."""
    request = target_of("webhook", **GOOD["webhook"])
    file = target_of("files", **GOOD["files"])
    assert (request.patience, request.most_events) == (0, 500)
    assert (file.patience, file.most_bytes) == (60, 32 * 1024 * 1024)
    small = target_of("files", directory="d", batch_events=7, batch_bytes=2048, wait_seconds=0)
    assert (small.most_events, small.most_bytes, small.patience) == (7, 2048, 0)


def test_from_the_file(tmp_path: Path) -> None:
    """Tables `[[forward]]` are read; two of one name, or half of OAuth, are refused."""
    file = tmp_path / "gridtrail.toml"
    table = '[[forward]]\nname = "a"\nto = "files"\ndirectory = "out"\nsince = 2026-09-01\n'
    file.write_text(table)
    assert load_settings(tmp_path).forward[0].name == "a"
    for wrong in (table + table, table + 'oauth_url = "https://h"\n', table + "host = 5\n"):
        file.write_text(wrong)
        with pytest.raises(BadSettings):
            load_settings(tmp_path)


def test_recipes_are_valid() -> None:
    """Every table `[[forward]]` in the documentation is one that Gridtrail takes."""
    page = (Path(__file__).parent.parent / "docs" / "exports.md").read_text()
    tables = [
        table
        for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
        for table in tomllib.loads(block)["forward"]
    ]
    assert len(tables) > 7
    for table in tables:
        ForwardSettings.model_validate(table)
