"""How the alarm budget of all people becomes one of those who are active."""

from __future__ import annotations

import pyarrow as pa
import pytest

from gridtrail.detect.contract import DAY_SECONDS, DayContext, arrow_schema
from gridtrail.detect.profiles import PEOPLE, people
from gridtrail.detect.run import MOST_PER_ACTIVE, people_per_active
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
    engine.keep("people", "SELECT * FROM _people")


@pytest.mark.parametrize(
    ("active_days", "expected"), [([20, 20], 1.0), ([10, 10, 10], 2.0), ([1, 1], MOST_PER_ACTIVE)]
)
def test_people_for_each_active_one(active_days: list[int], expected: float) -> None:
    """People over those active on an average day of 20, between 1 and the most allowed."""
    engine = DuckDB(threads=1)
    known(engine, active_days)
    assert people_per_active(engine, [people], TODAY, 20) == expected


@pytest.mark.parametrize(("kind", "last"), [("app", TODAY), ("user", TODAY - 31 * DAY_SECONDS)])
def test_apps_and_those_long_gone_do_not_count(kind: str, last: int) -> None:
    """Without a person of the last 30 days there is nothing to scale by."""
    engine = DuckDB(threads=1)
    known(engine, [1], kind=kind, last=last)
    assert people_per_active(engine, [people], TODAY, 20) == 1.0


def test_detectors_without_that_profile_are_not_scaled() -> None:
    """The table is not even looked for when no detector keeps it."""
    assert people_per_active(DuckDB(threads=1), [], TODAY, 20) == 1.0


def test_the_budget_of_all_is_spent_on_the_active() -> None:
    """The nominal rate of one active person grows with the people who are not active."""
    one, two = (
        DayContext(TODAY, 20, DetectSettings(), lambda _: pa.table({}), ratio)
        for ratio in (1.0, 2.0)
    )
    assert two.share_per_subject_day(0.5) == 2 * one.share_per_subject_day(0.5) == 0.005
