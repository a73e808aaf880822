"""The embedded engine: DuckDB.

Expressions come in as Ibis expressions over unbound tables or as SQL text, rows go out as Arrow
tables. Names of relations are ours, never a stranger's; values reach SQL only as parameters.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import pyarrow as pa

from gridtrail.engine.shape import column_types
from gridtrail.errors import Stop, WrongUse

if TYPE_CHECKING:
    import ibis.expr.operations as ops
    import ibis.expr.types as ir

_GIVEN = "_given_rows"
_SESSION_OPTIONS = ("SET TimeZone = 'UTC'", "SET enable_progress_bar = false")
"""What each connection has to be told anew."""
_T = TypeVar("_T")
_R = TypeVar("_R")


def quoted(name: str) -> str:
    """`name` as an SQL identifier, safe whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """`text` as an SQL string literal, for the few places that take no parameter."""
    return "'" + str(text).replace("'", "''") + "'"


def exact_path(path: str | Path) -> str:
    """`path` as an SQL string literal that names this one file, whatever wildcards it holds."""
    return literal("".join(f"[{c}]" if c in "*?[" else c for c in str(path)))


def parquet_scan(files: Sequence[str], types: Mapping[str, str], partitions: Sequence[str]) -> str:
    """SQL of a table function that reads `files` (absolute paths, at least one).

    `types` gives the SQL types of the hive `partitions`. All files have the columns of the first.
    """
    listed = ", ".join(exact_path(file) for file in files)
    kinds = ", ".join(f"{quoted(p)}: {types[p]}" for p in partitions)
    hive = f"hive_partitioning = true, hive_types = {{{kinds}}}" if partitions else ""
    return f"read_parquet([{listed}], {hive or 'hive_partitioning = false'})"


def compiled(relation: ir.Table) -> str:
    """SQL text of an Ibis relation, whose columns have the types that it says."""
    return _compiled(relation.op())


@lru_cache(4096)  # it takes longer than to compute the rows of a day
def _compiled(operation: ops.Relation) -> str:
    import ibis  # takes a quarter of a second, and not all work has expressions

    relation = operation.to_expr()
    # sums of 64-bit integers are 128 bits wide here, and Ibis leaves out the cast back
    columns = ", ".join(
        f"{quoted(name)}::{kind.duckdb} AS {quoted(name)}"
        for name, kind in column_types(relation).items()
    )
    return f"SELECT {columns} FROM ({ibis.to_sql(relation, dialect='duckdb', pretty=False)})"


class UnreadableFile(Stop):
    """A file cannot be read; the message is the engine's own first line."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A Parquet file that `DuckDB.copy` wrote.

    `partition` holds the text of the partition values, `smallest` and `largest` the text of each
    column's bounds (a long text may be shortened), `nulls` the number of nulls by column.
    """

    path: Path
    rows: int
    size: int  # bytes
    partition: Mapping[str, str]
    smallest: Mapping[str, str]
    largest: Mapping[str, str]
    nulls: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ParquetLayout:
    """How Parquet files are laid out.

    `level` is zstd's; `row_group_rows` bounds a row group and `page_bytes` a page in it (what is
    unpacked to read one value).
    """

    row_group_rows: int = 20_480
    page_bytes: int = 131_072
    level: int = 1

    def options(self) -> str:
        """The text for COPY."""
        parts = [
            "FORMAT parquet, COMPRESSION zstd, RETURN_STATS",
            f"COMPRESSION_LEVEL {self.level}, ROW_GROUP_SIZE {self.row_group_rows}",
            f"DATA_PAGE_SIZE_LIMIT {self.page_bytes}",
        ]
        return ", ".join(parts)


class DuckDB:
    """One in-memory DuckDB session; not shared between threads (`keep_all` and `each` share it out
    among threads of its own).

    `threads` 0 means all cores; `memory_limit` is DuckDB's text such as "1GiB"; `spill` is a
    directory for what does not fit, created when needed in a directory that must be there, and
    taken away at the end.
    """

    name = "duckdb"

    def __init__(
        self, *, threads: int = 0, memory_limit: str = "1GiB", spill: Path | None = None
    ) -> None:
        self._connection = duckdb.connect(":memory:")
        self._here = threading.local()  # a thread of `_crew` has a connection of its own
        self._crew: ThreadPoolExecutor | None = None
        self._types: dict[pa.Schema, dict[str, str]] = {}  # see `sql_types`
        self._hands = threads or os.cpu_count() or 1
        self.command(f"SET threads = {self._hands}")
        self.command(f"SET memory_limit = {literal(memory_limit)}")
        self.command("SET preserve_insertion_order = false")
        for option in _SESSION_OPTIONS:
            self.command(option)
        self.command("SET autoinstall_known_extensions = false")
        self.command("SET autoload_known_extensions = false")
        if spill is not None:
            self.command(f"SET temp_directory = {literal(spill)}")

    def close(self) -> None:
        """End the session and free its memory."""
        if self._crew is not None:
            self._crew.shutdown()
        self._connection.close()

    @property
    def _current(self) -> duckdb.DuckDBPyConnection:
        """The connection of the thread that asks."""
        own: duckdb.DuckDBPyConnection = getattr(self._here, "connection", self._connection)
        return own

    def _join_crew(self) -> None:
        self._here.connection = self._connection.cursor()
        for option in _SESSION_OPTIONS:
            self.command(option)

    def _share_out(self, work: Callable[[_T], _R], things: Sequence[_T]) -> list[_R]:
        """`work` on each of some things, as many at once as there are cores.

        Planning a statement takes one core, and for small tables it is nearly all of the work.
        """
        if self._hands < 2 or len(things) < 2 or hasattr(self._here, "connection"):
            return [work(thing) for thing in things]
        if self._crew is None:
            self._crew = ThreadPoolExecutor(self._hands, "engine", initializer=self._join_crew)
        return list(self._crew.map(work, things))

    def command(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run `sql`, drop what it returns."""
        self._current.execute(sql, list(parameters)).complete()

    def rows(self, query: str | ir.Table, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of SQL text or of an Ibis expression over registered names."""
        sql = query if isinstance(query, str) else compiled(query)
        return self._relation(sql, parameters).to_arrow_table()

    def checked_rows(self, sql: str, parameters: Sequence[Any] = ()) -> pa.Table:
        """As `rows`, for files that may be damaged.

        Raises UnreadableFile when the engine cannot read them.
        """
        try:
            return self.rows(sql, parameters)
        except duckdb.Error as error:
            raise UnreadableFile(_first_line(error)) from error

    def batches(self, sql: str, parameters: Sequence[Any] = ()) -> pa.RecordBatchReader:
        """The result of `sql` as a stream of record batches, for what may not fit in memory."""
        reader: pa.RecordBatchReader = self._relation(sql, parameters).to_arrow_reader(8192)
        return reader

    def _relation(self, sql: str, parameters: Sequence[Any]) -> duckdb.DuckDBPyRelation:
        # a relation hands its rows to Arrow without the copy that a cursor makes
        return self._current.sql(sql, params=list(parameters) or None)

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row of a SELECT, or None."""
        row = self._current.execute(sql, list(parameters)).fetchone()
        self._current.abort()  # an unread rest would block the session
        return row[0] if row else None

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name`, without copying it."""
        self._current.register(name, table)

    def unregister(self, name: str) -> None:
        """Forget what `register` made readable."""
        self._current.unregister(name)

    def keep(self, name: str, query: str | ir.Table | pa.Table) -> None:
        """Compute `query` now and keep the result as the table `name`, replacing an older one."""
        if isinstance(query, pa.Table):
            self.register(_GIVEN, query)
            self.keep(name, f"SELECT * FROM {_GIVEN}")
            self.unregister(_GIVEN)
            return
        self._kept(name, query)

    def _kept(self, name: str, query: str | ir.Table) -> int:
        sql = query if isinstance(query, str) else compiled(query)
        made = f"CREATE OR REPLACE TABLE {quoted(name)} AS {sql}"
        return int(self._replacing("VIEW", name, made)[0][0])

    def _replacing(self, other: str, name: str, sql: str) -> list[Any]:
        """Run `sql`, which makes `name`, also where an object of the `other` kind has that name;
        what it says: of a table how many rows it has."""
        try:
            return self._current.execute(sql).fetchall()
        except duckdb.CatalogException:
            self.command(f"DROP {other} IF EXISTS {quoted(name)}")
            return self._current.execute(sql).fetchall()

    def keep_all(self, relations: Mapping[str, ir.Table]) -> dict[str, int]:
        """As `keep` for each name; none may read what is made for another name. How many rows
        each has."""
        for relation in relations.values():
            compiled(relation)  # Ibis is not made for several threads
        rows = self._share_out(lambda one: self._kept(*one), list(relations.items()))
        return dict(zip(relations, rows, strict=True))

    def prepare(self, relations: Mapping[str, ir.Table]) -> dict[str, int]:
        """As `keep_all`, for what is read once."""
        return self.keep_all(relations)

    def each(self, work: Callable[[_T], _R], things: Iterable[_T]) -> list[_R]:
        """What `work` makes of each thing; it may read what `keep` and `view` made, but no Arrow
        table that was registered outside."""
        return self._share_out(work, list(things))

    def scan(
        self,
        name: str,
        files: Sequence[str],
        schema: pa.Schema,
        between: tuple[str, int, int] | None = None,
    ) -> None:
        """A view `name` over the columns `schema` of Parquet `files`; see `shape.Engine`."""
        condition = "true"
        if between is not None:
            column, least, greatest = between
            condition = f"{quoted(column)} BETWEEN {int(least)} AND {int(greatest)}"
        self.parquet_view(name, files, self.sql_types(schema), (), condition)

    def lend(self, relation: ir.Table, session: DuckDB) -> None:
        """Make a kept table readable under its name in `session`."""
        if session is not self:
            session.keep(relation.get_name(), self.rows(relation))

    def borrow(self, name: str, session: DuckDB) -> None:
        """Keep the table `name` of `session` here too."""
        if session is not self:
            self.keep(name, session.rows(f"SELECT * FROM {quoted(name)}"))

    def try_command(self, sql: str) -> bool:
        """As `command`; False when a value in the data stopped it, and then nothing is changed."""
        try:
            self.command(sql)
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return False
        return True

    def view(self, name: str, sql: str) -> None:
        """Make `sql` readable under `name`, computed when it is read."""
        self._replacing("TABLE", name, f"CREATE OR REPLACE VIEW {quoted(name)} AS {sql}")

    def drop(self, name: str) -> None:
        """Forget a table made by `keep`."""
        self.command(f"DROP TABLE IF EXISTS {quoted(name)}")

    def parquet_view(
        self,
        name: str,
        files: Sequence[str],
        columns: Mapping[str, str],
        partitions: Sequence[str],
        condition: str = "true",
    ) -> None:
        """A view `name` over the rows of Parquet `files` that meet the SQL `condition`.

        `files` are absolute paths, hive-partitioned by `partitions`; `columns` gives name and SQL
        type of every column, partitions included. With no file the view is empty and has these
        columns.
        """
        if not files:
            empty = ", ".join(f"NULL::{kind} AS {quoted(c)}" for c, kind in columns.items())
            self.view(name, f"SELECT {empty} WHERE false")
            return
        # no cast: a view of plain columns lets filters and the newest-first limit reach the files
        chosen = ", ".join(quoted(column) for column in columns)
        scan = parquet_scan(files, columns, partitions)
        self.view(name, f"SELECT {chosen} FROM {scan} WHERE {condition}")

    def sql_types(self, schema: pa.Schema) -> dict[str, str]:
        """Name and SQL type of every column of `schema`."""
        if schema not in self._types:  # asked at each writing, and always the same
            self.register("_columns", schema.empty_table())
            try:
                found = self._connection.execute("DESCRIBE _columns").fetchall()
            finally:
                self.unregister("_columns")
            self._types[schema] = {name: kind for name, kind, *_ in found}
        return dict(self._types[schema])

    def is_table(self, name: str) -> bool:
        """Whether `name` is a table (made by `keep`), so that its rows have a `rowid`."""
        sql = "SELECT count(*) FROM duckdb_tables() WHERE table_name = ?"
        return bool(self.value(sql, [name]))

    def is_shared(self, name: str) -> bool:
        """Whether `name` is a table that `copies` can read, and not one of this session alone."""
        sql = "SELECT count(*) FROM duckdb_tables() WHERE table_name = ? AND NOT temporary"
        return bool(self.value(sql, [name]))

    def copies(
        self, jobs: Sequence[tuple[str, Path]], *, layout: ParquetLayout
    ) -> list[list[WrittenFile]]:
        """As `copy` to one file, for several pairs of query and target at once.

        A file in order is packed by one core, two files by two. The queries may read only tables
        for which `is_shared` holds.
        """
        if len(jobs) < 2:
            return [self.copy(query, target, layout=layout) for query, target in jobs]

        def one(job: tuple[str, Path]) -> list[WrittenFile]:
            query, target = job
            sql = f"COPY ({query}) TO {literal(target)} ({layout.options()})"
            with self._connection.cursor() as cursor:
                return [_written(*row[:6]) for row in cursor.execute(sql).fetchall()]

        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            return list(threads.map(one, jobs))

    def copy(
        self,
        query: str,
        target: Path,
        *,
        layout: ParquetLayout,
        partitions: Sequence[str] = (),
        prefix: str = "part-",
    ) -> list[WrittenFile]:
        """Write the rows of `query` to the Parquet file `target`, or, with `partitions`, to new
        files under the directory `target`, named by `prefix` and a random number.

        The order of `query` is kept in each file. The files are not yet forced to the disk.
        """
        options = layout.options()
        if partitions:
            columns = ", ".join(quoted(p) for p in partitions)
            name = literal(prefix + "{uuid}")
            options += f", PARTITION_BY ({columns}), APPEND, FILENAME_PATTERN {name}"
        sql = f"COPY ({query}) TO {literal(target)} ({options})"
        return [_written(*row[:6]) for row in self._connection.execute(sql).fetchall()]

    def check_read_only(self, sql: str) -> None:
        """Refuse anything but one SELECT.

        Raises WrongUse saying what was found instead.
        """
        try:
            statements = self._connection.extract_statements(sql)
        except duckdb.Error as error:
            raise WrongUse(
                f"The query cannot be read ({_first_line(error)}): correct it."
            ) from error
        if len(statements) != 1:
            raise WrongUse(f"Give one SELECT statement; {len(statements)} were given.")
        if statements[0].type != duckdb.StatementType.SELECT:
            kind = statements[0].type.name
            raise WrongUse(f"Only SELECT is allowed here, this is {kind}: reword the query.")

    def lock_down(self, readable: Sequence[str]) -> None:
        """From now on this session reads only the files `readable` and keeps its settings."""
        listed = ", ".join(literal(path) for path in readable)
        self.command(f"SET allowed_paths = [{listed}]")
        self.command("SET enable_external_access = false")
        self.command("SET lock_configuration = true")

    def select(
        self, sql: str, seconds: float | None = None, most_bytes: int | None = None
    ) -> pa.Table:
        """Rows of a stranger's query, already checked by `check_read_only`; Ctrl-C ends it.

        Raises WrongUse with the engine's first line when the query fails, when it has taken
        longer than `seconds`, or when its result takes more memory than `most_bytes`.
        """
        # on a thread of its own: the engine does not look for Ctrl-C in all of its work
        with ThreadPoolExecutor(1, "query") as thread:
            work = thread.submit(lambda: self._selected(sql, most_bytes))
            try:
                return work.result(seconds)
            except TimeoutError as error:
                raise WrongUse(
                    f"The query took longer than {seconds:g} seconds: narrow it."
                ) from error
            except duckdb.Error as error:
                raise WrongUse(f"The query failed ({_first_line(error)}): correct it.") from error
            finally:
                while not wait([work], 0.05).done:  # asked before the query began it is not heard
                    self._connection.interrupt()

    def _selected(self, sql: str, most_bytes: int | None) -> pa.Table:
        found = self._connection.sql(sql)
        if most_bytes is None:
            return found.to_arrow_table()
        batches = found.to_arrow_reader(2048)
        return pa.Table.from_batches(_bounded(batches, most_bytes), batches.schema)


def _bounded(batches: pa.RecordBatchReader, most_bytes: int) -> Iterator[pa.RecordBatch]:
    size = 0
    for batch in batches:
        size += batch.nbytes
        if size > most_bytes:
            raise WrongUse(
                f"The result takes more than {most_bytes // 1_048_576} MiB: ask for fewer columns "
                "or rows."
            )
        yield batch


def _written(
    path: str, rows: int, size: int, _footer: int, columns: dict[str, Any], partition: Any
) -> WrittenFile:
    plain = {name[1:-1].replace('""', '"'): s for name, s in columns.items() if '"."' not in name}
    return WrittenFile(
        path=Path(path),
        rows=rows,
        size=size,
        partition=dict(partition or {}),
        smallest={c: s["min"] for c, s in plain.items() if "min" in s},
        largest={c: s["max"] for c, s in plain.items() if "max" in s},
        nulls={c: int(s["null_count"]) for c, s in plain.items() if "null_count" in s},
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
