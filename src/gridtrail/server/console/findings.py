"""Findings: what deserves a look, the worst first."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.server.console.charts import Line, day_line
from gridtrail.server.console.listing import select
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.times import DAY, parsed
from gridtrail.server.console.visit import Visit
from gridtrail.slack.reasons import REASONS
from gridtrail.triage.finding import SEVERITIES, STATUSES, VERDICTS, Finding
from gridtrail.triage.store import FindingFilters

_SHOWN = 100
_LINE_DAYS = 30
_FILTERS = ("severity", "status", "verdict", "reason", "actor", "assignee", "oldest", "latest")
UNDECIDED = "undecided"
"""Status of the filter that shows what is open or being investigated: the default."""


@dataclass(frozen=True, slots=True)
class Row:
    """One finding of the list: whom it is about, and that person's days."""

    finding: Finding
    who: str
    line: Line


@dataclass(frozen=True, slots=True)
class FindingsPage:
    """The list and its filters; `stamp` changes when the list does."""

    template: ClassVar[str] = "findings.html"

    rows: Sequence[Row]
    counts: Mapping[str, int]  # by severity, over all that pass the other filters
    total: int
    filters: Mapping[str, str]
    stamp: str
    changed: bool  # differs from what the browser shows
    severities: Sequence[str] = SEVERITIES
    statuses: Sequence[str] = STATUSES
    verdicts: Sequence[str] = VERDICTS
    reasons: Sequence[str] = tuple(REASONS)


@dataclass(frozen=True, slots=True)
class FindingsList(FindingsPage):
    """The list alone, for the page that is open."""

    template: ClassVar[str] = "findings_list.html"


async def show(visit: Visit) -> Response:
    """The page."""
    return visit.page(FindingsPage(**await _values(visit)))


async def refresh(visit: Visit) -> Response:
    """The list again, or nothing when the browser shows it as it is."""
    values = await _values(visit)
    if not values["changed"]:
        return Response(status_code=204)
    return visit.page(FindingsList(**values))


async def list_of(visit: Visit) -> Response:
    """The list by the filters of the address."""
    return visit.page(FindingsList(**await _values(visit)))


def listed_filters(visit: Visit) -> dict[str, str]:
    """The filters of the address; an empty text does not filter."""
    return {name: visit.one(name) or "" for name in _FILTERS}


async def _values(visit: Visit) -> dict[str, Any]:
    given = listed_filters(visit)
    found = await visit.state(_select, visit, given)
    severity = given["severity"]
    shown = [one for one in found if not severity or one.severity == severity]
    top = shown[:_SHOWN]
    stamp = _stamp(shown)
    return {
        "rows": await visit.lake(lambda lake: _rows(lake, top)) if top else [],
        "counts": Counter(one.severity for one in found),
        "total": len(shown),
        "filters": given,
        "stamp": stamp,
        "changed": visit.one("stamp") != stamp,
    }


def _select(visit: Visit, given: Mapping[str, str]) -> list[Finding]:
    status = given["status"] or UNDECIDED
    oldest, latest = given["oldest"], given["latest"]
    filters = FindingFilters(
        org=visit.org,
        status=status if status in STATUSES else None,
        verdict=given["verdict"] or None,
        actor=given["actor"] or None,
        assignee=given["assignee"] or None,
        reason=given["reason"] or None,
        oldest=parsed(oldest) if oldest else None,
        latest=parsed(latest, end=True) if latest else None,
    )
    found = visit.parts.findings.select(filters)
    return [one for one in found if one.status != "closed"] if status == UNDECIDED else found


def _stamp(found: Sequence[Finding]) -> str:
    facts = [
        (f.id, f.status, f.verdict, f.assignee, f.severity, f.score, len(f.event_ids))
        for f in found
    ]
    return hashlib.sha256(repr(facts).encode("utf-8", "replace")).hexdigest()[:16]


def _rows(lake: Lake, found: Sequence[Finding]) -> list[Row]:
    """The rows, with the names and the days of the people read in one query."""
    days = [one.last_seen // DAY for one in found]
    wanted = EventFilter(
        org=found[0].org, oldest=(min(days) - _LINE_DAYS) * DAY, latest=(max(days) + 1) * DAY
    )
    people = {actor for one in found for actor in one.actor_ids[:1]}
    names, counts = people_days(lake, Selection(wanted), people)
    rows = []
    for one, day in zip(found, days, strict=True):
        actor = one.actor_ids[0] if one.actor_ids else ""
        line = day_line(counts.get(actor, {}), day, _LINE_DAYS, "Events a day, 30 days")
        rows.append(Row(one, names.get(actor, actor), line))
    return rows


def people_days(
    lake: Lake, wanted: Selection, people: set[str]
) -> tuple[dict[str, str], dict[str, dict[int, tuple[int, int]]]]:
    """The names of `people` (ids) and their (events, anomalies) by UTC day in `wanted`."""
    if not people:
        return {}, {}
    listed = sorted(people)
    found = select(
        lake,
        replace(wanted, more=(f"actor_id IN ({', '.join('?' * len(listed))})", tuple(listed))),
        "actor_id, date_create // 86400 AS day, count(*) AS events, max(actor_name) AS name, "
        "count(*) FILTER (action = 'anomaly') AS anomalies",
        "GROUP BY ALL ORDER BY day",
    )
    names = {one: f"app {one}" if one.startswith("A") else one for one in listed}
    counts: dict[str, dict[int, tuple[int, int]]] = {}
    for row in found:
        if row["name"]:
            names[row["actor_id"]] = row["name"]
        counts.setdefault(row["actor_id"], {})[row["day"]] = (row["events"], row["anomalies"])
    return names, counts
