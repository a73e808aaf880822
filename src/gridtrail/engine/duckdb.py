"""The embedded engine: DuckDB.

Expressions come in as Ibis expressions over unbound tables or as SQL text, rows go out as Arrow
tables. Names of relations are ours, never a stranger's; values reach SQL only as parameters.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import pyarrow as pa

from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    import ibis.expr.types as ir


def quoted(name: str) -> str:
    """`name` as an SQL identifier, safe whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str | Path) -> str:
    """`text` as an SQL string literal, for the few places that take no parameter."""
    return "'" + str(text).replace("'", "''") + "'"


class DuckDB:
    """One in-memory DuckDB session; not shared between threads.

    `threads` 0 means all cores; `memory_limit` is DuckDB's text such as "1GiB"; `spill` is a
    directory for what does not fit, created when needed.
    """

    name = "duckdb"

    def __init__(
        self, *, threads: int = 0, memory_limit: str = "1GiB", spill: Path | None = None
    ) -> None:
        self._connection = duckdb.connect(":memory:")
        self._compiled: dict[int, tuple[ir.Expr, str]] = {}
        self.command(f"SET threads = {threads or os.cpu_count() or 1}")
        self.command(f"SET memory_limit = {literal(memory_limit)}")
        self.command("SET TimeZone = 'UTC'")
        self.command("SET preserve_insertion_order = false")
        self.command("SET enable_progress_bar = false")
        self.command("SET autoinstall_known_extensions = false")
        self.command("SET autoload_known_extensions = false")
        if spill is not None:
            self.command(f"SET temp_directory = {literal(spill)}")

    def close(self) -> None:
        """End the session and free its memory."""
        self._connection.close()

    def command(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run `sql`, drop what it returns."""
        self._connection.execute(sql, list(parameters))

    def rows(self, query: str | ir.Table, parameters: Sequence[Any] = ()) -> pa.Table:
        """The result of SQL text or of an Ibis expression over registered names."""
        sql = query if isinstance(query, str) else self.compiled(query)
        return self._relation(sql, parameters).to_arrow_table()

    def batches(self, sql: str, parameters: Sequence[Any] = ()) -> pa.RecordBatchReader:
        """The result of `sql` as a stream of record batches, for what may not fit in memory."""
        reader: pa.RecordBatchReader = self._relation(sql, parameters).to_arrow_reader(8192)
        return reader

    def _relation(self, sql: str, parameters: Sequence[Any]) -> duckdb.DuckDBPyRelation:
        # a relation hands its rows to Arrow without the copy that a cursor makes
        return self._connection.sql(sql, params=list(parameters) or None)

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self._connection.execute(sql, list(parameters)).fetchone()
        return row[0] if row else None

    def register(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table readable under `name`, without copying it."""
        self._connection.register(name, table)

    def unregister(self, name: str) -> None:
        """Forget what `register` made readable."""
        self._connection.unregister(name)

    def keep(self, name: str, query: str | ir.Table) -> None:
        """Compute `query` now and keep the result as the table `name`, replacing an older one."""
        sql = query if isinstance(query, str) else self.compiled(query)
        self.command(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {sql}")

    def view(self, name: str, sql: str) -> None:
        """Make `sql` readable under `name`, computed when it is read."""
        self.command(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {sql}")

    def drop(self, name: str) -> None:
        """Forget a table made by `keep`."""
        self.command(f"DROP TABLE IF EXISTS {quoted(name)}")

    def parquet_view(
        self, name: str, files: Sequence[str], columns: Mapping[str, str], partitions: Sequence[str]
    ) -> None:
        """A view `name` over Parquet `files` (absolute paths, hive-partitioned by `partitions`).

        `columns` gives name and SQL type of every column, partitions included; with no file the
        view is empty and has these columns.
        """
        if not files:
            empty = ", ".join(f"NULL::{kind} AS {quoted(c)}" for c, kind in columns.items())
            self.view(name, f"SELECT {empty} WHERE false")
            return
        listed = ", ".join(literal(file) for file in files)
        kinds = ", ".join(f"{quoted(p)}: {columns[p]}" for p in partitions)
        hive = f", hive_partitioning = true, hive_types = {{{kinds}}}" if partitions else ""
        chosen = ", ".join(f"{quoted(c)}::{kind} AS {quoted(c)}" for c, kind in columns.items())
        self.view(
            name,
            f"SELECT {chosen} FROM read_parquet([{listed}], union_by_name = true{hive})",
        )

    def compiled(self, expression: ir.Expr) -> str:
        """SQL text of an Ibis expression; compiled once for each expression object."""
        key = id(expression)
        if key not in self._compiled:
            # the expression is kept with its text so that its id cannot be given to another
            self._compiled[key] = (expression, str(ibis.to_sql(expression, dialect="duckdb")))
        return self._compiled[key][1]

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

    def select(self, sql: str) -> pa.Table:
        """Rows of a stranger's query, already checked by `check_read_only`.

        Raises WrongUse with the engine's first line when the query fails.
        """
        try:
            return self._connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise WrongUse(f"The query failed ({_first_line(error)}): correct it.") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
