"""A finding: its whole story, and what people decided about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import FINDING_DECIDED, FINDING_NOTED
from gridtrail.server.console.charts import Line, day_line
from gridtrail.server.console.evidence import Anomaly, anomalies_of
from gridtrail.server.console.findings import people_days
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.text import shortened
from gridtrail.server.console.times import DAY
from gridtrail.server.console.visit import Visit
from gridtrail.triage.finding import STATUSES, VERDICTS, Finding
from gridtrail.triage.store import Note

_LONGEST_NOTE = 10_000


@dataclass(frozen=True, slots=True)
class Usual:
    """One measure beside what is usual."""

    what: str
    this: object
    median: object
    most: object


@dataclass(frozen=True, slots=True)
class FindingPage:
    """Everything known of one finding."""

    template: ClassVar[str] = "finding.html"

    finding: Finding
    who: Sequence[tuple[str, str]]  # id and name
    line: Line
    anomalies: Sequence[Anomaly]
    usual: Sequence[Usual]
    context: Mapping[str, Any]
    notes: Sequence[Note]
    statuses: Sequence[str] = STATUSES
    verdicts: Sequence[str] = VERDICTS


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    finding = await _finding(visit)
    notes = await visit.state(visit.parts.findings.notes, finding.id)
    anomalies, who, line = await visit.lake(lambda lake: _read(lake, finding))
    usual = list(_usual(finding.history.get("counts") or {}))
    context = {**_NOTHING, **finding.context}
    return visit.page(FindingPage(finding, who, line, anomalies, usual, context, notes))


async def decide(visit: Visit) -> Response:
    """Set the status or the verdict, keep a note; then the page again."""
    finding = await _finding(visit)
    form = {name: value.strip() for name, value in visit.form.items()}
    entity = ("finding", finding.id, finding.title)
    status, verdict = form.get("status") or None, form.get("verdict") or None
    if status is not None or verdict is not None:
        decide_ = visit.parts.findings.decide
        await visit.state(lambda: decide_(finding.id, status=status, verdict=verdict))
        await visit.trail(
            FINDING_DECIDED,
            entity,
            {
                "status": status,
                "verdict": verdict,
                "previous_status": finding.status,
                "previous_verdict": finding.verdict,
            },
        )
    if note := form.get("note"):
        if len(note) > _LONGEST_NOTE:
            raise WrongUse(f"A note has at most {_LONGEST_NOTE:,} characters: shorten it.")
        author = visit.account.email
        await visit.state(visit.parts.findings.add_note, finding.id, author, note)
        await visit.trail(FINDING_NOTED, entity)
    return visit.go(visit.link(f"/findings/{finding.id}"))


async def _finding(visit: Visit) -> Finding:
    wanted = visit.request.path_params["finding_id"]
    try:
        return await visit.state(visit.parts.findings.get, wanted)
    except WrongUse:
        raise NotHere(f"There is no finding {shortened(wanted, 40)}: look at the list.") from None


_NOTHING: Mapping[str, Any] = {
    "files": {},
    "addresses": [],
    "clients": [],
    "sessions": [],
    "channels": [],
    "workspaces": [],
    "timeline": [],
    "timeline_runs": 0,
    "responses": [],
    "counts": {},
    "window": None,
}


def _read(lake: Lake, finding: Finding) -> tuple[list[Anomaly], list[tuple[str, str]], Line]:
    anomalies = anomalies_of(lake, finding)
    day = finding.last_seen // DAY
    wanted = EventFilter(org=finding.org, oldest=(day - 30) * DAY, latest=(day + 1) * DAY)
    names, counts = people_days(lake, Selection(wanted), set(finding.actor_ids))
    who = [(actor, names.get(actor, actor)) for actor in finding.actor_ids]
    first = finding.actor_ids[0] if finding.actor_ids else ""
    return anomalies, who, day_line(counts.get(first, {}), day, title="Events a day, 30 days")


def _usual(counts: Mapping[str, Any]) -> Iterator[Usual]:
    """A row for each measured action: this person by hour and day, and anybody by day."""
    for action, one in counts.items():
        seen, person, everybody = one["observed"], one["person"], one["organization"]
        for unit in ("hour", "day"):
            this = seen[f"busiest_{unit}"]
            own = person[f"{unit}_median"], person[f"{unit}_most"]
            yield Usual(
                f"{action} in an hour" if unit == "hour" else f"{action} in a day", this, *own
            )
        label = f"{action} in a day, anybody here"
        yield Usual(label, seen["busiest_day"], everybody["p50"], everybody["most"])
