"""Trying a detector of one's own: the example of the documentation, and broken ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = (Path(__file__).parent.parent.parent / "docs" / "detectors.md").read_text()
EXAMPLE = DOCUMENT.split("```python\n")[1].split("```")[0]
CASES = next(
    block
    for part in DOCUMENT.split("```toml\n")[1:]
    if "[[case]]" in (block := part.split("```")[0])
)


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    """The documentation's detector with its cases beside it."""
    file = tmp_path / "download_with_tool.py"
    file.write_text(EXAMPLE)
    file.with_suffix(".cases.toml").write_text(CASES)
    return file


def test_the_example_passes(detector: Path, gridtrail: Callable[..., Any]) -> None:
    """What docs/detectors.md shows passes its cases and the whole battery."""
    result = gridtrail("detect", "--check", str(detector), "--format", "json")

    assert [row for row in result.json if row["result"] == "failed"] == []
    assert result.code == 0
    names = [row["check"] for row in result.json]
    assert names[:2] == ["case: a script takes files", "case: an app takes files"]
    assert {"increments", "hostile_text", "cost"} <= set(names)
    assert "plugins" in result.err


def test_what_fails_is_named(detector: Path, gridtrail: Callable[..., Any]) -> None:
    """A case that is not so and a check that fails are named, with exit code 1."""
    cases = CASES.replace('client = "python", app', 'client = "python", session')
    detector.with_suffix(".cases.toml").write_text(cases)
    detector.write_text(EXAMPLE.replace('"audit"', '"guess"'))
    result = gridtrail("detect", "--check", str(detector), "--format", "json")

    assert result.code == 1
    failed = {row["check"]: row["what"] for row in result.json if row["result"] == "failed"}
    assert "found W0BEN" in failed["case: an app takes files"]
    assert "neither audit nor audit-proxy" in failed["contract"]
    assert "checks failed" in result.err


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [("gone.py", None, "There is no file"), ("odd.py", "1 / 0", "ZeroDivisionError")],
)
def test_no_detector(
    tmp_path: Path, gridtrail: Callable[..., Any], name: str, text: str | None, told: str
) -> None:
    """A file without a detector is refused with the reason."""
    if text is not None:
        (tmp_path / name).write_text(text)
    result = gridtrail("detect", "--check", str(tmp_path / name))

    assert result.code == 1
    assert told in result.err
