"""When a first is rare enough to be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from gridtrail.detect.contract import DAY_SECONDS, DayContext, arrow_schema, table
from gridtrail.detect.novelty import EVERYBODY, NOVELTY, Novelty
from gridtrail.detect.novelty_detector import NoveltyDetector, Told, around
from gridtrail.detect.thresholds import UNIT
from gridtrail.settings import DetectSettings

FIRSTS = table(
    "firsts",
    {"subject": "string", "subject_type": "string", "event_id": "string", "at": "int64",
     "category": "string"},
)  # fmt: skip
ROW = {"subject": "W1", "at": 10 * DAY_SECONDS, "event_id": "e1", "seen": 1, "of": 900}


@dataclass(frozen=True, kw_only=True)
class Plain(NoveltyDetector):
    """Says what the category is."""

    def told(self, row: Mapping[str, Any]) -> Told:
        """One word each."""
        return Told(("user_agent",), "Odd", {"client": "x"}, {"people": 3}, "again", "an entry")


DETECTOR = Plain(
    name="plain",
    version=1,
    reasons=("user_agent",),
    share=0.1,
    novelty=Novelty("plain", FIRSTS, FIRSTS, {"rare": 1e-5, "common": 0.1}),
    firsts=FIRSTS,
    profiles=(),
    steps=(),
    absolute=frozenset({"rare"}),
    from_the_start=frozenset({"rare"}),
)


def context(days: int = 30, learned: Mapping[str, int] | None = None) -> DayContext:
    """A day of an organization with so much history that showed so many person-days."""
    rows = [{"category": c, "person_days": n * UNIT} for c, n in (learned or {}).items()]
    state = arrow_schema(NOVELTY).empty_table()
    state = state.from_pylist(rows, schema=state.schema) if rows else state
    return DayContext(20 * DAY_SECONDS, days, DetectSettings(), lambda _: state)


def test_rare_is_said() -> None:
    """A first at most as probable as the budget allows makes an anomaly with its evidence."""
    said = DETECTOR.explain({**ROW, "category": "common", "p_value": 4.9e-4}, context())

    assert said is not None
    assert (said.p_value, said.threshold, said.reasons) == (4.9e-4, "5.0e-04", ("user_agent",))
    assert said.observed == {"client": "x", "category": "common"}
    assert said.usual["organization"] == {
        "people": 3, "person_days_like_this": 1, "person_days": 900,
    }  # fmt: skip
    assert said.words.startswith("Odd; firsts like this were seen on 1 of 900 person-days")
    assert said.deciding_events == ("e1",)


def test_ordinary_is_not() -> None:
    """Above the level nothing is said; an absolute category has a higher level."""
    assert DETECTOR.explain({**ROW, "category": "common", "p_value": 5.1e-4}, context()) is None
    rare = {**ROW, "category": "rare", "p_value": 1.9e-3, "seen": 20}
    assert DETECTOR.explain(rare, context()) is not None
    often = {**ROW, "category": "rare", "p_value": 2.1e-3, "seen": 10}
    assert DETECTOR.explain(often, context()) is None
    few = DETECTOR.explain({**often, "seen": 9}, context())
    assert few is not None
    assert few.threshold == "2.0e-03 or fewer than 10 person-days"


@pytest.mark.parametrize(("days", "categories"), [(3, ["rare"]), (14, ["common", "rare"])])
def test_history(days: int, categories: list[str]) -> None:
    """Without history only those categories have p-values that need none."""
    rows = DETECTOR.parameters(context(days))

    assert rows is not None
    assert rows["category"].to_pylist() == categories


def test_learned_rates_count() -> None:
    """What an organization shows often is not rare there."""
    often = DETECTOR.parameters(context(30, {EVERYBODY: 10_000, "rare": 500}))

    assert often is not None
    p_value = dict(zip(often["category"].to_pylist(), often["p_value"].to_pylist(), strict=True))
    assert p_value["rare"] > DETECTOR.ordinary_above
    row = {**ROW, "category": "rare", "p_value": p_value["rare"], "seen": 500}
    assert DETECTOR.explain(row, context()) is None


def test_query() -> None:
    """The query is about the person and the time, and quotes what strangers wrote."""
    query = around({**ROW, "subject": "W'1"}, before=60)

    assert "actor_id = 'W''1'" in query
    assert f"BETWEEN {ROW['at'] - 60} AND {ROW['at'] + 3600}" in query  # type: ignore[operator]
