"""`gridtrail verify` and `gridtrail compact`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Store = Callable[..., None]


@pytest.fixture
def filled(event: Make, store: Store) -> None:
    for part in range(3):
        store([event(part * 10 + number) for number in range(5)])


def checks(result: Any) -> dict[str, Any]:
    return {row["check"]: row for row in result.json}


@pytest.mark.usefixtures("filled")
def test_whole_lake(gridtrail: Run) -> None:
    """A whole lake has no problem and says what it holds."""
    result = gridtrail("verify", "-f", "json")
    assert result.code == 0
    assert "No problem found" in result.err
    assert checks(result)["events"]["count"] == 15
    assert {row["state"] for row in result.json} == {"ok"}


@pytest.mark.usefixtures("filled")
def test_missing_file(gridtrail: Run, data: Path) -> None:
    """A file that is gone is a problem, named, with exit code 1."""
    file = next((data / "lake" / "events").rglob("*.parquet"))
    file.unlink()
    result = gridtrail("verify", "-f", "json")
    assert result.code == 1
    assert "problem" in result.err
    assert file.name in checks(result)["files missing"]["text"]
    assert "is missing" in checks(result)["problem"]["text"]


def test_quarantine_is_a_note(gridtrail: Run) -> None:
    """Quarantined records are counted by reason; the next step lists them."""
    gridtrail("import", "-", stdin=b"nonsense\n")
    result = gridtrail("verify", "-f", "json")
    assert result.code == 0
    assert checks(result)["quarantine"]["text"] == "not_json: 1"
    assert "from quarantine" in result.err


def test_empty_lake(gridtrail: Run) -> None:
    """An installation without events verifies, in every format."""
    for output in ("table", "json", "ndjson", "csv"):
        assert gridtrail("verify", "-f", output).code == 0


@pytest.mark.usefixtures("filled")
def test_compact_changes_no_event(gridtrail: Run) -> None:
    """Many files become few, and every event is still there."""
    before = gridtrail("export", "-o", "-").out
    rows = {row["table"]: row for row in gridtrail("compact", "-f", "json").json}
    assert (rows["events"]["files_before"], rows["events"]["files_after"]) == (3, 1)
    assert rows["events"]["rows"] == 15
    assert gridtrail("export", "-o", "-").out == before
    again = {row["table"]: row for row in gridtrail("compact", "-f", "json").json}
    assert again["events"]["files_before"] == 0
    assert gridtrail("verify").code == 0


def test_retention_forgets(gridtrail: Run, event: Make, store: Store) -> None:
    """--keep-days forgets older days and says how many events that were."""
    store([event(number, date_create=1_600_000_000) for number in range(5)])
    result = gridtrail("compact", "--keep-days", "400")
    assert result.code == 0
    assert "5 events" in result.err
    assert gridtrail("logs", "-f", "json").json == []
    assert gridtrail("compact", "--keep-days", "0").code == 2
