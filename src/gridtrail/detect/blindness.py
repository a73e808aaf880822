"""Silence is never mistaken for peace: which detectors work, learn, or are blind, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from gridtrail.detect import state as st
from gridtrail.detect.contract import DAY_SECONDS, Detector, day_events
from gridtrail.engine.shape import Engine
from gridtrail.lake.lake import Lake

LOOK_BACK_DAYS = 30
LISTS = ("tor_lists", "ioc_lists", "suspicious_asn_lists")
"""Settings of `enrich` that a detector may need."""


@dataclass(frozen=True, slots=True)
class DetectorState:
    """`working`, `learning` (too little history yet), `blind` (an input is missing) or `failed`
    (a detector of a user that cannot be loaded or stopped with an error), and why."""

    detector: str
    state: str
    why: str
    decided_to: int


_INPUTS = day_events.group_by("action").aggregate(
    **{column: day_events[column].count() for column in ("session_id", "ip", "ua")}
)


def day_inputs(engine: Engine) -> frozenset[str]:
    """Names of actions in the table `day_events`, and `session_id`, `ip`, `ua` where any event has
    one."""
    rows = engine.rows(_INPUTS).to_pylist()
    columns = {name for row in rows for name, value in row.items() if name != "action" and value}
    return frozenset(columns | {row["action"] for row in rows})


def detector_states(
    progress: st.Progress, detectors: Sequence[Detector], to: int, lists: frozenset[str]
) -> list[DetectorState]:
    """The state of each detector, from the decided days of the last 30 before `to` (seconds) and
    the settings in `lists` that name a list which holds something."""
    since = st.day_of(to - LOOK_BACK_DAYS * DAY_SECONDS)
    recent = [decided.inputs for day, decided in progress.days.items() if day >= since]
    seen: set[str] = set().union(*recent)
    seen |= lists
    return [_state(detector, seen, len(progress.days), to) for detector in detectors]


def _state(detector: Detector, seen: set[str], history: int, to: int) -> DetectorState:
    missing = [need for need in detector.needs if seen.isdisjoint(need.split("|"))]
    if unset := [need for need in missing if need in LISTS]:
        why = f"the setting enrich.{unset[0]} names no list"
        return DetectorState(detector.name, "blind", why, to)
    if missing:
        told = ", ".join(missing).replace("|", " or ")
        why = f"no event with {told} in {LOOK_BACK_DAYS} days"
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
