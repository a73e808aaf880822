from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from gridtrail.sandbox.facts import DEED_SECONDS, measure, render
from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan

TOLERANT = {
    "hour of day, peak / trough": (4, 25),
    "weekend share": (0.10, 0.20),
    "share of the top 10 % of users": (0.60, 0.75),
    "Gini of user volumes": (0.70, 0.83),
    "deeds a session, median": (2, 2),
    "deeds a session, p99": (19, 33),
    "gap inside a session, median seconds": (60, 80),
    "user-day variance / mean, 10 active days": (4.5, 15),
    "user-day variance / mean, 20 active days": (6, 20),
    "mean ln(deeds of an active day)": (1.0, 1.35),
    "within-user sd of ln(deeds)": (0.8, 1.02),
    "between-user sd of mean ln(deeds)": (0.4, 0.63),
}
"""One organization of 300 scatters about the facts: these bounds hold for each of ten seeds."""


@pytest.mark.slow
def test_a_mid_size_organization_looks_real(tmp_path: Path) -> None:
    """300 people for eight weeks lie near the facts measured on real Slack activity."""
    made = generate(Plan(seed=41), tmp_path)
    with made.events.open("rb") as lines:
        facts = measure(lines)
    assert {fact.name for fact in facts} == set(TOLERANT)
    for fact in facts:
        low, high = TOLERANT[fact.name]
        assert low <= fact.value <= high, fact
    assert 120_000 <= made.count <= 300_000


def event(user: str, second: int, **more: Any) -> dict[str, Any]:
    context = {"session_id": 123_456_789_012, **more.pop("context", {})}
    return {
        "action": "file_downloaded",
        "date_create": second,
        "actor": {"user": {"id": user}},
        "context": context,
        **more,
    }


def named(events: list[Any]) -> dict[str, float]:
    return {fact.name: fact.value for fact in measure(events)}


def test_rows_of_one_deed_count_once() -> None:
    """Rows at most 5 seconds apart are one deed, later ones another of the same session."""
    rows = [event("W0A", second) for second in (1_000, 1_000 + DEED_SECONDS, 1_100)]
    assert named(rows)["deeds a session, median"] == 2
    assert named(rows)["gap inside a session, median seconds"] == 100


def test_apps_and_invited_people_are_left_out() -> None:
    """Rows of apps, without a session, of Slack's detection and of invited people do not count."""
    alone = [event("W0A", 1_000), event("W0A", 1_050)]
    noise = [
        event("W0B", 1_060, context={"session_id": None}),
        event("W0B", 1_070, context={"app": {"id": "A0"}}),
        event("W0B", 1_080, action="anomaly"),
        event("W0B", 1_090, details={"type": "INVITED"}),
    ]
    assert named(alone) == named(alone + noise)


def test_lines_and_parsed_events_give_the_same_table() -> None:
    """JSON lines are as good as dictionaries, in any order, and the table names each fact."""
    rows = [event("W0A", 1_000 + 97 * step) for step in range(9)]
    facts = measure([orjson.dumps(row) for row in reversed(rows)])
    assert facts == measure(rows)
    assert all(fact.name in render(facts) for fact in facts)
    assert "outside" in render(facts)
