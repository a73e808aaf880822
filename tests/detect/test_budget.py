"""Shares of the alarm budget, the guard against floods, and the budget of those who are active."""

from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.budget import (
    ABSOLUTE,
    LEAST_A_DAY,
    SHARES,
    SUBJECT_A_DAY,
    TOKEN,
    Allowance,
    Store,
    allowances,
    of_one_subject,
)
from gridtrail.detect.contract import DAY_SECONDS, DayContext, arrow_schema
from gridtrail.detect.profiles import PEOPLE, people
from gridtrail.detect.run import MOST_PER_ACTIVE, people_now
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.settings import DetectSettings

TODAY = 100 * DAY_SECONDS


def known(engine: DuckDB, active_days: list[int], *, kind: str = "user", last: int = TODAY) -> None:
    """Make the profile of people hold one person for each number of active days."""
    rows = [
        {
            "subject": f"W{number}",
            "subject_type": kind,
            "team": "T0",
            "first_at": 0,
            "last_at": last - 1,
            "active_days": days,
            "events": days,
        }
        for number, days in enumerate(active_days)
    ]
    engine.register("_people", pa.Table.from_pylist(rows, arrow_schema(PEOPLE)))
    engine.keep("today", pa.table({"day_start": [TODAY]}))
    engine.keep("people", "SELECT * FROM _people")


@pytest.mark.parametrize(
    ("active_days", "expected"), [([20, 20], 1.0), ([10, 10, 10], 2.0), ([1, 1], MOST_PER_ACTIVE)]
)
def test_people_for_each_active_one(active_days: list[int], expected: float) -> None:
    """People over those active on an average day of 20, between 1 and the most allowed."""
    engine = DuckDB(threads=1)
    known(engine, active_days)
    assert people_now(engine, [people], 20) == (len(active_days), expected)


@pytest.mark.parametrize(("kind", "last"), [("app", TODAY), ("user", TODAY - 31 * DAY_SECONDS)])
def test_apps_and_those_long_gone_do_not_count(kind: str, last: int) -> None:
    """Without a person of the last 30 days there is nothing to scale by."""
    engine = DuckDB(threads=1)
    known(engine, [1], kind=kind, last=last)
    assert people_now(engine, [people], 20) == (0, 1.0)


def test_detectors_without_that_profile_are_not_scaled() -> None:
    """The table is not even looked for when no detector keeps it."""
    assert people_now(DuckDB(threads=1), [], 20) == (0, 1.0)


def test_the_budget_of_all_is_spent_on_the_active() -> None:
    """The nominal rate of one active person grows with the people who are not active."""
    one, two = (
        DayContext(TODAY, 20, DetectSettings(), lambda _: pa.table({}), ratio)
        for ratio in (1.0, 2.0)
    )
    assert two.share_per_subject_day(0.5) == 2 * one.share_per_subject_day(0.5) == 0.005


# shares -------------------------------------------------------------------------------------


def test_shares_add_up() -> None:
    """Shares of all detectors together are at most the budget, and stand in the one table."""
    nominal = [detector for detector in all_detectors() if detector.name not in ABSOLUTE]

    assert sum(detector.share for detector in nominal) <= 1
    assert {d.name: d.share for d in nominal} == {d.name: SHARES.get(d.name) for d in nominal}, (
        "take the share from gridtrail.detect.budget.SHARES"
    )
    assert sum(SHARES.values()) <= 0.95  # users' detectors have something left
    assert not ABSOLUTE & SHARES.keys()


# floods -------------------------------------------------------------------------------------

DOWNLOADS = next(d for d in all_detectors() if d.name == "excessive_downloads")


def allowance(people: int) -> Allowance:
    """What downloads may raise in an organization of this size."""
    return allowances([DOWNLOADS], people, 5.0)["excessive_downloads"]


def test_allowances_grow_with_the_organization() -> None:
    """A small organization may always say a handful, a large one several times its budget."""
    assert allowance(0).capacity == allowance(2000).capacity == LEAST_A_DAY * TOKEN
    assert allowance(100_000).capacity == 4 * 60 * TOKEN
    assert of_one_subject(allowance(100_000)).capacity == SUBJECT_A_DAY * TOKEN


def test_absolute_evidence_asks_for_no_rarity() -> None:
    """Detectors of lists have a store of their own, in which the last token is as good as any."""

    class Tor:
        name, share = "tor", 0.01

    tor = allowances([Tor()], 50, 5.0)["tor"]

    assert tor.capacity > allowance(50).capacity
    assert tor.says(TOKEN, 1.0)
    assert not tor.says(TOKEN - 1, 1e-300)


@pytest.mark.parametrize(
    ("left", "worst"), [(12, 1.0), (6, 1.0), (5, 1e-4), (3, 1e-4), (2, 1e-5), (1, 1e-6)]
)
def test_the_emptier_the_rarer(left: int, worst: float) -> None:
    """Each halving below one half asks for what is ten times rarer than the nominal rate."""
    twelve = Allowance(12 * TOKEN, 1e-3)

    assert twelve.says(left * TOKEN, worst)
    assert worst == 1.0 or not twelve.says(left * TOKEN, worst * 1.01)


def test_a_store_fills_within_a_day() -> None:
    """Tokens come back evenly with time, up to the capacity."""
    twelve = Allowance(12 * TOKEN, 1e-3)

    assert twelve.filled(None, 5) == 12 * TOKEN
    assert twelve.filled(Store(100, 0), 100 + 43_200) == 6 * TOKEN
    assert twelve.filled(Store(100, 0), 100 + 10 * DAY_SECONDS) == 12 * TOKEN


@given(st.integers(0, 20 * TOKEN), st.integers(0, 20 * TOKEN), st.floats(1e-12, 1))
def test_more_tokens_say_more(one: int, other: int, p_value: float) -> None:
    """What is said with fewer tokens is said with more."""
    twenty = Allowance(20 * TOKEN, 1e-3)
    said = [twenty.says(left, p_value) for left in sorted((one, other))]

    assert all(b or not a for a, b in pairwise(said))
