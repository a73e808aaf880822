"""The database of what is small and changes: `state.db`, SQLite with a write-ahead log."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

_PATIENCE_SECONDS = 10


def open_state(path: Path) -> sa.Engine:
    """The SQLite file `path`, made when it is not there. May be shared between threads.

    A transaction begun on `writing(engine)` takes the writer's place at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def writing(engine: sa.Engine) -> sa.Engine:
    """`engine` for transactions that write: they wait for each other instead of failing."""
    return engine.execution_options(gridtrail_writes=True)


def _prepare(connection: Any, _record: object) -> None:
    # the driver would open transactions on its own, too late for BEGIN IMMEDIATE
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={_PATIENCE_SECONDS * 1000}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _write_ahead(cursor)
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn on the write-ahead log, which stays on for the file.

    Doing so takes the whole file, and SQLite does not wait for it as it does for other locks: two
    processes that open a new file at the same time would fail.
    """
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("gridtrail_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
