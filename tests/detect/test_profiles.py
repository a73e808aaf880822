"""What is usual: who teaches it, that order is nothing, and that it is forgotten in the end."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect.contract import DAY_EVENTS, DAY_SECONDS, Profile, arrow_schema
from gridtrail.detect.profiles import FORGET_DAYS, agents, broken_agents, known, people, releases
from gridtrail.engine.duckdb import DuckDB

DAY = 20_000 * DAY_SECONDS
SHARED = (people, known, releases, agents)


def event(at: int, **columns: Any) -> dict[str, Any]:
    """A row of `day_events`, a person's at the office."""
    usual: dict[str, Any] = {
        "at": DAY + at, "subject": "W1", "subject_type": "user", "team": "T1", "own": True,
        "teaches": True, "network": "AS1", "country": "US", "family": "Slack Desktop",
        "lineage": "Slack Desktop|macOS|computer", "version_key": 7, "session_id": "9",
        "chrome_major": 140, "electron_major": 38, "well_formed": True, "client_kind": "desktop",
        "os": "macOS",
    }  # fmt: skip
    return dict.fromkeys(DAY_EVENTS) | usual | columns


def learned(engine: DuckDB, profile: Profile, days: Any) -> Any:
    """The state after these days: a list of days, or days by number."""
    state = arrow_schema(profile.schema).empty_table()
    for number, events in dict(days if isinstance(days, dict) else enumerate(days)).items():
        rows = pa.Table.from_pylist(events, schema=arrow_schema(DAY_EVENTS))
        today = pa.table({"day_start": pa.array([DAY + number * DAY_SECONDS], pa.int64())})
        for name, table in (("day_events", rows), ("today", today), (profile.name, state)):
            engine.register("_given", table)
            engine.keep(name, "SELECT * FROM _given")
        engine.keep(f"{profile.name}_today", profile.summary)
        state = engine.rows(profile.folded).cast(arrow_schema(profile.schema))
    return state.sort_by([(column, "ascending") for column in profile.schema]).to_pylist()


def test_people(engine: DuckDB) -> None:
    """A person's first and last second, active days and events add up over days."""
    days = [[event(5), event(9)], [event(DAY_SECONDS + 3, team="T2")]]

    assert learned(engine, people, days) == [
        {"subject": "W1", "subject_type": "user", "team": "T2", "first_at": DAY + 5,
         "last_at": DAY + DAY_SECONDS + 3, "active_days": 2, "events": 3}
    ]  # fmt: skip


def test_others_teach_nothing(engine: DuckDB) -> None:
    """Neither tools nor the contexts of others enter what is usual; tools are clients used, and
    forged clients are none."""
    tool = event(1, teaches=False, family="curl", lineage="curl||unknown")
    forged = event(1, well_formed=False, defect="no_x")
    invited = event(2, own=False, teaches=False, subject="W2")

    assert learned(engine, known, [[tool, invited]]) == []
    assert learned(engine, releases, [[tool, invited]]) == []
    assert [row["family"] for row in learned(engine, agents, [[tool, invited]])] == ["curl"]
    assert [row["defect"] for row in learned(engine, broken_agents, [[forged, event(1)]])] == [
        "no_x"
    ]
    assert learned(engine, releases, [[forged]]) == learned(engine, agents, [[forged]]) == []
    assert [row["subject"] for row in learned(engine, people, [[tool, invited]])] == ["W1"]


def test_known(engine: DuckDB) -> None:
    """Networks and countries are known of people, clients of sessions; unknown ones are not."""
    rows = learned(engine, known, [[event(1), event(2, network=None, country=None)]])

    assert [(r["entity"], r["dimension"], r["value"], r["events"]) for r in rows] == [
        ("9", "session_lineage", "Slack Desktop|macOS|computer", 2),
        ("W1", "country", "US", 1),
        ("W1", "network", "AS1", 1),
    ]


@pytest.mark.parametrize("profile", SHARED, ids=lambda profile: profile.name)
def test_order(engine: DuckDB, profile: Profile) -> None:
    """The order of a day's events changes nothing."""
    day = [event(n, subject=f"W{n % 3}", version_key=n % 2, network=f"AS{n % 4}") for n in range(9)]

    assert learned(engine, profile, [day]) == learned(engine, profile, [day[::-1]])
    assert learned(engine, profile, [day])


@pytest.mark.parametrize("profile", SHARED, ids=lambda profile: profile.name)
def test_nothing_new(engine: DuckDB, profile: Profile) -> None:
    """A day without events changes nothing."""
    assert learned(engine, profile, [[event(1)], []]) == learned(engine, profile, [[event(1)]])


@pytest.mark.parametrize("profile", [known, releases, agents], ids=lambda profile: profile.name)
def test_forgotten(engine: DuckDB, profile: Profile) -> None:
    """After half a year a value is no longer known."""
    assert learned(engine, profile, {0: [event(1)], FORGET_DAYS: []})
    assert not learned(engine, profile, {0: [event(1)], FORGET_DAYS + 1: []})
