"""Pages of events and their counts, read from the lake.

A page goes on exactly after the last event of the one before, by (second, id), however many events
arrive in between: nothing is shown twice or left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gridtrail.engine.duckdb import parquet_scan, quoted
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import DataFile
from gridtrail.lake.query import Condition
from gridtrail.lake.read import windows
from gridtrail.lake.schema import EVENTS_TABLE
from gridtrail.server.console.selecting import Position, Selection

_TYPES = {"org": "VARCHAR", "day": "DATE"}

ROW = (
    "id", "date_create", "action", "actor_type", "actor_id", "actor_name", "actor_email",
    "entity_type", "entity_id", "entity_name", "location_id", "location_domain", "ua", "ip",
    "session_id", "app_id", "reasons", "source",
)  # fmt: skip
"""Columns of a row in a listing."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """Events newest first; `after` is where the next page begins, None at the end."""

    rows: list[Row]
    after: Position | None


@dataclass(frozen=True, slots=True)
class Bucket:
    """Events of `width` seconds from `start`: all, and the anomalies among them."""

    start: int
    events: int
    anomalies: int


def listed(
    lake: Lake,
    wanted: Selection,
    limit: int,
    *,
    before: Position | None = None,
    columns: Sequence[str] = ROW,
) -> Listed:
    """The newest `limit` events of `wanted`, from `before` on; `columns` of EVENTS.

    `columns` must have `id` and `date_create`.
    """
    terms = wanted.sql
    if before is not None:
        term = "(date_create < ? OR date_create = ? AND id < ?)"
        terms.add(term, before.second, before.second, before.id)
    latest = wanted.filter.latest
    if before is not None:
        latest = before.second if latest is None else min(latest, before.second)
    files = _files(lake, wanted, latest)
    chosen = ", ".join(quoted(name) for name in columns)
    found: list[Row] = []
    for window in windows(files):
        left = limit + 1 - len(found)
        if left <= 0:
            break
        query = f"SELECT {chosen} FROM {_scan(lake, window)} WHERE {terms.sql} "
        query += f"ORDER BY date_create DESC, id DESC LIMIT {left}"
        found += lake.engine.rows(query, terms.values).to_pylist()
    page = found[:limit]
    goes_on = len(found) > limit
    return Listed(page, Position(page[-1]["date_create"], page[-1]["id"]) if goes_on else None)


def span(lake: Lake, wanted: Selection) -> tuple[int, int] | None:
    """The first and the last second of `wanted`'s range that can hold events, by the log alone."""
    files = _files(lake, wanted, wanted.filter.latest)
    firsts = [file.first for file in files if file.first is not None]
    lasts = [file.last for file in files if file.last is not None]
    if not firsts or not lasts:
        return None
    oldest, latest = wanted.filter.oldest, wanted.filter.latest
    first = min(firsts) if oldest is None else max(min(firsts), oldest)
    last = max(lasts) if latest is None else min(max(lasts), latest)
    return first, max(first, last)


def counts(lake: Lake, wanted: Selection, width: int) -> list[Bucket]:
    """How many events of `wanted` there were by `width` seconds, oldest first; empty ones left out.

    A bucket begins at a multiple of `width`.
    """
    rows = select(
        lake,
        wanted,
        f"date_create // {int(width)} * {int(width)} AS start, count(*) AS events, "
        "count(*) FILTER (action = 'anomaly') AS anomalies",
        "GROUP BY ALL ORDER BY start",
    )
    return [Bucket(row["start"], row["events"], row["anomalies"]) for row in rows]


def select(lake: Lake, wanted: Selection, what: str, end: str = "") -> list[Row]:
    """The rows of `SELECT what FROM (the events of wanted) end`; both texts are ours."""
    files = _files(lake, wanted, wanted.filter.latest)
    if not files:
        return []
    terms: Condition = wanted.sql
    query = f"SELECT {what} FROM {_scan(lake, files)} WHERE {terms.sql} {end}"
    found: list[Row] = lake.engine.rows(query, terms.values).to_pylist()
    return found


def keep(lake: Lake, wanted: Selection, name: str, columns: Sequence[str]) -> None:
    """Make the engine's table `name` of the events of `wanted`: for several questions about them.

    It stands until the next one of that name is made.
    """
    files = _files(lake, wanted, wanted.filter.latest)
    terms = wanted.sql
    chosen = ", ".join(quoted(column) for column in columns)
    query = f"SELECT {chosen} FROM {_scan(lake, files)} WHERE {terms.sql}"
    lake.engine.command(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {query}", terms.values)


def keep_few(lake: Lake, wanted: Selection, name: str, columns: Sequence[str], most: int) -> bool:
    """Like `keep` where there are at most `most` events; False when there are more, and then the
    table is of no use. The newest are read first, so that very many are soon known to be so."""
    terms = wanted.sql
    chosen = ", ".join(quoted(column) for column in columns)
    make = f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS"
    found = 0
    for window in windows(_files(lake, wanted, wanted.filter.latest)):
        query = f"SELECT {chosen} FROM {_scan(lake, window)} WHERE {terms.sql}"
        limit = most - found + 1
        lake.engine.command(f"{make} {query} LIMIT {limit}", terms.values)
        found = lake.engine.value(f"SELECT count(*) FROM {quoted(name)}")
        if found > most:
            return False
        make = f"INSERT INTO {quoted(name)}"
    return True


def _files(lake: Lake, wanted: Selection, latest: int | None) -> list[DataFile]:
    log = lake.log(EVENTS_TABLE)
    log.refresh()
    org = wanted.filter.org
    return [
        file
        for file in log.files()
        if org in (None, file.partition["org"]) and file.within(wanted.filter.oldest, latest)
    ]


def _scan(lake: Lake, files: Sequence[DataFile]) -> str:
    log = lake.log(EVENTS_TABLE)
    return parquet_scan(log.absolute(files), _TYPES, EVENTS_TABLE.partitions)
