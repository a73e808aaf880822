"""The days of an organization in short."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.triage.usual import (
    ADDRESS,
    ADMINISTERS,
    DAY,
    EVERYBODY,
    FILE,
    SESSION,
    USUAL,
    VIEW,
    WORD,
    Usual,
    date_of,
    hashed,
)

Acme = Any
Append = Callable[..., None]
Row = dict[str, Any]
ORG = "E0ACME"


@pytest.fixture
def days(acme: Acme) -> list[int]:
    """The five days up to NOON's."""
    today = acme.NOON // acme.DAY
    return list(range(today - 4, today + 1))


def rows(engine: DuckDB, days: list[int]) -> list[Row]:
    """What the view holds of these days, in one order."""
    listed = ", ".join(f"DATE '{date_of(day)}'" for day in days)
    sql = f'SELECT * FROM {VIEW} WHERE "day" IN ({listed}) ORDER BY ALL'
    return list(engine.rows(sql).to_pylist())


def kept(lake: Lake, engine: DuckDB) -> set[dt.date]:
    """The days that are written."""
    lake.view(USUAL, "kept_days", org=ORG)
    return set(engine.rows('SELECT DISTINCT "day" FROM kept_days')["day"].to_pylist())


def test_written_and_remembered_days_are_the_same(
    acme: Acme, lake: Lake, engine: DuckDB, append: Append, days: list[int]
) -> None:
    """Days that were written say what days in memory say, whatever came late and in which order;
    the newest day is never written."""
    late = [acme.download(f"late{n}", acme.NOON - 2 * acme.DAY + n, "late.pdf") for n in range(3)]
    append(acme.usual(4) + acme.scraping())
    Usual(lake, engine, ORG, few_events=0).learn(days)
    assert kept(lake, engine) == {date_of(day) for day in days[:-1]}
    before = rows(engine, days)
    append(late)
    again = Usual(lake, engine, ORG, few_events=0)
    for day in days:
        again.learn([day])
    written = rows(engine, days)
    Usual(lake, engine, ORG).learn(days)
    assert written == rows(engine, days)
    lake.write(USUAL, USUAL.schema.empty_table(), replace={})
    Usual(lake, engine, ORG).learn(days)
    assert kept(lake, engine) == set()
    assert written == rows(engine, days) != before


def test_days_that_are_forgotten_leave(
    acme: Acme, lake: Lake, engine: DuckDB, append: Append, days: list[int]
) -> None:
    """When the log forgets a day, what it held in short goes at the next triage."""
    append(acme.usual(4) + acme.scraping())
    Usual(lake, engine, ORG, few_events=0).learn(days)
    lake.retain(2, today=date_of(days[-1]))
    Usual(lake, engine, ORG, few_events=0).learn(days)
    assert kept(lake, engine) == {date_of(days[-3]), date_of(days[-2])}
    assert {row["day"] for row in rows(engine, days)} == {date_of(day) for day in days[-3:]}


def test_a_day_tells_who_used_what_and_since_when(
    acme: Acme, lake: Lake, engine: DuckDB, append: Append, days: list[int]
) -> None:
    """Addresses and files by person, words by file, sessions by their birth, counts by person."""
    sync = {"app_id": "A0SYNC", "ip": "203.0.113.5"}
    own = [acme.download(f"d{n}", acme.NOON + n, f"Plan {n % 2}.pdf") for n in range(4)]
    by_app = [acme.download(f"a{n}", acme.NOON + n, "Plan 0.pdf", **sync) for n in range(4)]
    invited = acme.event(
        "i", acme.NOON, "user_channel_join", ip="192.0.2.9", details={"type": "INVITED"}
    )
    admin = acme.event("r", acme.NOON + 9, "role_assigned")
    append([*own, *by_app, invited, admin, acme.event("login", acme.NOON - 5)])
    usual = Usual(lake, engine, ORG)
    usual.learn(days)

    matt = hashed("'W0MATT'")

    def told(kind: int, key: str) -> list[tuple[Any, ...]]:
        sql = (
            f"SELECT who = {matt}, app, first_at, n, people, word FROM {VIEW} "
            f"WHERE kind = {kind} AND key = {hashed(key)} ORDER BY ALL"
        )
        return [tuple(row.values()) for row in engine.rows(sql).to_pylist()]

    noon = acme.NOON
    midnight = days[-1] * acme.DAY
    assert told(ADDRESS, "'198.51.100.20'") == [(True, False, noon - 5, None, None, None)]
    assert told(ADDRESS, "'203.0.113.5'") == [(False, True, noon, None, None, None)]
    assert told(ADDRESS, "'192.0.2.9'") == []
    assert [row[:3] for row in told(FILE, "'F-Plan 0.pdf'")] == [
        (False, True, noon),
        (True, False, noon),
    ]
    assert told(WORD, "'plan'") == [(None, None, midnight, 2, None, None)]
    assert told(SESSION, "'1001'") == [(None, None, noon - 5, None, None, "user_login")]
    mine = "'file_downloaded' || chr(0) || 'W0MATT'"
    assert told(DAY, mine) == [(None, False, midnight, 2, None, None)]
    assert told(EVERYBODY, "'file_downloaded'") == [(None, None, midnight, 2, 1, None)]
    assert len(told(ADMINISTERS, "'W0MATT'")) == 1
    assert usual.people(days[0], days[-1]) == 1


def test_hostile_texts_are_numbers_here(
    acme: Acme, lake: Lake, engine: DuckDB, append: Append, days: list[int]
) -> None:
    """Quotes, controls and endless names are summed up like any text."""
    bad = "'; DROP TABLE x;-- \x1b[31m“" + "é" * 3_000
    row = acme.download("x", acme.NOON, bad, actor_id=bad, ip=bad, ua=bad, session_id=bad)
    append([row, acme.event("y", acme.NOON - acme.DAY)])
    usual = Usual(lake, engine, ORG, few_events=0)
    usual.learn(days)
    assert usual.people(days[-1], days[-1]) == 1
