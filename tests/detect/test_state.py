"""What is kept between runs: which days are to be decided, and from which snapshot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.contract import arrow_schema
from gridtrail.detect.emission import Said
from gridtrail.detect.profiles import agents, people
from gridtrail.detect.state import (
    ONE_DAY,
    SNAPSHOT_AGES,
    Decided,
    Progress,
    day_of,
    forget_snapshots,
    load_snapshot,
    midnight,
    read_progress,
    save_snapshot,
    shape_of,
    write_progress,
)
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake

ORG = "E0STATE"
DAY = dt.date(2026, 11, 18)
NOON = midnight(DAY) + 43_200


def decided(rows: int, *, to: int = NOON, waiting: bool = False) -> Decided:
    """A day that was decided."""
    return Decided(rows, to, waiting, frozenset({"user_login"}))


@given(st.integers(0, 4_000_000_000))
def test_days(seconds: int) -> None:
    """A second lies in its own UTC day."""
    assert 0 <= seconds - midnight(day_of(seconds)) < 86_400


@pytest.mark.parametrize(
    ("known", "dirty"),
    [
        (None, True),
        (decided(5), False),
        (decided(4), True),
        (decided(6), True),
        (decided(5, to=NOON - 60, waiting=True), True),
        (decided(5, to=NOON - 60), False),
        (decided(5, waiting=True), False),
    ],
    ids=["new", "same", "more", "fewer", "was waiting", "was not waiting", "still waiting"],
)
def test_dirty(known: Decided | None, dirty: bool) -> None:
    """A day is decided again when it has other events, or had some that were too young."""
    progress = Progress({} if known is None else {DAY: known})

    assert progress.dirty({DAY: 5}, NOON) == ([DAY] if dirty else [])


def test_days_of_the_future_wait() -> None:
    """A day that has not begun is not decided, whatever its events say."""
    assert Progress().dirty({DAY + ONE_DAY: 3, DAY: 1}, NOON) == [DAY]


def test_best_snapshot() -> None:
    """The newest snapshot at or before the day counts, if the same profiles made it."""
    days = [DAY - n * ONE_DAY for n in range(4)]
    progress = Progress(snapshots=dict(zip(days, ["new", "old", "new", "new"], strict=True)))

    assert progress.best_snapshot(DAY, "new") == DAY
    assert progress.best_snapshot(DAY - ONE_DAY, "new") == DAY - 2 * ONE_DAY
    assert progress.best_snapshot(DAY - 9 * ONE_DAY, "new") is None
    assert progress.best_snapshot(DAY, "other") is None


@given(st.integers(1, 60))
def test_thinned_day_by_day(days: int) -> None:
    """Kept day by day, there are few snapshots, and one not much older for each lateness."""
    progress = Progress()
    for number in range(days):
        progress.snapshots[DAY + number * ONE_DAY] = "s"
        progress.thin_snapshots()
    newest = max(progress.snapshots)
    ages = sorted((newest - day).days for day in progress.snapshots)

    assert newest == DAY + (days - 1) * ONE_DAY
    assert len(ages) <= len(SNAPSHOT_AGES)
    assert ages[0] == 0
    for age, at_most in ((1, 1), (2, 3), (3, 7), (7, 15)):
        assert days <= age or min(a for a in ages if a >= age) <= at_most


def test_progress_round_trip(engine: DuckDB, new_lake: Callable[[], Lake]) -> None:
    """What was published is read again, for each organization its own."""
    lake = new_lake()
    one = Progress({DAY: decided(7, waiting=True)}, {DAY: "s"})
    write_progress(lake, ORG, one)
    write_progress(lake, "E0OTHER", Progress({DAY: decided(1)}))
    write_progress(lake, ORG, one)

    assert read_progress(lake, ORG) == one
    assert read_progress(lake, "E0OTHER").days[DAY].rows == 1
    assert read_progress(lake, "E0NONE") == Progress()


def test_other_columns_are_another_table() -> None:
    """After an upgrade a profile with another version or other columns begins anew."""
    wider = replace(people, schema={**people.schema, "more": "int64"})
    shapes = [shape_of(one) for one in (people, replace(people, version=99), wider, agents)]

    assert len({shape.name for shape in shapes}) == 4
    assert shape_of(people) == shapes[0]


def test_snapshot_round_trip(engine: DuckDB, new_lake: Callable[[], Lake]) -> None:
    """Profiles and what was said come back as they were; forgotten ones are gone."""
    lake, profiles = new_lake(), (people, agents)
    row = {"subject": "W1", "subject_type": "user", "team": None, "family": "Slack; \"Desktop'"}
    times = {"first_at": 1, "last_at": 2, "days": 3, "active_days": 3, "events": 4}
    for profile in profiles:
        schema = arrow_schema(profile.schema)
        engine.register("_row", pa.Table.from_pylist([row | times], schema=schema))
        engine.keep(profile.name, "SELECT * FROM _row")
    before = [engine.rows(f"SELECT * FROM {p.name}") for p in profiles]
    said = {"a\x1fb\x1f'\n": Said(5, 2, 1)}

    save_snapshot(lake, engine, ORG, DAY, profiles, {"other": Said(1, 1, 0)})
    save_snapshot(lake, engine, ORG, DAY, profiles, said)  # in the place of the first one
    save_snapshot(lake, engine, ORG, DAY - ONE_DAY, profiles, {})
    save_snapshot(lake, engine, "E0OTHER", DAY, profiles, {})
    load_snapshot(lake, engine, ORG, None, profiles)
    assert engine.value("SELECT count(*) FROM people") == 0
    assert load_snapshot(lake, engine, ORG, DAY, profiles) == said

    assert [engine.rows(f"SELECT * FROM {p.name}") for p in profiles] == before
    forget_snapshots(lake, ORG, profiles, [DAY])
    lake.view(shape_of(people), "_left", org=ORG)
    assert engine.rows("SELECT DISTINCT as_of FROM _left")["as_of"].to_pylist() == [DAY]
    assert load_snapshot(lake, engine, ORG, DAY, profiles) == said
