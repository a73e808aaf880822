"""Opening the state database: SQLite (`state.db`, write-ahead log) or PostgreSQL.

Transactions that write follow each other on both, so that what one reads cannot change before it
ends, and none fails because of another.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, OperationalError

from gridtrail.errors import BadSettings, RetryLater
from gridtrail.state.migrating import migrate

_PATIENCE_SECONDS = 10
_WRITERS = 4_715_271  # any number: the place that writers of a PostgreSQL database queue for


def open_state(place: Path | str) -> sa.Engine:
    """The database, with the tables of this version. May be shared between threads.

    `place` is the path of an SQLite file, made when it is not there, or the address of a PostgreSQL
    database (`postgresql://user:password@host/name`). A transaction begun on `writing(engine)`
    takes the writer's place at once.

    Raises BadSettings for an address that is none and for a database of a newer Gridtrail,
    RetryLater when PostgreSQL does not answer.
    """
    engine = _sqlite(place) if isinstance(place, Path) else _postgresql(place)
    try:
        migrate(writing(engine))
    except OperationalError as error:
        engine.dispose()
        raise RetryLater(
            f"The state database does not answer ({_first_line(error)}): start it, or correct the "
            "setting database."
        ) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def writing(engine: sa.Engine) -> sa.Engine:
    """`engine` for transactions that write: they wait for each other instead of failing."""
    return engine.execution_options(gridtrail_writes=True)


def storable(text: str) -> str:
    """`text` without what PostgreSQL cannot keep in a text column: NUL becomes U+FFFD, and half a
    surrogate pair a question mark."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _sqlite(path: Path) -> sa.Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _postgresql(address: str) -> sa.Engine:
    try:
        url = sa.make_url(address)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() != "postgresql":
        raise BadSettings(
            "The setting database is no PostgreSQL address: give "
            "postgresql://user:password@host/name, or nothing for SQLite."
        )
    url = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    sa.event.listen(engine, "begin", _queue)
    return engine


def _first_line(error: OperationalError) -> str:
    return str(error.orig).strip().splitlines()[0]


def _queue(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("gridtrail_writes", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


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
