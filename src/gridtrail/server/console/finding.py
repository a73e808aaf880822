"""A finding: its whole story, and what people decided about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.server.console.charts import Line, day_line
from gridtrail.server.console.deciding import finding_of, people_who_decide
from gridtrail.server.console.evidence import Anomaly, anomalies_of
from gridtrail.server.console.findings import people_days
from gridtrail.server.console.picture import Picture, odd_of, picture_of, read_rows
from gridtrail.server.console.responses import Told, responses_of, stamp_of
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.times import DAY
from gridtrail.server.console.visit import Visit
from gridtrail.server.roles import DECIDE
from gridtrail.settings import Settings
from gridtrail.triage.finding import STATUSES, VERDICTS, Finding
from gridtrail.triage.store import Note
from gridtrail.triage.why import why


@dataclass(frozen=True, slots=True)
class Usual:
    """One measure beside what is usual."""

    what: str
    this: object
    median: object
    most: object


@dataclass(frozen=True, slots=True)
class Count:
    """How often the person had a kind of anomaly, against all that was before."""

    actor: str
    kind: str
    days: int
    words: str
    now: int
    person_most: int
    organization_most: int
    person: str  # how likely, in words
    anybody: str
    first_ever: bool


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
    policy: Sequence[Mapping[str, Any]]  # what the organization's policy says of it
    counts: Sequence[Count]
    why: Mapping[str, Any]  # as `gridtrail.triage.why.why` says
    picture: Picture | None
    notes: Sequence[Note] = ()
    responses: Sequence[Told] = ()
    going_on: bool = False  # a response waits for something
    stamp: str = ""  # of the responses
    deciders: Sequence[str] = ()  # to whom it can be given
    statuses: Sequence[str] = STATUSES
    verdicts: Sequence[str] = VERDICTS


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    finding = await finding_of(visit)
    settings = visit.parts.settings
    page = await visit.lake(lambda lake: _page(lake, settings, finding))
    answered = await responses_of(visit, finding=finding.id)
    return visit.page(
        replace(
            page,
            notes=await visit.state(visit.parts.findings.notes, finding.id),
            responses=answered,
            going_on=any(told.going_on for told in answered),
            stamp=stamp_of(answered),
            deciders=await people_who_decide(visit) if visit.may(DECIDE) else (),
        )
    )


@dataclass(frozen=True, slots=True)
class ResponsesPart:
    """The responses to a finding, for its page while it is open."""

    template: ClassVar[str] = "finding_responses.html"

    finding: Finding
    responses: Sequence[Told]
    going_on: bool
    stamp: str


async def refresh(visit: Visit) -> Response:
    """The responses again; 204 when they are as they were. Raises NotHere."""
    finding = await finding_of(visit)
    answered = await responses_of(visit, finding=finding.id)
    stamp = stamp_of(answered)
    if visit.one("stamp") == stamp:
        return Response(status_code=204)
    going_on = any(told.going_on for told in answered)
    return visit.page(ResponsesPart(finding, answered, going_on, stamp))


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
    "impact": [],
}


def _page(lake: Lake, settings: Settings, finding: Finding) -> FindingPage:
    day = finding.last_seen // DAY
    wanted = EventFilter(org=finding.org, oldest=(day - 30) * DAY, latest=(day + 1) * DAY)
    names, counts = people_days(lake, Selection(wanted), set(finding.actor_ids))
    first = finding.actor_ids[0] if finding.actor_ids else ""
    return FindingPage(
        finding,
        who=[(actor, names.get(actor, actor)) for actor in finding.actor_ids],
        line=day_line(counts.get(first, {}), day, title="Events a day, 30 days"),
        anomalies=anomalies_of(lake, finding),
        usual=list(_usual(finding.history.get("counts") or {})),
        context={**_NOTHING, **finding.context},
        policy=(finding.context.get("judged") or {}).get("policy") or (),
        counts=[count_of(one) for one in finding.history.get("by_reason") or ()],
        why=why(lake, lake.engine, settings, finding),
        picture=picture_of(read_rows(lake, finding), odd_of(finding)),
    )


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def count_of(row: Mapping[str, Any]) -> Count:
    """A row of the history's `by_reason` in words."""
    count, days = row["count"], row["days"]
    said = _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"
    span = "a day" if days == 1 else f"{days} days"
    if row["first_ever"]:
        words = f"the first time that anyone had {said} in {span}"
    elif count > row["person_most"]:
        words = f"more than this person ever had in {span}"
    else:
        words = f"{said} in {span}"
    return Count(
        row["actor"], row["reason"], days, words, count,
        row["person_most"], row["organization_most"],
        chance(row["probability"]), chance(row["organization_probability"]), row["first_ever"],
    )  # fmt: skip


def chance(probability: float) -> str:
    """`1 in 2,100`, `12 %`; small ones as how seldom it is."""
    if probability <= 0:
        return "never"
    return f"{probability:.0%}" if probability >= 0.1 else f"1 in {round(1 / probability):,}"


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
