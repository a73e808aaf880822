"""Detectors of too many visible acts: what they count, what they ask for."""

from __future__ import annotations

import pyarrow as pa
import pytest

from gridtrail.detect.blindness import detector_states
from gridtrail.detect.contract import DAY_EVENTS, arrow_schema
from gridtrail.detect.count_detector import CountDetector, acts
from gridtrail.detect.state import Decided, Progress, day_of
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.slack.catalogue import ACTIONS

COUNTERS = [one for one in all_detectors() if isinstance(one, CountDetector)]
NOW = 1_790_000_000


def items(engine: DuckDB, *events: tuple[str, str, str | None]) -> list[str]:
    """What is counted of events of (subject_type, entity_type, entity_id)."""
    rows = [
        {"event_id": f"e{number}", "at": number, "action": "act", "subject": "W1",
         "subject_type": kind, "entity_type": entity, "entity_id": name}
        for number, (kind, entity, name) in enumerate(events)
    ]  # fmt: skip
    full = [{column: row.get(column) for column in DAY_EVENTS} for row in rows]
    engine.register("day_events", pa.Table.from_pylist(full, schema=arrow_schema(DAY_EVENTS)))
    found = engine.rows(acts(("act",), "user")).to_pylist()
    engine.unregister("day_events")
    return [row["item"] for row in sorted(found, key=lambda row: row["at"])]


def test_things_are_counted_once(engine: DuckDB) -> None:
    """A file is one thing however often it is done; of a channel each event counts; apps do not
    count where people are meant."""
    found = items(
        engine,
        ("user", "file", "F1"),
        ("user", "file", "F1"),
        ("user", "channel", "C1"),
        ("user", "channel", "C1"),
        ("user", "message", None),
        ("app", "file", "F2"),
    )
    assert found == ["F1", "F1", "e2", "e3", "e4"]


@pytest.mark.parametrize("detector", COUNTERS, ids=lambda detector: detector.name)
def test_actions_are_slacks(detector: CountDetector) -> None:
    """Every action that is counted or needed stands in Slack's catalogue."""
    needed = [name for need in detector.needs for name in need.split("|")]
    assert set(detector.seen_in) | set(needed) <= set(ACTIONS)


@pytest.mark.parametrize("detector", COUNTERS, ids=lambda detector: detector.name)
def test_blind(detector: CountDetector) -> None:
    """It is blind when the log had none of its actions in 30 days, and says which; one will do."""
    day = day_of(NOW)
    for action in detector.needs[0].split("|"):
        seen = Progress({day: Decided(1, NOW, False, frozenset({action, "user_login"}))})
        (state,) = detector_states(seen, [detector], NOW, frozenset())
        assert state.state != "blind"
    none = Progress({day: Decided(1, NOW, False, frozenset({"user_login", "session_id"}))})
    (state,) = detector_states(none, [detector], NOW, frozenset())
    assert state.state == "blind"
    assert detector.needs[0].split("|")[0] in state.why
