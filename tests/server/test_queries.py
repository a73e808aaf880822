"""People's SQL reads the lake, within bounds, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import WrongUse
from gridtrail.server.queries import Answer, Queries
from gridtrail.settings import Settings


@pytest.fixture(scope="module")
def queries(new_data: Any, make_event: Any) -> Queries:
    """Queries over ten events."""
    data = new_data()
    data.fill([make_event(f"e{n}", n) for n in range(10)])
    return Queries(Settings(data=data.path, org="E0ACME", threads=1), seconds=60)


def _run(queries: Queries, sql: str, limit: int = 100) -> Answer:
    return asyncio.run(queries.run(sql, limit))


def test_a_query_has_columns_rows_and_an_end(queries: Queries) -> None:
    """Numbers are told from texts; rows beyond the limit are told; the order holds."""
    found = _run(queries, "SELECT id, date_create FROM events ORDER BY id DESC;", 3)
    assert found.columns == ["id", "date_create"]
    assert found.numeric == [False, True]
    assert [row[0] for row in found.rows] == ["e9", "e8", "e7"]
    assert found.more
    assert not _run(queries, "SELECT count(*) FROM events").more
    assert _run(queries, "SELECT 1 AS a, 2 AS a").columns == ["a", "a_1"]
    assert _run(queries, "DESCRIBE events").rows


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("", "Give one SELECT"),
        ("SELECT 1; SELECT 2", "Give one SELECT"),
        ("DROP VIEW events", "Only SELECT"),
        ("SELECT * FROM read_csv('/etc/passwd')", "cannot stand for a table"),
        ("SELECT * FROM '/etc/passwd'", "There is no table"),
        ("SELECT * FROM accounts", "There is no table 'accounts'"),
        ("SELECT getenv('HOME')", "not allowed"),
        ("SELECT nonsense FROM events", "nonsense"),
        ("SELECT 1 WHERE", "cannot be read"),
        ("SELECT repeat('x', 1000000) FROM range(100000)", "MiB|Out of Memory"),
        ("SELECT list(a.range) FROM range(500000000) a", "Out of Memory"),
    ],
)
def test_what_goes_beyond_is_refused_in_a_sentence(queries: Queries, sql: str, says: str) -> None:
    """Other statements, files, secrets, mistakes, endless and endlessly large queries."""
    with pytest.raises(WrongUse, match=says):
        _run(queries, sql)


def test_an_endless_query_ends(queries: Queries) -> None:
    """It is interrupted after its time, and the next one runs."""
    endless = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(1000000) b"
    with pytest.raises(WrongUse, match="took longer than 1 seconds"):
        _run(replace(queries, seconds=1), endless)
    assert _run(queries, "SELECT 1").rows == [(1,)]


def test_a_query_leaves_nothing_behind(queries: Queries) -> None:
    """Each has a session of its own, and no disk to spill to."""
    sort = "SELECT * FROM range(60000000) a ORDER BY hash(a.range) LIMIT 1 OFFSET 59999998"
    with pytest.raises(WrongUse):
        _run(queries, sort)
    assert not list(Path(queries.settings.data).rglob("duckdb_temp*"))
    assert _run(queries, "SELECT count(*) FROM events").rows == [(10,)]


def test_the_tables_are_told_with_their_columns(queries: Queries) -> None:
    """What can be queried is listed once and kept."""
    tables = asyncio.run(queries.tables())
    assert {"events", "anomalies", "silenced", "rule_hits"} <= set(tables)
    assert ("actor_id", "VARCHAR") in tables["events"]
    assert asyncio.run(queries.tables()) is tables
