"""Rows to the Parquet files of a table, sorted and one set a partition."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB, ParquetLayout, WrittenFile, literal, quoted
from gridtrail.lake.log import TableLog, partition_text
from gridtrail.lake.schema import TableShape

APPENDED = ParquetLayout()
"""New files: quick to write, small row groups so that both cores pack them."""

_FEW_PARTITIONS = 16
_HALVED_ROWS = 20_000


def write_files(
    engine: DuckDB,
    log: TableLog,
    query: str,
    *,
    layout: ParquetLayout = APPENDED,
    prefix: str = "part-",
    shared: bool = False,
) -> list[WrittenFile]:
    """Write the rows of `query` (all columns of the table) to new files; they are not committed.

    Up to 16 partitions are written by themselves, each file strictly sorted, and at the same time
    when `query` reads only what is `shared` between sessions (`DuckDB.is_shared`). More are written
    in one pass, which takes a third of the time then but keeps the order only nearly; compaction
    sorts such files.

    Raises WrongUse when a partition value cannot be the name of a directory.
    """
    shape = log.shape
    log.root.mkdir(parents=True, exist_ok=True)
    ordered = f"SELECT * FROM ({query}){sorting(shape)}"
    if not shape.partitions:
        one = log.root / f"{prefix}{uuid.uuid4()}.parquet"
        return _with_rows(engine.copy(ordered, one, layout=layout))
    keys = ", ".join(quoted(p) for p in shape.partitions)
    found = engine.rows(f"SELECT DISTINCT {keys} FROM ({query})")
    texts = [[partition_text(value) for value in row.values()] for row in found.to_pylist()]
    if len(texts) > _FEW_PARTITIONS:
        return engine.copy(
            ordered, log.root, layout=layout, partitions=shape.partitions, prefix=prefix
        )
    jobs, places = [], []
    for row in texts:
        partition = dict(zip(shape.partitions, row, strict=True))
        directory = log.root.joinpath(*(f"{c}={text}" for c, text in partition.items()))
        directory.mkdir(parents=True, exist_ok=True)
        # the literal takes the column's type: the other way round every row's value would be cast
        same = " AND ".join(f"{quoted(c)} = {literal(t)}" for c, t in partition.items())
        chosen = same if len(texts) > 1 else "true"
        for piece in _halves(engine, log, query) if shared and len(texts) == 1 else ["true"]:
            part = f"SELECT * EXCLUDE ({keys}) FROM ({query}) WHERE {chosen} AND {piece}"
            target = directory / f"{prefix}{uuid.uuid4()}.parquet"
            jobs.append((part + sorting(shape), target))
            places.append(partition)
    if shared:
        written = engine.copies(jobs, layout=layout)
    else:
        written = [engine.copy(part, target, layout=layout) for part, target in jobs]
    return _with_rows(
        [
            replace(file, partition=partition)
            for files, partition in zip(written, places, strict=True)
            for file in files
        ]
    )


def _halves(engine: DuckDB, log: TableLog, query: str) -> list[str]:
    """Conditions that cut many rows at a second into halves, so that two cores can pack them."""
    if log.shape.order is None:
        return ["true"]
    order = quoted(log.shape.order)
    sql = f"SELECT count(*) AS n, median({order})::BIGINT AS middle FROM ({query})"
    found = engine.rows(sql).to_pylist()[0]
    if found["n"] < _HALVED_ROWS:
        return ["true"]
    return [f"{order} <= {found['middle']}", f"{order} > {found['middle']}"]


def discard(files: Iterable[WrittenFile]) -> None:
    """Delete files that were written and will not be committed."""
    for file in files:
        file.path.unlink(missing_ok=True)


def cast_columns(engine: DuckDB, schema: pa.Schema, *, alias: str = "") -> str:
    """The select list that gives the columns of `schema` in order and type."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(
        f"{prefix}{quoted(column)}::{kind} AS {quoted(column)}"
        for column, kind in engine.sql_types(schema).items()
    )


def sorting(shape: TableShape) -> str:
    """The ORDER BY of the table's files; empty when they have none."""
    if shape.order is None:
        return ""
    keys = [shape.order, *(["id"] if "id" in shape.schema.names else [])]
    return " ORDER BY " + ", ".join(quoted(key) for key in keys)


def _with_rows(files: list[WrittenFile]) -> list[WrittenFile]:
    discard(file for file in files if not file.rows)
    return [file for file in files if file.rows]
