"""`gridtrail sql`: one read-only SELECT over the lake's tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row
from gridtrail.cli.talk import say
from gridtrail.cli.text import counted, visible
from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    import pyarrow as pa

    from gridtrail.engine.duckdb import DuckDB
    from gridtrail.lake.sql_guard import Checked

_NO_COLUMN = "Referenced column"


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("sql")(sql)


def sql(
    context: typer.Context,
    query: Annotated[
        str | None,
        typer.Argument(metavar="QUERY", help='One SELECT, such as "select count(*) from events".'),
    ] = None,
    output: FormatOption = Format.table,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Print at most this many rows; 0 means all.")
    ] = 1000,
    tables: Annotated[
        bool, typer.Option("--tables", help="List the tables and their columns instead.")
    ] = False,
) -> None:
    """Query the lake with SQL, read-only.

    The query sees the lake's tables and nothing else: no files, no network, no settings.
    """
    from gridtrail.lake.sql_guard import check_query, lock
    from gridtrail.server.views import open_views

    lake = session(context).lake
    engine = lake.engine
    names, files = open_views(lake)
    lock(engine, files)
    if tables:
        _list_tables(engine, names, output)
        return
    if query is None:
        raise WrongUse('Give a query, such as gridtrail sql "select count(*) from events".')
    found = _run(engine, check_query(engine, query, names), limit)
    shown = found.slice(0, limit) if limit else found
    print_arrow(shown, output)
    if shown.num_rows < found.num_rows:
        say(f"Only the first {counted(limit, 'row')} are printed: give --limit 0 for all.")


def _run(engine: DuckDB, query: Checked, limit: int) -> pa.Table:
    bounded = f"SELECT * FROM (\n{query.sql}\n) LIMIT {limit + 1}"
    try:
        return engine.select(bounded if limit else query.sql)
    except WrongUse as error:
        if _NO_COLUMN not in str(error):
            raise
        columns = [name for table in query.tables for name, _ in _columns(engine, table)]
        listed = ", ".join(dict.fromkeys(columns))
        raise WrongUse(f"{error} The columns are: {listed}.") from error


def _columns(engine: DuckDB, table: str) -> list[tuple[str, str]]:
    rows = engine.select(f'DESCRIBE "{table}"').to_pylist()
    return [(row["column_name"], row["column_type"]) for row in rows]


def _list_tables(engine: DuckDB, names: Sequence[str], output: Format) -> None:
    rows = [
        {"table": table, "column": name, "type": kind}
        for table in names
        for name, kind in _columns(engine, table)
    ]
    fields = ["table", "column", "type"]
    listing(rows, output, table=[_column(name, right=False) for name in fields], fields=fields)


def print_arrow(found: pa.Table, output: Format) -> None:
    """Print the rows of an Arrow table as a listing."""
    from gridtrail.lake.sql_guard import distinct_names

    names = distinct_names(found.column_names)
    columns = [
        _column(name, right=_is_number(field.type))
        for name, field in zip(names, found.schema, strict=True)
    ]
    listing(_rows(found, names), output, table=columns, fields=names)


def _rows(found: pa.Table, names: Sequence[str]) -> Iterator[Row]:
    for batch in found.to_batches(max_chunksize=1024):
        try:
            columns = [column.to_pylist() for column in batch.columns]
        except (ValueError, OverflowError) as error:
            raise WrongUse(
                f"The result has a value that cannot be printed ({error}): cast it to VARCHAR."
            ) from error
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def _column(name: str, *, right: bool) -> Column:
    def value(row: Row) -> Any:
        return row[name]

    return Column(visible(name), value, right=right, widest=80)


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
