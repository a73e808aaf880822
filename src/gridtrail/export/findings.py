"""Findings out to one file, in any of the formats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from gridtrail.export.cells import csv_lines
from gridtrail.export.formats import ExportFormat
from gridtrail.export.lines import finding_line
from gridtrail.export.values import cell_text, json_text

_TEXTS = pa.list_(pa.string())
_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("org", pa.string()),
        pa.field("title", pa.string()),
        pa.field("narrative", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("severity", pa.string()),
        pa.field("status", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("actor_ids", _TEXTS),
        pa.field("session_ids", _TEXTS),
        pa.field("ips", _TEXTS),
        pa.field("reasons", _TEXTS),
        pa.field("rules", _TEXTS),
        pa.field("first_seen", pa.int64()),  # seconds since the epoch, as last_seen
        pa.field("last_seen", pa.int64()),
        pa.field("event_ids", _TEXTS),
        pa.field("context", pa.string()),  # JSON text, as history
        pa.field("history", pa.string()),
        pa.field("advice", _TEXTS),
        pa.field("assignee", pa.string()),
        pa.field("verdict_reason", pa.string()),
    ]
)
FINDING_COLUMNS: Sequence[str] = tuple(_SCHEMA.names)
"""The fields of the finding contract, in its order."""


def write_findings(
    findings: Iterable[Mapping[str, Any]], kind: ExportFormat, file: BinaryIO
) -> int:
    """Write `findings` (the contract's JSON objects) to `file`; their number."""
    rows = list(findings)
    match kind:
        case ExportFormat.csv:
            file.write(csv_lines([FINDING_COLUMNS]))
            file.write(csv_lines([cell_text(row.get(n)) for n in FINDING_COLUMNS] for row in rows))
        case ExportFormat.parquet:
            pq.write_table(_table(rows), file, compression="zstd")
        case ExportFormat.ndjson | ExportFormat.ocsf | ExportFormat.ecs:
            for row in rows:
                file.write(finding_line(row, kind).encode("ascii") + b"\n")
    return len(rows)


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    def value(row: Mapping[str, Any], name: str) -> Any:
        found = row.get(name)
        return json_text(found) if name in ("context", "history") and found is not None else found

    plain = [{name: value(row, name) for name in FINDING_COLUMNS} for row in rows]
    return pa.Table.from_pylist(plain, schema=_SCHEMA)
