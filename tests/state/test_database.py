"""Opening the state database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.errors import BadSettings, RetryLater
from gridtrail.server.tokens import TokenStore
from gridtrail.state.database import open_state, storable, writing


def test_opened_at_once(tmp_path: Path) -> None:
    """A new file may be opened by several at the same moment, and each can write to it."""
    for number in range(8):
        path = tmp_path / str(number) / "state.db"
        together = threading.Barrier(4)

        def add(name: str, path: Path = path, together: threading.Barrier = together) -> None:
            together.wait(120)
            with TokenStore(path) as store:
                store.create(name, org="E0ACME")

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(add, "abcd"))
        with TokenStore(path) as store:
            assert {token.name for token in store.list()} == set("abcd")


@pytest.fixture
def state(state_place: Path | str) -> Iterator[sa.Engine]:
    """An open, empty state database."""
    engine = open_state(state_place)
    yield engine
    engine.dispose()


def test_readers_do_not_wait(state: sa.Engine) -> None:
    """A reader is not held up by a writer and sees what was there before."""
    with writing(state).begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (x INTEGER)"))
    with writing(state).begin() as connection:
        connection.execute(sa.text("INSERT INTO t VALUES (1)"))
        with state.connect() as reader:
            assert reader.execute(sa.text("SELECT count(*) FROM t")).scalar() == 0
    with state.connect() as reader:
        assert reader.execute(sa.text("SELECT count(*) FROM t")).scalar() == 1


def test_writers_follow_each_other(state: sa.Engine) -> None:
    """What a writer read does not change before it ends: no count is lost among many writers."""
    with writing(state).begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (x INTEGER)"))
        connection.execute(sa.text("INSERT INTO t VALUES (0)"))

    def add(_: int) -> None:
        with writing(state).begin() as connection:
            seen = connection.scalar(sa.text("SELECT x FROM t"))
            connection.execute(sa.text("UPDATE t SET x = :x"), {"x": (seen or 0) + 1})

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(40)))
    with state.connect() as reader:
        assert reader.scalar(sa.text("SELECT x FROM t")) == 40


@pytest.mark.parametrize("address", ["", "state", "mysql://a@b/c", "postgresql//x"])
def test_no_address(address: str) -> None:
    """What is no PostgreSQL address is refused with the next step, without repeating a password."""
    with pytest.raises(BadSettings, match="postgresql://user:password@host/name"):
        open_state(address)


def test_nobody_answers(tmp_path: Path) -> None:
    """A PostgreSQL that does not answer is said in one sentence, without the password."""
    with pytest.raises(RetryLater, match="does not answer") as told:
        open_state(f"postgresql://me:secret@/none?host={tmp_path}")
    assert "secret" not in str(told.value)


@given(st.text())
def test_storable(text: str) -> None:
    """What `storable` returns can be encoded, has no NUL, and plain text stays as it is."""
    kept = storable(text)
    assert "\0" not in kept
    assert kept == text or "\0" in text or not text.isprintable()
    assert storable("half \ud800 of a pair") == "half ? of a pair"
