"""A stream of event tables out to one file, in any of the formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa

from gridtrail.errors import SkipRecord
from gridtrail.export.formats import ExportFormat
from gridtrail.export.lines import event_line
from gridtrail.export.writers import write_csv, write_ndjson, write_parquet

LINE_COLUMNS = ("org", "id", "date_create", "action", "raw")
"""What `event_line` needs of an event."""

OnSkip = Callable[[str, SkipRecord], None]
"""Is told the id of an event that could not be converted, and why."""

_BATCH_ROWS = 8192


def columns_for(kind: ExportFormat, schema: pa.Schema) -> list[str]:
    """The columns of `schema` that a file of this kind needs.

    NDJSON is the raw events, Parquet everything, CSV everything but `raw`, which says it all
    again; OCSF and ECS are made of the raw event and what names it.
    """
    match kind:
        case ExportFormat.ndjson:
            return ["raw"]
        case ExportFormat.csv:
            return [name for name in schema.names if name != "raw"]
        case ExportFormat.parquet:
            return list(schema.names)
        case ExportFormat.ocsf | ExportFormat.ecs:
            return list(LINE_COLUMNS)


def write_events(
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    kind: ExportFormat,
    file: BinaryIO,
    *,
    on_skip: OnSkip | None = None,
) -> int:
    """Write `tables`, which have the columns of `columns_for`, to `file`; the number of events.

    Memory is bounded by one table. `schema` gives the types of a Parquet file. An event that
    cannot be converted is told to `on_skip` and left out; without it SkipRecord is raised.
    """
    columns = columns_for(kind, schema)
    match kind:
        case ExportFormat.ndjson:
            return write_ndjson(_batches(tables), file)
        case ExportFormat.csv:
            return write_csv(_batches(tables), file, columns=columns)
        case ExportFormat.parquet:
            return write_parquet(_reader(tables, schema, columns), file)
        case ExportFormat.ocsf | ExportFormat.ecs:
            return _write_lines(_batches(tables), kind, file, on_skip)


def _write_lines(
    batches: Iterable[pa.RecordBatch], kind: ExportFormat, file: BinaryIO, on_skip: OnSkip | None
) -> int:
    count = 0
    for batch in batches:
        for row in batch.to_pylist():
            try:
                line = event_line(row, kind)
            except SkipRecord as skip:
                if on_skip is None:
                    raise
                on_skip(row["id"], skip)
                continue
            file.write(line.encode("ascii") + b"\n")
            count += 1
    return count


def _batches(tables: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
    for table in tables:
        yield from table.to_batches(max_chunksize=_BATCH_ROWS)


def _reader(
    tables: Iterable[pa.Table], schema: pa.Schema, columns: Sequence[str]
) -> pa.RecordBatchReader:
    # a query's result forgets what cannot be null, so the file says that anything may be
    wanted = pa.schema([schema.field(name).with_nullable(True) for name in columns])
    typed = (table.select(list(columns)).cast(wanted) for table in tables)
    return pa.RecordBatchReader.from_batches(wanted, _batches(typed))
