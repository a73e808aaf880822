"""A stream of event tables out to one file, in one of three formats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa

from gridtrail.export.formats import ExportFormat
from gridtrail.export.writers import write_csv, write_ndjson, write_parquet

_BATCH_ROWS = 8192


def columns_for(kind: ExportFormat, schema: pa.Schema) -> list[str]:
    """The columns of `schema` that a file of this kind needs.

    NDJSON is the raw events, Parquet everything, CSV everything but `raw`, which says it all
    again.
    """
    match kind:
        case ExportFormat.ndjson:
            return ["raw"]
        case ExportFormat.csv:
            return [name for name in schema.names if name != "raw"]
        case ExportFormat.parquet:
            return list(schema.names)


def write_events(
    tables: Iterable[pa.Table], schema: pa.Schema, kind: ExportFormat, file: BinaryIO
) -> int:
    """Write `tables`, which have the columns of `columns_for`, to `file`; the number of events.

    Memory is bounded by one table. `schema` gives the types of a Parquet file.
    """
    columns = columns_for(kind, schema)
    match kind:
        case ExportFormat.ndjson:
            return write_ndjson(_batches(tables), file)
        case ExportFormat.csv:
            return write_csv(_batches(tables), file, columns=columns)
        case ExportFormat.parquet:
            return write_parquet(_reader(tables, schema, columns), file)


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
