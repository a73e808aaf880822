"""A detector: what it judges, what it raised, and what another threshold would have raised."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.detect import plugins
from gridtrail.detect.budget import ABSOLUTE
from gridtrail.detect.contract import Detector
from gridtrail.detect.nominal import FIXED, Change
from gridtrail.detect.state import day_of, midnight
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import Stop, WrongUse
from gridtrail.lab.tuning import Tried, Tuning, tune
from gridtrail.lake.lake import Lake
from gridtrail.respond.thresholds import tomorrow
from gridtrail.server.console.bars import Bars, Value, bars
from gridtrail.server.console.detector_facts import DAYS, DetectorFacts, overview, paragraphs
from gridtrail.server.console.names import names_of
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.text import counted, shortened
from gridtrail.server.console.thresholds import Held, held
from gridtrail.server.console.times import DAY, day_said, written
from gridtrail.server.console.visit import Visit
from gridtrail.server.console.workbench import OnProgress
from gridtrail.settings import MOST_NOMINAL

MOST_DAYS = 62
"""Days that a preview may look at."""

_PREVIEW_DAYS = 7
_PEOPLE, _ANOMALIES = 10, 30
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4})?|\.[0-9]{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DetectorPage:
    """One detector; `held` is what its thresholds are made for, None when that is no number of
    anomalies (`fixed`: because it is the same in every organization); `most` is the greatest
    number that can be put in force."""

    template: ClassVar[str] = "detector.html"

    facts: DetectorFacts
    words: Sequence[str]
    needs: Sequence[str]
    learning_days: int
    repeats: Sequence[int]
    reasons: Sequence[str]
    chart: Bars
    href: str
    held: Held | None
    fixed: bool
    most: float
    first: str  # of the preview, as forms hold days
    last: str
    days: int = DAYS
    most_days: int = MOST_DAYS


@dataclass(frozen=True, slots=True)
class Preview:
    """What another threshold would have raised; or why it cannot be said."""

    template: ClassVar[str] = "preview.html"

    error: str
    tuning: Tuning | None = None
    chart: Bars | None = None
    people: Sequence[Mapping[str, Any]] = ()
    changed: Sequence[Tried] = ()
    names: Mapping[str, str] = field(default_factory=dict)  # of people, by id
    more: int = 0
    name: str = ""
    since: int = 0  # from when on it would be in force


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    settings, counts, org = visit.parts.settings, visit.parts.counts, visit.org
    name = visit.request.path_params["name"]
    found = await visit.lake(lambda lake: overview(lake, settings, counts, org))
    facts = next((one for one in found.detectors if one.name == name), None)
    if facts is None:
        raise NotHere(f"There is no detector {shortened(name, 40)}: look at the list.")
    detector = await visit.state(_detector, visit, name)
    first, last = found.first_day * DAY, found.last_day * DAY + DAY - 1
    span = {"oldest": written(first), "latest": written(last)}
    kept = await visit.state(visit.parts.thresholds.all)
    holds = None if detector is None else held(settings, detector, kept, org, time.time())
    return visit.page(
        DetectorPage(
            facts,
            paragraphs(detector),
            _needs(detector),
            detector.learning_days if detector is not None else 0,
            detector.repeat_seconds if detector is not None else (),
            detector.reasons if detector is not None else (),
            _days(visit, facts, found.first_day, found.last_day),
            visit.link("/detections", span, reason=name, by="gridtrail"),
            holds,
            name in FIXED,
            MOST_NOMINAL,
            day_of((found.last_day - _PREVIEW_DAYS + 1) * DAY).isoformat(),
            day_of(found.last_day * DAY).isoformat(),
        )
    )


async def preview(visit: Visit) -> Response:
    """What another threshold would have raised: detection runs twice, and nothing is written."""
    name = visit.request.path_params["name"]
    try:
        first, last = _period(visit.form)
        tried = _tried(visit.form)
        detector = await visit.state(_detector, visit, name)
        kept = await visit.state(visit.parts.thresholds.all)
        changes = [one.change for one in kept]
        work = _work(visit, detector, changes, first, last, tried)
        found = await visit.parts.workbench.run(work)
    except (WrongUse, Stop) as error:  # as a part of the page; htmx shows no page of an error
        return visit.page(Preview(str(error)))
    changed = [one for one in found.anomalies if one.raised_by != "both"]
    people = found.by_person()[:_PEOPLE]
    who = {str(row["subject"]) for row in people} | {one.emitted.subject for one in changed}
    org, end = visit.org, midnight(found.last) + DAY
    names = await visit.lake(lambda lake: names_of(lake, org, who, end))
    chart = bars(
        "Anomalies a day: in force and tried",
        [_compared(row) for row in found.by_day()],
        ends=(str(found.first), str(found.last)),
    )
    return visit.page(
        Preview(
            "",
            found,
            chart,
            people,
            changed[:_ANOMALIES],
            names,
            max(0, len(changed) - _ANOMALIES),
            name,
            tomorrow(time.time()),
        )
    )


def _work(
    visit: Visit,
    detector: Detector | None,
    changes: Sequence[Change],
    first: dt.date,
    last: dt.date,
    tried: float,
) -> Any:
    settings, org = visit.parts.settings, visit.org
    if detector is None:
        raise WrongUse("This detector cannot run: see why at the top of its page.")
    if detector.name in ABSOLUTE:
        raise WrongUse(f"{detector.name} has no threshold: what is on a list is said.")
    # a preview looks at one detector; those of users run in detection alone
    alone = settings.detect.model_copy(update={"plugins": []})
    quiet = settings.model_copy(update={"detect": alone})
    detectors = [*all_detectors()]
    if detector not in detectors:
        detectors.append(detector)

    def work(lake: Lake, engine: DuckDB, tell: OnProgress) -> Tuning:
        return tune(
            lake, engine, quiet, detector.name, detectors=detectors, nominal=tried,
            changes=changes, org=org, first=first, last=last, on_progress=tell,
        )  # fmt: skip

    return work


def _detector(visit: Visit, name: str) -> Detector | None:
    settings = visit.parts.settings
    loaded = plugins.load(all_detectors(), settings.detect.plugins, base=settings.data)
    return next((one for one in loaded.detectors if one.name == name), None)


def _needs(detector: Detector | None) -> list[str]:
    needs = detector.needs if detector is not None else ()
    return [one.replace("|", " or ") for one in needs]


def _days(visit: Visit, facts: DetectorFacts, first: int, last: int) -> Bars:
    values = []
    for day in range(first, last + 1):
        number = facts.raised.get(day, 0)
        title = f"{day_said(day * DAY)}: {counted(number, 'anomaly', 'anomalies')}"
        span = {"oldest": written(day * DAY), "latest": written(day * DAY + DAY - 1)}
        href = visit.link("/detections", span, reason=facts.name, by="gridtrail")
        values.append(Value(number, title, href if number else ""))
    return bars("Anomalies a day", values, ends=(day_said(first * DAY), day_said(last * DAY)))


def _compared(row: Mapping[str, Any]) -> Value:
    title = f"{row['day']}: {row['in_force']} in force, {row['tried']} tried"
    return Value(row["tried"], title, other=row["in_force"])


def _period(form: Mapping[str, str]) -> tuple[dt.date, dt.date]:
    try:
        first = dt.date.fromisoformat(form.get("from", "").strip())
        last = dt.date.fromisoformat(form.get("to", "").strip())
    except ValueError:
        raise WrongUse("Give both days as 2026-11-20.") from None
    if first > last:
        raise WrongUse("The days end before they begin: swap them.")
    if (last - first).days >= MOST_DAYS:
        raise WrongUse(f"A preview looks at {MOST_DAYS} days at most: choose fewer.")
    return first, last


def _tried(form: Mapping[str, str]) -> float:
    text = form.get("nominal", "").strip()
    if not _NUMBER.fullmatch(text) or float(text) <= 0:
        raise WrongUse("Give how many anomalies per 1,000 users and day to try, such as 0.5.")
    return float(text)
