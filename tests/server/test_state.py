"""The database of the server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa

from gridtrail.server.state import open_state, writing
from gridtrail.server.tokens import TokenStore


def test_opened_at_once(tmp_path: Path) -> None:
    """A new file may be opened by several at the same moment, and each can write to it."""
    for number in range(30):
        path = tmp_path / str(number) / "state.db"
        together = threading.Barrier(4)

        def add(name: str, path: Path = path, together: threading.Barrier = together) -> None:
            together.wait(10)
            with TokenStore(path) as store:
                store.create(name, org="E0ACME")

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(add, "abcd"))
        with TokenStore(path) as store:
            assert {token.name for token in store.list()} == set("abcd")


def test_writers_wait(tmp_path: Path) -> None:
    """A reader is not held up by a writer and sees what was there before."""
    engine = open_state(tmp_path / "state.db")
    with writing(engine).begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (x INTEGER)"))
    with writing(engine).begin() as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))
        with engine.connect() as reader:
            assert reader.execute(sa.text("SELECT count(*) FROM t")).scalar() == 0
    with engine.connect() as reader:
        assert reader.execute(sa.text("SELECT count(*) FROM t")).scalar() == 1
        assert reader.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
    engine.dispose()
