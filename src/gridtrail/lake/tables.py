"""Small tables of other rooms: dimension tables, profiles, snapshots.

A table is made at its first writing and is empty, with the right columns, before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB, literal, quoted
from gridtrail.errors import WrongUse
from gridtrail.lake.files import cast_columns, discard, write_files
from gridtrail.lake.log import (
    Checkpoint,
    DataFile,
    PartitionValue,
    Raced,
    TableLog,
    attempts,
    matching_files,
    partition_text,
)

_GIVEN = "_given"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of a table as seen by a view; -1 when there is no table yet.

    `files` are absolute paths; `rows` is their number of rows, before any bounds inside them.
    """

    version: int
    files: tuple[str, ...]
    rows: int


def write_table(
    engine: DuckDB,
    log: TableLog,
    rows: pa.Table | str,
    *,
    replace: Mapping[str, PartitionValue] | None = None,
    checkpoint: Checkpoint | None = None,
    notes: Mapping[str, str] | None = None,
) -> int:
    """Append `rows`, or put them in the place of a partition's rows; see `Lake.write`."""
    _check_partitions(log, replace or {})
    relation = rows if isinstance(rows, str) else _GIVEN
    if not isinstance(rows, str):
        engine.register(_GIVEN, rows)
    try:
        query = f"SELECT {cast_columns(engine, log.shape.schema)} FROM {quoted(relation)}"
        _check_rows(engine, log, query, replace or {})
        files = write_files(engine, log, query)
    finally:
        if not isinstance(rows, str):
            engine.unregister(_GIVEN)

    def step() -> None:
        log.refresh()
        removed = [] if replace is None else matching_files(log.files(), replace)
        if files or removed or checkpoint:
            log.commit(files, removed, checkpoint=checkpoint, notes=notes)

    try:
        attempts(step)
    except Raced:
        discard(files)
        raise
    return sum(file.rows for file in files)


def table_view(
    engine: DuckDB,
    log: TableLog,
    name: str,
    *,
    where: Mapping[str, PartitionValue],
    oldest: int | None = None,
    latest: int | None = None,
) -> Snapshot:
    """Register the view `name` over one version of the table; see `Lake.view`."""
    _check_partitions(log, where)
    log.refresh()
    files = [f for f in matching_files(log.files(), where) if f.within(oldest, latest)]
    paths = log.absolute(files)
    view_files(engine, log, name, files, oldest=oldest, latest=latest)
    return Snapshot(log.version, tuple(paths), sum(file.rows for file in files))


def view_files(
    engine: DuckDB,
    log: TableLog,
    name: str,
    files: list[DataFile],
    *,
    oldest: int | None = None,
    latest: int | None = None,
) -> None:
    """Register the view `name` over `files`, with the bounds (inclusive) on the order column."""
    bounds = []
    if log.shape.order is not None:
        order = quoted(log.shape.order)
        bounds += [f"{order} >= {int(oldest)}"] if oldest is not None else []
        bounds += [f"{order} <= {int(latest)}"] if latest is not None else []
    engine.parquet_view(
        name,
        log.absolute(files),
        engine.sql_types(log.shape.schema),
        log.shape.partitions,
        " AND ".join(bounds) or "true",
    )


def _check_partitions(log: TableLog, where: Mapping[str, PartitionValue]) -> None:
    unknown = [column for column in where if column not in log.shape.partitions]
    if unknown:
        known = ", ".join(log.shape.partitions) or "none"
        raise WrongUse(
            f"The table {log.shape.name} has no partition column {unknown[0]!r}: use {known}."
        )


def _check_rows(
    engine: DuckDB, log: TableLog, query: str, replace: Mapping[str, PartitionValue]
) -> None:
    """Refuse rows with a null where none may be, and rows outside the partition they replace."""
    required = [
        f.name for f in log.shape.schema if not f.nullable or f.name in log.shape.partitions
    ]
    bad = [f"{quoted(name)} IS NULL" for name in sorted(required)]
    bad += [f"{quoted(c)}::VARCHAR <> {literal(partition_text(v))}" for c, v in replace.items()]
    if bad and engine.value(f"SELECT count(*) FROM ({query}) WHERE {' OR '.join(bad)}"):
        raise WrongUse(
            f"Rows for the table {log.shape.name} lack a required value or lie outside the part "
            "that they replace: correct them before writing."
        )
