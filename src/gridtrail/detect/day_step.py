"""One day of one organization: the machinery between relations and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from gridtrail.detect.anomalies import Emitted, anomaly_bytes
from gridtrail.detect.contract import DayContext, Detector, Step, arrow_schema
from gridtrail.detect.counting import logarithms
from gridtrail.detect.day import day_events_expression
from gridtrail.detect.emission import Candidate, Verdict
from gridtrail.engine.shape import Engine
from gridtrail.errors import Stop
from gridtrail.lake.lake import Lake


class DayStep:
    """Decides days through an engine that holds the tables `day_raw`, `addresses`, `clients` and
    all profiles as of the day's start."""

    def __init__(self, engine: Engine, detectors: Sequence[Detector]) -> None:
        self.engine, self.detectors = engine, detectors
        self.profiles = tuple(_unique(p for d in detectors for p in d.profiles))
        self._steps: tuple[Step, ...] = tuple(_unique(s for d in detectors for s in d.steps))
        self._day_events = day_events_expression()
        self._nothing_today = False
        engine.keep("logs", logarithms())

    def begin(self, day_start: int) -> None:
        """Go to the day that begins at this second."""
        self.engine.keep("today", pa.table({"day_start": [day_start]}))

    def decide(self, context: DayContext) -> list[Candidate]:
        """What the detectors find in the day's events; `begin` was called before.

        Raises Stop naming the detector that failed.
        """
        self.engine.keep("day_events", self._day_events)
        for step in self._steps:
            self.engine.keep(step.name, step.relation)
        candidates: list[Candidate] = []
        for detector in self.detectors:
            try:
                candidates += self._candidates(detector, context)
            except Exception as error:  # whatever it is, it must be loud and name the detector
                raise Stop(
                    f"The detector {detector.name} failed ({type(error).__name__}: {error}): run "
                    "again with --debug and report what it prints."
                ) from error
        return candidates

    def _candidates(self, detector: Detector, context: DayContext) -> Iterator[Candidate]:
        parameters = detector.parameters(context)
        if detector.parameter_schema:
            empty = arrow_schema(detector.parameter_schema).empty_table()
            rows = empty if parameters is None else parameters
            self.engine.keep(f"{detector.name}_parameters", rows)
        if parameters is None:
            return
        for row in self.engine.rows(detector.candidates).to_pylist():
            anomaly = detector.explain(row, context)
            if anomaly is not None:
                yield Candidate(
                    at=row["at"],
                    event_id=row["event_id"],
                    subject=row["subject"],
                    subject_type=row["subject_type"],
                    detector=detector.name,
                    repeat_seconds=detector.repeat_seconds,
                    anomaly=anomaly,
                )

    def close(self) -> None:
        """Learn from the day that `decide` saw: every profile as of the next day's start."""
        self.engine.prepare({f"{p.name}_today": p.summary for p in self.profiles})
        self._nothing_today = False
        self._fold()

    def pass_by(self) -> None:
        """A day without events: what is known only grows older; `begin` was called before."""
        for profile in self.profiles if not self._nothing_today else ():
            self.engine.keep(f"{profile.name}_today", arrow_schema(profile.schema).empty_table())
        self._nothing_today = True
        self._fold()

    def _fold(self) -> None:
        # only now: summaries may read several profiles
        self.engine.keep_all({profile.name: profile.folded for profile in self.profiles})

    def emitted(
        self, lake: Lake, org: str, verdicts: Iterable[Verdict], detectors: Mapping[str, Detector]
    ) -> Iterator[Emitted]:
        """The anomaly events of those verdicts that are not silenced."""
        spoken = [v for v in verdicts if v.silenced is None]
        return anomaly_bytes(lake, self.engine, org, spoken, detectors)


def _unique(things: Iterable[Any]) -> list[Any]:
    """Things by name, first come, in order."""
    found: dict[str, Any] = {}
    for thing in things:
        found.setdefault(thing.name, thing)
    return list(found.values())
