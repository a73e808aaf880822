"""Silence is never mistaken for peace: which detectors work, learn, or are blind, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from gridtrail.detect import state as st
from gridtrail.detect.contract import DAY_SECONDS, Detector
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake

LOOK_BACK_DAYS = 30


@dataclass(frozen=True, slots=True)
class DetectorState:
    """`working`, `learning` (too little history yet) or `blind` (an input is missing), and why."""

    detector: str
    state: str
    why: str
    decided_to: int


def detector_states(
    lake: Lake, engine: DuckDB, detectors: Sequence[Detector], org: str, to: int
) -> list[DetectorState]:
    """The state of each detector, from the last 30 days before `to` (seconds)."""
    seen = _inputs(lake, engine, org, to)
    history = len(lake.day_counts(org))
    return [_state(detector, seen, history, to) for detector in detectors]


def _inputs(lake: Lake, engine: DuckDB, org: str, to: int) -> set[str]:
    """Names of actions seen, and `session_id`, `ip`, `ua` where any event has one."""
    lake.events_view("_recent", org=org, oldest=to - LOOK_BACK_DAYS * DAY_SECONDS, latest=to)
    rows = engine.rows(
        "SELECT DISTINCT action AS input FROM _recent WHERE action <> 'anomaly' "
        "UNION SELECT 'session_id' FROM _recent HAVING count(session_id) > 0 "
        "UNION SELECT 'ip' FROM _recent HAVING count(ip) > 0 "
        "UNION SELECT 'ua' FROM _recent HAVING count(ua) > 0"
    )
    return set(rows["input"].to_pylist())


def _state(detector: Detector, seen: set[str], history: int, to: int) -> DetectorState:
    missing = [need for need in detector.needs if need not in seen]
    if missing:
        why = f"no event with {', '.join(missing)} in {LOOK_BACK_DAYS} days"
        return DetectorState(detector.name, "blind", why, to)
    if history < detector.learning_days:
        why = f"{history} days of log, {detector.learning_days} are needed"
        return DetectorState(detector.name, "learning", why, to)
    return DetectorState(detector.name, "working", "", to)


def write_states(lake: Lake, org: str, states: Sequence[DetectorState]) -> None:
    """Keep the states for `verify` and the console."""
    rows = [
        {"org": org, "detector": s.detector, "state": s.state, "why": s.why}
        | {"decided_to": s.decided_to}
        for s in states
    ]
    table = pa.Table.from_pylist(rows, schema=st.DETECTOR_STATES.schema)
    lake.write(st.DETECTOR_STATES, table, replace={"org": org})
