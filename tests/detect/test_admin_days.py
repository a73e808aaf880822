"""The score of a day of administration: what is rare, en masse, and odd around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect.admin_days import (
    ACTIONS,
    MASS_FACTOR,
    MASS_LEAST,
    MASS_VALUE,
    MOST_SURPRISE,
    TIMES,
    WEIGHTS,
    AdminDays,
)
from gridtrail.detect.contract import DAY_EVENTS, DAY_SECONDS, Profile, arrow_schema
from gridtrail.detect.counting import logarithms
from gridtrail.detect.profiles import FORGET_DAYS, agents, known
from gridtrail.engine.duckdb import DuckDB

TODAY = 20_000 * DAY_SECONDS
LONG_AGO = TODAY - 60 * DAY_SECONDS
DAYS = AdminDays({"user_created": 1, "app_installed": 3, "owner_transferred": 5})

Row = Mapping[str, Any]


def put(engine: DuckDB, name: str, schema: Mapping[str, str], rows: Sequence[Row]) -> None:
    """Make `rows` the table `name`; what a row leaves out is null."""
    full = [{column: row.get(column) for column in schema} for row in rows]
    engine.register("_put", pa.Table.from_pylist(full, schema=arrow_schema(schema)))
    engine.keep(name, "SELECT * FROM _put")
    engine.unregister("_put")


def seen(profile: Profile, days: int = 40, first_at: int = LONG_AGO, **keys: Any) -> Row:
    """A row of a profile of the kind "when, and on how many days"."""
    assert {"first_at", "days"} <= set(profile.schema)
    return {"first_at": first_at, "last_at": TODAY - 1, "days": days, **keys}


@pytest.fixture
def office(engine: DuckDB) -> Iterator[DuckDB]:
    """ANN administrates since long, at this desk and in these hours; she installs apps daily."""
    put(engine, "today", {"day_start": "int64"}, [{"day_start": TODAY}])
    engine.keep("logs", logarithms())
    put(engine, "admin_days", DAYS.days.schema, [seen(DAYS.days, subject="ANN")])
    habit = seen(DAYS.actions, subject="ANN", action="app_installed", most=3)
    put(engine, "admin_actions", ACTIONS, [habit])
    put(
        engine,
        "admin_targets",
        DAYS.targets.schema,
        [seen(DAYS.targets, subject="ANN", entity_id="W1")],
    )
    put(engine, "admin_times", TIMES, [{"subject": "ANN", "block": 2, "last_at": 1, "days": 40}])
    put(engine, "role_changes", DAYS.roles.schema, [])
    desk = seen(known, entity="ANN", dimension="network", value="desk")
    put(engine, "known", known.schema, [desk])
    put(engine, "agents", agents.schema, [seen(agents, subject="ANN", family="Slack Desktop")])
    yield engine
    for name in (*(one.name for one in DAYS.profiles), "today", "day_events", "admin_acts"):
        engine.drop(name)


def act(number: int, action: str = "owner_transferred", **more: Any) -> Row:
    """An act of ANN at her desk in her hours, `number` minutes after nine; W1 is its target."""
    return {
        "day_start": TODAY, "event_id": f"e{number:02}", "at": TODAY + 9 * 3600 + 60 * number,
        "action": action, "subject": "ANN", "subject_type": "user", "own": True,
        "network": "desk", "family": "Slack Desktop", "entity_type": "user", "entity_id": "W1",
    } | more  # fmt: skip


def items(engine: DuckDB, *acts: Row) -> list[Any]:
    """What counts in the score of these acts, in order of time."""
    put(engine, "day_events", DAY_EVENTS, acts)
    engine.keep(DAYS.done.name, DAYS.done.relation)
    rows = engine.rows(DAYS.items.relation).to_pylist()
    return sorted(rows, key=lambda row: (row["at"], row["event_id"]))


def value(engine: DuckDB, *acts: Row) -> int:
    """The value of the one item of these acts."""
    (item,) = items(engine, *acts)
    return int(item["value"])


def test_only_acts_of_people_in_their_own_sessions_count(office: DuckDB) -> None:
    """Apps, events of others' sessions and what is no administration are left out; severity,
    target and the four hours are read off."""
    found = items(
        office,
        act(1),
        act(2, subject_type="app", subject="A1"),
        act(3, subject="BEN", own=False),
        act(4, "file_downloaded"),
        act(5, "user_created", entity_type="channel", entity_id="C1"),
    )
    assert [(one["event_id"], one["severity"], one["target"], one["block"]) for one in found] == [
        ("e01", 5, "W1", 2),
        ("e05", 1, None, 2),
    ]


def test_the_rarer_and_graver_the_more(office: DuckDB) -> None:
    """What nobody ever did is as rare as an act can be, weighed by its severity; what one does
    daily is worth almost nothing."""
    assert value(office, act(1)) == MOST_SURPRISE * WEIGHTS[5] // 100
    assert value(office, act(1, "user_created")) == MOST_SURPRISE * WEIGHTS[1] // 100
    assert value(office, act(1, "app_installed")) < MOST_SURPRISE // 20


@pytest.mark.parametrize(
    ("odd", "percent"),
    [
        ({"network": "hotel"}, 60),
        ({"family": "Chrome"}, 40),
        ({"at": TODAY + 3 * 3600}, 20),
        ({"entity_id": "W9"}, 20),
        ({"network": "hotel", "family": "Chrome", "at": TODAY, "entity_id": "W9"}, 140),
        ({"network": None, "family": None, "entity_type": "workspace"}, 0),
    ],
)
def test_odd_circumstances_are_worth_more(office: DuckDB, odd: Row, percent: int) -> None:
    """A network, a client, an hour and a target that are new to the administrator add to the
    value; what is not known is not odd."""
    usual = MOST_SURPRISE * WEIGHTS[5] // 100
    assert value(office, act(1, **odd)) == usual * (100 + percent) // 100


def test_a_network_that_many_use_is_not_new(office: DuckDB) -> None:
    """Five people of the organization make a network known; four do not, nor do five since
    yesterday."""
    for people, first_at, odd in (
        (5, LONG_AGO, False), (4, LONG_AGO, True), (5, TODAY - DAY_SECONDS, True),
    ):  # fmt: skip
        rows = [
            seen(known, first_at=first_at, entity=f"W{n}", dimension="network", value="hotel")
            for n in range(people)
        ]
        put(office, "known", known.schema, rows)
        (item,) = items(office, act(1, network="hotel"))
        assert item["new_network"] is odd


@pytest.mark.parametrize(("others", "share"), [((), 1.0), (("BEN",), 1.0), (("BEN", "CAT"), 0.5)])
def test_what_colleagues_do_is_a_runbook(
    office: DuckDB, others: tuple[str, ...], share: float
) -> None:
    """An act that two other administrators did before is worth half, at a person's first time."""
    rows = [
        seen(DAYS.actions, days=1, subject=who, action="owner_transferred", most=1)
        for who in others
    ]
    put(office, "admin_actions", ACTIONS, rows)
    every = [seen(DAYS.days, days=40_000, subject=who) for who in ("ANN", *others)]
    put(office, "admin_days", DAYS.days.schema, every)  # so many days that it stays rare
    assert value(office, act(1)) == int(MOST_SURPRISE * WEIGHTS[5] / 100 * share)


def test_new_administrators_are_given_time(office: DuckDB) -> None:
    """Half the value for who began to administrate, or was given a role, within 14 days; a first
    day is the newest."""
    usual = value(office, act(1))
    young = TODAY - 5 * DAY_SECONDS
    role = [{"entity_id": "ANN", "first_at": 1, "last_at": young, "days": 1}]
    put(office, "role_changes", DAYS.roles.schema, role)
    assert value(office, act(1)) == usual // 2
    put(office, "role_changes", DAYS.roles.schema, [])
    put(office, "admin_days", DAYS.days.schema, [seen(DAYS.days, first_at=young, subject="ANN")])
    assert items(office, act(1))[0]["new_admin"] is True
    put(office, "admin_days", DAYS.days.schema, [])
    assert items(office, act(1))[0]["new_admin"] is True


def test_many_at_once_count_again(office: DuckDB) -> None:
    """Each action counts once, and once more when it is done four times as often as ever; what is
    least grave does not. The score adds up in order of time."""
    often = MASS_FACTOR * 3
    acts = [act(n, "app_installed") for n in range(often + 2)]
    first, mass = items(office, *acts)
    assert (first["nth"], mass["nth"]) == (1, often)
    assert mass["value"] == MASS_VALUE
    assert (first["score"], mass["score"]) == (first["value"], first["value"] + mass["value"])
    never = [act(n) for n in range(MASS_FACTOR * MASS_LEAST)]
    assert [one["nth"] for one in items(office, *never)] == [1, MASS_FACTOR * MASS_LEAST]
    created = [act(n, "user_created") for n in range(40)]
    assert [one["nth"] for one in items(office, *created)] == [1]


def test_acts_of_one_second_have_one_order(office: DuckDB) -> None:
    """Whatever the order of arrival, the first by id is the first act."""
    same = [act(1), act(2, at=act(1)["at"])]
    assert items(office, *same) == items(office, *reversed(same))
    assert [one["event_id"] for one in items(office, *same)] == ["e01"]


def test_what_a_day_teaches(office: DuckDB) -> None:
    """Days add up, the most in a day is kept, and what was not seen for long is forgotten."""
    put(office, "day_events", DAY_EVENTS, [act(1), act(2), act(3, "role_change_to_admin")])
    office.keep(DAYS.done.name, DAYS.done.relation)
    for profile in (DAYS.actions, DAYS.times, DAYS.targets, DAYS.days, DAYS.roles):
        office.keep(f"{profile.name}_today", profile.summary)
    old = seen(DAYS.actions, subject="ANN", action="owner_transferred", most=1)
    gone = {**old, "subject": "BEN", "last_at": TODAY - (FORGET_DAYS + 1) * DAY_SECONDS}
    put(office, "admin_actions", ACTIONS, [old, gone])

    (kept,) = office.rows(DAYS.actions.folded).to_pylist()
    assert (kept["subject"], kept["days"], kept["most"]) == ("ANN", 41, 2)
    assert (kept["first_at"], kept["last_at"]) == (LONG_AGO, act(2)["at"])
    (hours,) = office.rows(DAYS.times.folded).to_pylist()
    assert (hours["block"], hours["days"]) == (2, 41)
    (target,) = office.rows(DAYS.targets.folded).to_pylist()
    assert (target["entity_id"], target["days"]) == ("W1", 41)
    (role,) = office.rows(DAYS.roles.folded).to_pylist()
    assert (role["entity_id"], role["last_at"]) == ("W1", act(3)["at"])
    for profile in (DAYS.actions, DAYS.times, DAYS.targets, DAYS.days, DAYS.roles):
        office.drop(f"{profile.name}_today")
