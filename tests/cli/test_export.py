"""`gridtrail export`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingStore

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Store = Callable[..., None]


@pytest.fixture
def filled(event: Make, store: Store) -> list[dict[str, Any]]:
    events = [event(number) for number in range(5)]
    events.append(event(9, "anomaly", details={"reason": ["tor"]}))
    store(events)
    return events


def test_ndjson_is_what_came(gridtrail: Run, filled: list[dict[str, Any]], tmp_path: Path) -> None:
    """The file holds the raw events, oldest first, readable by the owner alone."""
    file = tmp_path / "out.ndjson"
    result = gridtrail("export", "-o", str(file))
    assert (result.code, result.out) == (0, b"")
    assert "6 events written" in result.err
    assert file.read_text() == "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in filled)
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("filled")
def test_formats_hold_the_same_events(gridtrail: Run, tmp_path: Path) -> None:
    """CSV and Parquet hold what the listing holds."""
    rows = gridtrail("logs", "-f", "ndjson").rows[::-1]
    text = gridtrail("export", "-f", "csv", "-o", "-").text
    cells = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [cell["id"] for cell in cells] == [row["id"] for row in rows]
    assert list(cells[0]) == list(rows[0])
    gridtrail("export", "-f", "parquet", "-o", str(tmp_path / "out.parquet"))
    table = pq.read_table(tmp_path / "out.parquet")
    assert table["id"].to_pylist() == [row["id"] for row in rows]
    assert table["date_create"].to_pylist() == [row["date_create"] for row in rows]
    assert "raw" in table.column_names


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--what", "anomalies"], 1),
        (["--reason", "tor"], 1),
        (["--action", "file_downloaded", "--latest", "1790000002"], 3),
        (["--actor", "nobody"], 0),
    ],
)
def test_filters(gridtrail: Run, filters: list[str], count: int) -> None:
    """The filters of `logs` choose what is exported."""
    assert len(gridtrail("export", "-o", "-", *filters).rows) == count


@pytest.mark.usefixtures("filled")
def test_existing_file_needs_force(gridtrail: Run, tmp_path: Path) -> None:
    """A file that is there is kept unless --force is given."""
    file = tmp_path / "out.ndjson"
    file.write_text("mine")
    refused = gridtrail("export", "-o", str(file))
    assert refused.code == 2
    assert "--force" in refused.err
    assert file.read_text() == "mine"
    assert gridtrail("export", "-o", str(file), "--force").code == 0
    assert len(file.read_text().splitlines()) == 6


def test_unknown_format(gridtrail: Run) -> None:
    """A format that does not exist is wrong use."""
    assert gridtrail("export", "-o", "-", "-f", "xml").code == 2


@pytest.mark.usefixtures("filled")
def test_schemas(gridtrail: Run) -> None:
    """Events come as OCSF and as ECS too, anomalies as findings and alerts."""
    ocsf = gridtrail("export", "-o", "-", "-f", "ocsf").rows
    assert [one["class_uid"] for one in ocsf] == [6006] * 5 + [2004]
    ecs = gridtrail("export", "-o", "-", "-f", "ecs", "--what", "anomalies").rows
    assert [one["event"]["kind"] for one in ecs] == ["alert"]


def test_findings(gridtrail: Run, data: Path) -> None:
    """Findings are exported in each schema, chosen by the filters that they know."""
    one = Finding("F1", "E0", "t", "n", 2.0, "high", actor_ids=("W1",), first_seen=5, last_seen=9)
    with FindingStore(data / "state.db") as store, store.update() as update:
        update.save(one)
    assert gridtrail("export", "-o", "-", "--what", "findings").rows == [one.to_json()]
    found = gridtrail("export", "-o", "-", "--what", "findings", "-f", "ocsf").rows
    assert [each["finding_info"]["uid"] for each in found] == ["F1"]
    assert gridtrail("export", "-o", "-", "--what", "findings", "--actor", "W2").rows == []
    refused = gridtrail("export", "-o", "-", "--what", "findings", "--ip", "192.0.2.1")
    assert (refused.code, "--actor" in refused.err) == (2, True)
