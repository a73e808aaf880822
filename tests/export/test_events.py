"""Event tables out to a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gridtrail.export.events import columns_for, write_events
from gridtrail.export.formats import ExportFormat

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("reasons", pa.list_(pa.string())),
        pa.field("raw", pa.string(), nullable=False),
        pa.field("ingested_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
ROWS = [
    {
        "id": f"e{number}",
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
    whole = whole.set_column(2, "reasons", items).select(columns_for(kind, SCHEMA))
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
        "id": "e1",
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


@pytest.mark.parametrize("kind", list(ExportFormat))
def test_nothing_is_a_file_too(kind: ExportFormat) -> None:
    """An export of no event is a valid, empty file."""
    out = io.BytesIO()
    assert write_events(iter([]), SCHEMA, kind, out) == 0
