"""Counting: each window's count and the event that reaches a threshold, as one would by hand."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtrail.detect.contract import DAY_SECONDS, arrow_schema, table
from gridtrail.detect.counting import Counting
from gridtrail.detect.emptiness import no_rows
from gridtrail.engine.duckdb import DuckDB

THINGS = {
    "subject": "string", "subject_type": "string", "lane": "string", "item": "string",
    "at": "int64", "event_id": "string",
}  # fmt: skip
FLOORS = {600: 2, 3600: 3, DAY_SECONDS: 4}
DISTINCT = Counting("things", table("things", THINGS), FLOORS, 0.1)
EVERY = Counting("rows", table("things", THINGS), FLOORS, 0.1, repeats=True)

events = st.lists(
    st.tuples(
        st.sampled_from(["W1", "W2"]), st.sampled_from(["", "s"]), st.sampled_from("abcde"),
        st.integers(0, 3 * 3600),
    ),
    min_size=1, max_size=40,
)  # fmt: skip


def rows_of(made: list[tuple[str, str, str, int]]) -> list[dict[str, Any]]:
    """Rows of THINGS, ids in another order than time."""
    return [
        {"subject": who, "subject_type": "user", "lane": lane, "item": item, "at": at,
         "event_id": f"{(number * 7919) % 101:03}-{number}"}
        for number, (who, lane, item, at) in enumerate(made)
    ]  # fmt: skip


def by_hand(rows: list[dict[str, Any]]) -> tuple[dict[Any, int], set[Any]]:
    """Counts of all active windows, and (subject, window, event) that reached FLOORS."""
    seen: dict[Any, list[str]] = defaultdict(list)
    reached = set()
    for row in sorted(rows, key=lambda r: (r["at"], r["event_id"])):
        for window, threshold in FLOORS.items():
            place = (row["subject"], row["lane"], window, row["at"] - row["at"] % window)
            if row["item"] not in seen[place]:
                seen[place].append(row["item"])
                if len(seen[place]) == threshold:
                    reached.add((row["subject"], window, row["event_id"]))
    return {place: len(items) for place, items in seen.items()}, reached


@pytest.mark.parametrize("counting", [DISTINCT, EVERY], ids=["different things", "every row"])
def test_nobody_near_the_threshold(counting: Counting) -> None:
    """Where no window reaches a threshold it is known without a look that there is no alarm, and
    nothing of the parameters is read after that."""
    over = {step.name for step in counting.late_steps}
    assert no_rows(counting.candidates, over)
    assert not no_rows(counting.candidates, {f"{counting.metric}_parameters"})


@pytest.mark.parametrize("counting", [DISTINCT, EVERY], ids=["different things", "every row"])
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(made=events)
def test_as_by_hand(
    engine: DuckDB, counting: Counting, made: list[tuple[str, str, str, int]]
) -> None:
    """Windows counted from one another have the counts, and the alarms the events, that one finds
    by going through all events in order of time."""
    rows = rows_of(made)
    if counting.repeats:
        rows = [row | {"item": row["event_id"]} for row in rows]
    engine.keep("things", pa.Table.from_pylist(rows, arrow_schema(THINGS)))
    for step in counting.steps:
        engine.keep(step.name, step.relation)
    schema = arrow_schema(counting.parameter_schema)
    limits = [
        {**{f.name: "" if f.type == pa.string() else 0 for f in schema}, "subject": who,
         "subject_type": "user", "window": window, "threshold": threshold}
        for who in ("W1", "W2")
        for window, threshold in FLOORS.items()
    ]  # fmt: skip
    engine.keep(f"{counting.metric}_parameters", pa.Table.from_pylist(limits, schema))

    for step in counting.late_steps:
        engine.keep(step.name, step.relation)

    units = engine.rows(counting.units).to_pylist()
    found = engine.rows(counting.candidates).to_pylist()

    counts, reached = by_hand(rows)
    place = ("subject", "lane", "window", "bucket")
    assert {tuple(u[c] for c in place): u["value"] for u in units} == counts
    assert {(f["subject"], f["window"], f["event_id"]) for f in found} == reached
    assert len(found) == len(reached)
