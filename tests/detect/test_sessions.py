"""Sessions: who ended whose, and what is kept of them from day to day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect import sessions as ss
from gridtrail.detect.contract import DAY_EVENTS, DAY_SECONDS, arrow_schema, day_events
from gridtrail.detect.day import RAW_DAY
from gridtrail.engine.duckdb import DuckDB

NOON = 20_000 * DAY_SECONDS + 43_200
Row = Mapping[str, Any]


def put(engine: DuckDB, name: str, schema: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Make `rows` the table `name`; what a row leaves out is null."""
    full = [{column: row.get(column) for column in schema} for row in rows]
    engine.register("_put", pa.Table.from_pylist(full, schema=arrow_schema(schema)))
    engine.keep(name, "SELECT * FROM _put")
    engine.unregister("_put")


@pytest.fixture
def midnight(engine: DuckDB) -> Iterator[DuckDB]:
    """The engine with the table `today`."""
    put(engine, "today", {"day_start": "int64"}, [{"day_start": NOON - 43_200}])
    yield engine
    for name in ("today", "day_events", "day_raw"):
        engine.drop(name)


def resets(engine: DuckDB, *acts: tuple[str, str | None, Any]) -> set[tuple[str, str]]:
    """Who was reset, and which sessions, by acts of (action, whom, details)."""
    events, raw = [], []
    for number, (action, whom, details) in enumerate(acts):
        name = f"e{number}"
        text = None if details is None else json.dumps(details, separators=(",", ":"))
        events.append(
            {"event_id": name, "at": NOON, "action": action, "entity_type": "user",
             "entity_id": whom}
        )  # fmt: skip
        raw.append({"id": name, "date_create": NOON, "action": action, "details": text})
    put(engine, "day_events", DAY_EVENTS, events)
    put(engine, "day_raw", RAW_DAY, raw)
    rows = engine.rows(ss.RESETS_TODAY.relation).to_pylist()
    assert all(row["reset_at"] == NOON for row in rows)
    return {(row["subject"], row["scope"]) for row in rows}


def test_resets_of_one_person(midnight: DuckDB) -> None:
    """A reset ends all sessions of a person, or the mobile or the other ones; when only those
    without single sign-on were ended, nobody knows which."""
    found = resets(
        midnight,
        ("user_session_reset_by_admin", "W1", {"mobile_only": False, "web_only": False}),
        ("user_session_reset_by_admin", "W2", {"mobile_only": True, "web_only": False}),
        ("user_session_reset_by_admin", "W3", {"mobile_only": False, "web_only": True}),
        ("user_session_reset_by_admin", "W4", {"non_sso_only": True}),
        ("user_deactivated", "W5", None),
        ("user_login", "W6", None),
    )
    assert found == {("W1", "all"), ("W2", "mobile"), ("W3", "web"), ("W5", "all")}


@pytest.mark.parametrize("shape", [list, json.dumps])
def test_resets_of_many(midnight: DuckDB, shape: Any) -> None:
    """A bulk reset names the people in a list or in a text that holds one; those for whom it
    failed keep their sessions."""
    details = {"succeeded_users": shape(["W1", "W2"]), "failed_users": shape(["W3"])}
    assert resets(midnight, (ss.BULK_RESET, None, details)) == {("W1", "all"), ("W2", "all")}


def folded(engine: DuckDB, before: Sequence[Row], new: Sequence[Row]) -> list[Any]:
    """The profile `sessions` of the next day."""
    put(engine, "sessions", ss.SESSIONS, before)
    put(engine, "sessions_today", ss.SESSIONS, new)
    rows: list[Any] = engine.rows(ss.sessions.folded).to_pylist()
    return rows


def session(first: int, last: int, client: str, **more: Any) -> dict[str, Any]:
    """A row of `sessions`."""
    return {
        "subject": "W1", "session": "1", "first_at": first, "last_at": last,
        "birth": f"{first:011d}{client}", "birth_place": f"{first:011d}AS1",
        "version": f"{last:011d}{5:020d}",
        "decreases": 1, "alternations": 2, "ended_at": None, **more,
    }  # fmt: skip


def test_the_first_client_stays(midnight: DuckDB) -> None:
    """A session keeps the client that it began with, whatever used it later; counts add up."""
    before = session(NOON - 90_000, NOON - 80_000, "Slack Desktop|macOS|computer")
    new = session(NOON, NOON + 5, "Go||unknown", ended_at=NOON + 5)
    (row,) = folded(midnight, [before], [new])
    assert row["birth"] == before["birth"]
    assert (row["first_at"], row["last_at"]) == (NOON - 90_000, NOON + 5)
    assert (row["version"], row["decreases"], row["alternations"]) == (new["version"], 2, 4)
    assert row["ended_at"] == NOON + 5


def test_forgotten(midnight: DuckDB) -> None:
    """A session without use for sixty days is forgotten, one day less and it is not."""
    day = NOON - 43_200
    last = day - ss.SESSION_DAYS * DAY_SECONDS
    assert folded(midnight, [session(last - 9, last - 1, "a")], []) == []
    assert len(folded(midnight, [session(last - 9, last, "a")], [])) == 1


def test_marks_sort_by_time(midnight: DuckDB) -> None:
    """The largest mark is the newest one, and gives its time back."""
    put(midnight, "day_events", DAY_EVENTS, [{"at": 999, "ua": "z"}, {"at": 1000, "ua": "a"}])
    newest = day_events.aggregate(mark=ss.mark(day_events["at"], day_events.ua).max())
    shown = newest.select(at=ss.marked_at(newest.mark), text=newest.mark.substr(ss.MARK))
    assert midnight.rows(shown).to_pylist() == [{"at": 1000, "text": "a"}]
