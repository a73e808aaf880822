"""Real lakes in temporary directories, and events to put into them."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS

MIDNIGHT = 1_790_035_200  # 2026-09-22 00:00:00 UTC

MakeEvent = Callable[..., dict[str, Any]]
MakeTable = Callable[[Sequence[dict[str, Any]]], pa.Table]
NewLake = Callable[..., Lake]


@pytest.fixture(scope="session")
def make_event() -> MakeEvent:
    """An event row by id and second (counted from a midnight), any column overridden."""

    def make(event_id: str, second: int = 0, **columns: Any) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(EVENTS.names)
        row |= {
            "org": "E0ACME",
            "id": event_id,
            "date_create": MIDNIGHT + second,
            "action": "user_login",
            "actor_id": "W0MATTHEW1",
            "actor_name": "Matt",
            "actor_email": "matt@acme.example",
            "source": "import",
            "ingested_at": datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC),
        } | columns
        row["day"] = datetime.date(1970, 1, 1) + datetime.timedelta(row["date_create"] // 86400)
        if row["raw"] is None:
            kept = {key: row[key] for key in ("id", "date_create", "action")}
            row["raw"] = json.dumps(kept, ensure_ascii=False)
        return row

    return make


@pytest.fixture(scope="session")
def make_table() -> MakeTable:
    """Event rows as an Arrow table of the shape EVENTS."""
    return lambda rows: pa.Table.from_pylist(list(rows), schema=EVENTS)


@pytest.fixture
def new_lake(tmp_path: Path) -> Iterator[NewLake]:
    """Opens the lake `name` in this test's directory, each time with a session of its own."""
    engines = []

    def new(name: str = "lake") -> Lake:
        engine = DuckDB(threads=2, memory_limit="1GiB", spill=tmp_path / "spill")
        engines.append(engine)
        return Lake(tmp_path / name, engine)

    yield new
    for engine in engines:
        engine.close()


@pytest.fixture
def lake(new_lake: NewLake) -> Lake:
    """An empty lake."""
    return new_lake()


@pytest.fixture
def store(lake: Lake, make_table: MakeTable) -> Callable[..., Any]:
    """Appends event rows to `lake`."""

    def append(*rows: dict[str, Any], **options: Any) -> Any:
        lake.engine.register("given", make_table(rows))
        return lake.append_events("given", **options)

    return append
