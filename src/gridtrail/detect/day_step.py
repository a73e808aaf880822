"""One day of one organization: the machinery between relations and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.anomalies import Emitted, anomaly_bytes
from gridtrail.detect.contract import DayContext, Detector, Step, arrow_schema, late_steps
from gridtrail.detect.counting import logarithms
from gridtrail.detect.day import day_events_expression
from gridtrail.detect.emission import Candidate, Verdict
from gridtrail.detect.emptiness import Sparing, Work, row_counts
from gridtrail.detect.nominal import Nominal
from gridtrail.engine.shape import Engine
from gridtrail.errors import Stop, WrongUse
from gridtrail.lake.lake import Lake


class DetectorFailed(Stop):
    """A detector raised an error; `detector` is its name."""

    def __init__(self, detector: str, error: Exception) -> None:
        super().__init__(
            f"The detector {detector} failed ({type(error).__name__}: {error}): run "
            "again with --debug and report what it prints."
        )
        self.detector = detector


class DayStep:
    """Decides days through an engine that holds the tables `day_raw`, `addresses`, `clients` and
    all profiles as of the day's start."""

    def __init__(self, engine: Engine, detectors: Sequence[Detector]) -> None:
        self.engine, self.detectors = engine, detectors
        self.profiles = tuple(_unique(p for d in detectors for p in d.profiles))
        self._levels = list(_levels(_unique(s for d in detectors for s in d.steps)))
        self._counts = [row_counts([step.table for step in level]) for level in self._levels]
        self._day_events = day_events_expression()
        self._limited: dict[str, list[ir.Table]] = {}  # filled when needed: a plugin may fail
        self._tables = Sparing(engine)
        self._begun = False
        engine.keep("logs", logarithms())

    def begin(self, day_start: int) -> None:
        """Go to the day that begins at this second."""
        self.engine.keep("today", pa.table({"day_start": [day_start]}))

    def decide(
        self, context: DayContext, nominal: Mapping[str, Nominal] | None = None
    ) -> list[Candidate]:
        """What the detectors find in the day's events; `begin` was called before. `nominal` says
        what their thresholds are made for, by name; each its share by default.

        Raises DetectorFailed.
        """
        self.engine.keep("day_events", self._day_events)
        self._begin_sparing()
        for level, counts in zip(self._levels, self._counts, strict=True):
            if self._keep({step.name: step.relation for step in level}):
                self._tables.count(counts)
        for detector in self.detectors:  # yesterday's say nothing of today
            self._tables.forget(f"{detector.name}_parameters")
        made_for = nominal or {}
        found = self.engine.each(
            lambda one: self._named(one, context, made_for.get(one.name)), self.detectors
        )
        return [candidate for candidates in found for candidate in candidates]

    def _begin_sparing(self) -> None:
        if not self._begun and self.profiles:
            self._tables.count(row_counts([profile.table for profile in self.profiles]))
        self._begun = True

    def _keep(self, relations: Mapping[str, ir.Table]) -> bool:
        return self._tables.keep_all(
            relations, lambda possible: self._blaming(self.engine.keep_all, possible)
        )

    def _limited_by(self, detector: Detector) -> Iterator[ir.Table]:
        """The detector's late steps or candidates, and what else reads its parameters."""
        late = [step.relation for step in late_steps(detector)]
        yield from late or [detector.candidates]
        name = f"{detector.name}_parameters"
        candidates = [self._blamed(one) for one in self.detectors]
        late = [step.relation for one in self.detectors for step in late_steps(one)]
        for relation in (*candidates, *late, *self._summaries().values()):
            if name in _tables_of(relation):
                yield relation

    def _blamed(self, detector: Detector) -> ir.Table:
        """The detector's candidates; an error names it and not the one who asks."""
        try:
            return detector.candidates
        except Exception as error:
            raise DetectorFailed(detector.name, error) from error

    def _summaries(self) -> dict[str, ir.Table]:
        return {f"{profile.name}_today": profile.summary for profile in self.profiles}

    def _named(
        self, detector: Detector, context: DayContext, nominal: Nominal | None
    ) -> list[Candidate]:
        mine = context if nominal is None else replace(context, times=nominal.times)
        try:
            return [replace(one, nominal=nominal) for one in self._candidates(detector, mine)]
        except DetectorFailed:
            raise
        except Exception as error:  # whatever it is, it must be loud and name the detector
            raise DetectorFailed(detector.name, error) from error

    def _blaming(self, work: Work, relations: Mapping[str, ir.Table]) -> Mapping[str, int]:
        """Do `work` on relations named after steps and profiles; an error names the detector."""
        try:
            return work(relations)
        except Exception:  # looked for below, and raised again when nobody is found
            for name, relation in relations.items():
                self._try(name, relation)
            raise

    def _try(self, name: str, relation: ir.Table) -> None:
        try:
            self.engine.rows(relation)
        except Exception as error:
            for detector in self.detectors:
                parts = {s.name for s in detector.steps} | {p.name for p in detector.profiles}
                if name.removesuffix("_today") in parts:
                    raise DetectorFailed(detector.name, error) from error
            raise

    def _candidates(self, detector: Detector, context: DayContext) -> Iterator[Candidate]:
        if detector.name not in self._limited:
            self._limited[detector.name] = list(self._limited_by(detector))
        if all(self._tables.has_no_rows(one) for one in self._limited[detector.name]):
            return  # whatever the parameters are
        parameters = detector.parameters(context)
        if detector.parameter_schema:
            empty = arrow_schema(detector.parameter_schema).empty_table()
            rows = empty if parameters is None else parameters
            self.engine.keep(f"{detector.name}_parameters", rows)
            self._tables.note(f"{detector.name}_parameters", rows.num_rows)
        if parameters is None:
            return
        late = {step.name: step.relation for step in late_steps(detector)}
        self._tables.keep_all(late, self.engine.prepare)
        if self._tables.has_no_rows(detector.candidates):
            return
        for row in self.engine.rows(detector.candidates).to_pylist():
            anomaly = detector.explain(row, context)
            if anomaly is not None:
                if detector.name in context.settings.off:
                    anomaly = replace(anomaly, silenced="off")
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
        self._tables.keep_all(
            self._summaries(), lambda possible: self._blaming(self.engine.prepare, possible)
        )
        self._fold()

    def pass_by(self) -> None:
        """A day without events: what is known only grows older; `begin` was called before."""
        self._begin_sparing()
        self._tables.clear({f"{p.name}_today": arrow_schema(p.schema) for p in self.profiles})
        self._fold()

    def _fold(self) -> None:
        # only now: summaries may read several profiles
        self._keep({profile.name: profile.folded for profile in self.profiles})

    def emitted(
        self, lake: Lake, org: str, verdicts: Iterable[Verdict], detectors: Mapping[str, Detector]
    ) -> Iterator[Emitted]:
        """The anomaly events of those verdicts that are not silenced."""
        spoken = [v for v in verdicts if v.silenced is None]
        return anomaly_bytes(lake, self.engine, org, spoken, detectors)


def _levels(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """Steps that read only what earlier levels made; within a level in the order given."""
    left = list(steps)
    while left:
        names = {step.name for step in left}
        level = [s for s in left if names.isdisjoint(_tables_of(s.relation) - {s.name})]
        if not level:
            raise WrongUse(f"The steps {', '.join(sorted(names))} read each other: untie them.")
        yield level
        made = {step.name for step in level}
        left = [step for step in left if step.name not in made]


def _tables_of(relation: ir.Table) -> set[str]:
    """Names of the tables that a relation reads."""
    return {node.name for node in relation.op().find(ops.UnboundTable)}


def _unique(things: Iterable[Any]) -> list[Any]:
    """Things by name, first come, in order."""
    found: dict[str, Any] = {}
    for thing in things:
        found.setdefault(thing.name, thing)
    return list(found.values())
