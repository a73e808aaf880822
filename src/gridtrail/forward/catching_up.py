"""Reading the table itself, where the files of its commits are not there (or never were wanted).

Rows are read by organization, day, second and id, from the table as it is now, so that what is
deleted or compacted meanwhile does no harm. When the log still says which files were added since,
only their stretches of seconds are read: some rows come twice then, none is missed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gridtrail.engine.duckdb import parquet_scan, quoted
from gridtrail.forward.position import CatchingUp, Position
from gridtrail.forward.record import Step
from gridtrail.forward.source import Lag
from gridtrail.lake.changes import Changes, Gone
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import DataFile
from gridtrail.lake.schema import EVENTS, EVENTS_TABLE

_COLUMNS = ("id", "date_create", "action", "raw")
_CHUNK_ROWS = 10_000
_MOST_SPANS = 200
_WHILE_WRITING = timedelta(days=1)
"""No writer takes longer than this from reading an event to committing it."""

Span = tuple[int, int]
"""First and last second, inclusive."""

Partition = tuple[str, str]
"""Organization and day."""


def caught_up(
    lake: Lake,
    changes: Changes,
    position: Position,
    step: Callable[[Mapping[str, Any], Position], Step],
) -> Iterator[Step]:
    """What `step` makes of each row that is left, with the position behind it."""
    where = position.catching_up
    if where is None:
        return
    for (org, day), spans in sorted(_spans(lake, changes, position).items()):
        if where.before(org, day):
            continue
        if (where.org, where.day) != (org, day):
            where = replace(where, org=org, day=day, second=-1, id="")
        while rows := _chunk(lake, where, spans):
            for row in rows:
                where = where.at(row["date_create"], row["id"])
                row["org"] = org
                yield step(row, position.catching(where))


def what_is_left(lake: Lake, changes: Changes, position: Position) -> Lag:
    """At most so many rows, from the log alone; of the past they wait since they happened."""
    where = position.catching_up
    if where is None:
        return Lag(0, None)
    rows, oldest = 0, time.time()
    for (org, day), spans in _spans(lake, changes, position).items():
        if where.before(org, day):
            continue
        for file in _files(lake, org, day):
            if _touches(file, spans):
                rows += file.rows
                oldest = min(oldest, oldest if file.first is None else file.first)
    return Lag(rows, (position.at or oldest) if rows else None)


def _spans(lake: Lake, changes: Changes, position: Position) -> dict[Partition, list[Span]]:
    """Which seconds of which partition to read; no span means all of it."""
    where = position.catching_up
    if where is None:
        return {}
    if position.version < 0 or where.gone_at is not None:
        return {partition: [] for partition in _partitions(lake)}
    found: defaultdict[Partition, list[Span]] = defaultdict(list)
    try:
        for commit in changes.after(position.version):
            if commit.version > where.until:
                break
            for file in commit.files:
                first = 0 if file.first is None else file.first
                last = 2**62 if file.last is None else file.last
                found[file.partition["org"], file.partition["day"]].append((first, last))
    except Gone:
        return {partition: [] for partition in _partitions(lake)}
    return {partition: _joined(spans) for partition, spans in found.items()}


def _joined(spans: Sequence[Span]) -> list[Span]:
    """`spans` that touch as one, so that no row is read twice; not too many of them."""
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined if len(joined) <= _MOST_SPANS else [(joined[0][0], joined[-1][1])]


def _partitions(lake: Lake) -> set[Partition]:
    log = lake.log(EVENTS_TABLE)
    log.refresh()
    return {(file.partition["org"], file.partition["day"]) for file in log.files()}


def _files(lake: Lake, org: str, day: str) -> list[DataFile]:
    log = lake.log(EVENTS_TABLE)
    log.refresh()
    wanted = {"org": org, "day": day}
    return [file for file in log.files() if file.partition == wanted]


def _touches(file: DataFile, spans: Sequence[Span]) -> bool:
    return not spans or any(file.within(first, last) for first, last in spans)


def _chunk(lake: Lake, where: CatchingUp, spans: Sequence[Span]) -> list[dict[str, Any]]:
    """The next rows of the partition after (second, id)."""
    files = [
        file
        for file in _files(lake, where.org, where.day)
        if _touches(file, spans) and file.within(max(where.second, where.since or 0), None)
    ]
    if not files:
        return []
    paths = lake.log(EVENTS_TABLE).absolute(files)
    types = lake.engine.sql_types(EVENTS)
    terms = ["(date_create > ? OR (date_create = ? AND id > ?))"]
    values: list[Any] = [where.second, where.second, where.id]
    if where.since is not None:
        terms.append("date_create >= ?")
        values.append(where.since)
    if where.gone_at:
        terms.append("ingested_at >= ?")
        values.append(datetime.fromtimestamp(where.gone_at, UTC) - _WHILE_WRITING)
    if spans:
        terms.append(f"({' OR '.join(['date_create BETWEEN ? AND ?'] * len(spans))})")
        values += [second for span in spans for second in span]
    columns = ", ".join(quoted(name) for name in _COLUMNS)
    scan = parquet_scan(paths, types, EVENTS_TABLE.partitions)
    sql = f"SELECT {columns} FROM {scan} WHERE {' AND '.join(terms)}"
    sql += f" ORDER BY date_create, id LIMIT {_CHUNK_ROWS}"
    rows: list[dict[str, Any]] = lake.engine.rows(sql, values).to_pylist()
    return rows
