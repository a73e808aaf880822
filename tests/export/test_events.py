"""Event tables out to a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridtrail.errors import SkipRecord
from gridtrail.export.events import columns_for, write_events
from gridtrail.export.formats import ExportFormat

SCHEMA = pa.schema(
    [
        pa.field("org", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("date_create", pa.int64(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("raw", pa.string(), nullable=False),
        pa.field("ingested_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
ROWS = [
    {
        "org": "E0",
        "id": f"e{number}",
        "date_create": 5,
        "action": "user_login",
        "day": date(2026, 10, 1),
        "reasons": ["tor"] if number else None,
        "raw": f'{{"id":"e{number}","n":1.10}}',
        "ingested_at": datetime(2026, 10, 1, 8, tzinfo=UTC),
    }
    for number in range(5)
]


def tables(kind: ExportFormat) -> Iterator[pa.Table]:
    """Two tables whose list items and nullability differ from the schema's, as a query's do."""
    whole = pa.Table.from_pylist(ROWS, schema=SCHEMA)
    items = whole["reasons"].cast(pa.list_(pa.field("l", pa.string())))
    whole = whole.set_column(5, "reasons", items).select(columns_for(kind, SCHEMA))
    yield whole.slice(0, 2)
    yield whole.slice(2)


def written(kind: ExportFormat) -> bytes:
    out = io.BytesIO()
    assert write_events(tables(kind), SCHEMA, kind, out) == 5
    return out.getvalue()


def test_ndjson() -> None:
    """NDJSON is the raw events."""
    assert written(ExportFormat.ndjson).decode().splitlines() == [row["raw"] for row in ROWS]


def test_csv() -> None:
    """CSV has every column but raw, lists as JSON, times in ISO."""
    rows = list(csv.DictReader(io.StringIO(written(ExportFormat.csv).decode(), newline="")))
    assert rows[1] == {
        "org": "E0",
        "id": "e1",
        "date_create": "5",
        "action": "user_login",
        "day": "2026-10-01",
        "reasons": '["tor"]',
        "ingested_at": "2026-10-01T08:00:00Z",
    }
    assert rows[0]["reasons"] == ""


def test_parquet() -> None:
    """Parquet has every column with its type and value."""
    back = pq.read_table(io.BytesIO(written(ExportFormat.parquet)))
    assert back.to_pylist() == ROWS
    assert back.schema.types == SCHEMA.types


@pytest.mark.parametrize("kind", [ExportFormat.ocsf, ExportFormat.ecs])
def test_schemas(kind: ExportFormat) -> None:
    """OCSF and ECS are one JSON object a line, one for each event."""
    made = [json.loads(line) for line in written(kind).splitlines()]
    ids = [one["metadata"]["uid"] if "metadata" in one else one["event"]["id"] for one in made]
    assert ids == [row["id"] for row in ROWS]


@pytest.mark.parametrize("kind", [ExportFormat.ocsf, ExportFormat.ecs])
def test_what_cannot_be_converted(kind: ExportFormat) -> None:
    """An event that cannot be converted is told and left out; the others are written."""
    rows = [*ROWS[:2], {**ROWS[2], "raw": "{"}, *ROWS[3:]]
    table = pa.Table.from_pylist(rows, schema=SCHEMA).select(columns_for(kind, SCHEMA))
    out, told = io.BytesIO(), []
    count = write_events(
        [table], SCHEMA, kind, out, on_skip=lambda name, why: told.append((name, why.reason))
    )
    assert (count, len(out.getvalue().splitlines())) == (4, 4)
    assert told == [("e2", "not_json")]
    with pytest.raises(SkipRecord):
        write_events([table], SCHEMA, kind, io.BytesIO())


@pytest.mark.parametrize("kind", list(ExportFormat))
def test_nothing_is_a_file_too(kind: ExportFormat) -> None:
    """An export of no event is a valid, empty file."""
    out = io.BytesIO()
    assert write_events(iter([]), SCHEMA, kind, out) == 0
