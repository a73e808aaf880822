"""People's SQL over the lake: read-only, each query in a locked session of its own.

A session sees the lake's tables and nothing else, has a bounded memory, no disk to spill to, and
ends by a deadline; so does its result.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from anyio import CapacityLimiter, to_thread

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.sql_guard import check_query, distinct_names, lock
from gridtrail.server.views import open_views
from gridtrail.settings import Settings

SECONDS = 30.0
"""How long a query may take."""

MOST_BYTES = 64 * 1_048_576
"""How much memory its result may take."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A query's result: `columns` and whether each holds numbers, `rows` as Python values.

    `more` says that there are rows beyond; `seconds` is how long it took.
    """

    columns: Sequence[str]
    numeric: Sequence[bool]
    rows: Sequence[Sequence[Any]]
    more: bool
    seconds: float


Tables = Mapping[str, Sequence[tuple[str, str]]]
"""Table -> its columns, each with its type."""


@dataclass
class Queries:
    """Runs queries over the lake of `settings`, two at a time; others wait their turn."""

    settings: Settings
    seconds: float = SECONDS
    _limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2))
    _tables: Tables | None = None

    async def run(self, sql: str, limit: int) -> Answer:
        """The first `limit` rows of `sql`.

        Raises WrongUse when it is not one SELECT over the lake's tables, when it fails, takes too
        long, or is too large.
        """
        return await to_thread.run_sync(lambda: self._run(sql, limit), limiter=self._limiter)

    async def tables(self) -> Tables:
        """What can be queried."""
        if self._tables is None:  # the tables of a version of Gridtrail are always the same
            self._tables = await to_thread.run_sync(self._list, limiter=self._limiter)
        return self._tables

    def _run(self, sql: str, limit: int) -> Answer:
        began = time.monotonic()
        engine, names = self._session()
        try:
            checked = check_query(engine, sql, names)
            bounded = f"SELECT * FROM (\n{checked.sql}\n) LIMIT {int(limit) + 1}"
            found = engine.select(bounded, self.seconds, MOST_BYTES)
        finally:
            engine.close()
        return _answer(found, limit, time.monotonic() - began)

    def _session(self) -> tuple[DuckDB, list[str]]:
        settings = self.settings
        engine = DuckDB(threads=settings.threads, memory_limit=settings.server.memory_limit)
        names, files = open_views(Lake(settings.data / "lake", engine))
        engine.command("SET temp_directory = ''")  # what needs more than its memory fails
        lock(engine, files)
        return engine, names

    def _list(self) -> Tables:
        engine, names = self._session()
        try:
            return {
                name: [
                    (row["column_name"], row["column_type"])
                    for row in engine.select(f'DESCRIBE "{name}"').to_pylist()
                ]
                for name in names
            }
        finally:
            engine.close()


def _answer(found: pa.Table, limit: int, seconds: float) -> Answer:
    try:
        columns = [column.to_pylist() for column in found.slice(0, limit).columns]
    except (ValueError, OverflowError) as error:
        raise WrongUse(
            f"The result has a value that cannot be shown ({error}): cast it to VARCHAR."
        ) from error
    return Answer(
        columns=distinct_names(found.column_names),
        numeric=[_is_number(kind) for kind in found.schema.types],
        rows=list(zip(*columns, strict=True)),
        more=found.num_rows > limit,
        seconds=seconds,
    )


def _is_number(kind: pa.DataType) -> bool:
    is_one = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    return any(test(kind) for test in is_one)
