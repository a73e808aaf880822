"""Detectors: which work, learn or are blind, and what each raised lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.server.console.charts import Line, day_line
from gridtrail.server.console.detector_facts import DAYS, DetectorFacts, overview
from gridtrail.server.console.times import DAY, written
from gridtrail.server.console.visit import Visit


@dataclass(frozen=True, slots=True)
class Row:
    """One detector of the list; `href` leads to its anomalies of these days."""

    facts: DetectorFacts
    line: Line
    href: str


@dataclass(frozen=True, slots=True)
class DetectorsPage:
    """All detectors; `counts` by state, `others` what Slack and imports raised, by reason."""

    template: ClassVar[str] = "detectors.html"

    rows: Sequence[Row]
    counts: Mapping[str, int]
    others: Sequence[tuple[str, int, str]]
    last: int  # the last second of the days that are looked at
    budget: float
    days: int = DAYS


async def show(visit: Visit) -> Response:
    """The page."""
    settings, counts, org = visit.parts.settings, visit.parts.counts, visit.org
    found = await visit.lake(lambda lake: overview(lake, settings, counts, org))
    first, last = found.first_day * DAY, found.last_day * DAY + DAY - 1
    span = {"oldest": written(first), "latest": written(last)}
    rows = [
        Row(
            one,
            day_line(
                {day: (n, n) for day, n in one.raised.items()},
                found.last_day,
                DAYS,
                f"Anomalies a day, {DAYS} days",
            ),
            visit.link("/detections", span, reason=one.name, by="gridtrail"),
        )
        for one in found.detectors
    ]
    states: dict[str, int] = {}
    for one in found.detectors:
        state = "off" if one.off else one.state
        states[state] = states.get(state, 0) + 1
    others = [
        (name, n, visit.link("/detections", span, reason=name, by="slack"))
        for name, n in found.others.items()
    ]
    budget = settings.detect.budget_per_1000_users_day
    return visit.page(DetectorsPage(rows, states, others, last, budget))
