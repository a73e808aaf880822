"""Audit logs: the events of a selection, newest first, with their histogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.lake.lake import Lake
from gridtrail.respond.trail import LOGS_SEARCHED
from gridtrail.server.console.charts import Histogram, bucket_width, histogram
from gridtrail.server.console.listing import Listed, Row, counts, listed, span
from gridtrail.server.console.selecting import Selection, position_of, selection_of
from gridtrail.server.console.visit import Visit
from gridtrail.slack.audit_api import MAX_ACTIONS
from gridtrail.slack.catalogue import ACTIONS, GROUPS

PAGE_ROWS = 100

CATALOGUE: Sequence[tuple[str, Sequence[tuple[str, str]]]] = [
    (group, [(one.name, one.description) for one in ACTIONS.values() if one.groups[0] == group])
    for group in GROUPS
]
"""Group -> its actions (name, description)."""


@dataclass(frozen=True, slots=True)
class LogsPage:
    """A page of the listing; `older` is the address of the next one, None at the end."""

    template: ClassVar[str] = "logs.html"

    rows: Sequence[Row]
    older: str | None
    newest: str | None  # the first page's address, None on it
    filters: Mapping[str, Any]
    chosen: Mapping[str, object]
    histogram: str  # where the chart is
    exports: Mapping[str, str]
    actions: str  # where the actions to choose from are


@dataclass(frozen=True, slots=True)
class HistogramPiece:
    """The chart; `wider` is the address of the whole range, None when that is shown."""

    template: ClassVar[str] = "histogram.html"

    chart: Histogram | None
    base: str  # address of a dragged range, without it
    wider: str | None


@dataclass(frozen=True, slots=True)
class ActionsPiece:
    """The actions to choose from; `unknown` are chosen ones that the catalogue has not."""

    template: ClassVar[str] = "actions.html"

    chosen: Sequence[str]
    unknown: Sequence[str]
    catalogue: Sequence[tuple[str, Sequence[tuple[str, str]]]] = tuple(CATALOGUE)
    number: int = len(ACTIONS)
    most: int = MAX_ACTIONS


async def show(visit: Visit) -> Response:
    """The page."""
    wanted, before = selection_of(visit), position_of(visit)
    found: Listed = await visit.lake(lambda lake: listed(lake, wanted, PAGE_ROWS, before=before))
    parameters = wanted.parameters()
    after = None if found.after is None else found.after.written()
    await visit.trail(LOGS_SEARCHED, None, parameters)
    return visit.page(
        LogsPage(
            rows=found.rows,
            older=visit.link("/logs", parameters, before=after) if after else None,
            newest=visit.link("/logs", parameters) if before is not None else None,
            filters=parameters,
            chosen=wanted.chosen(),
            histogram=visit.link("/logs/histogram", parameters),
            exports={
                kind: visit.link("/logs/export", parameters, format=kind)
                for kind in ("csv", "json")
            },
            actions=visit.link("/logs/actions", action=list(wanted.filter.actions)),
        )
    )


async def actions(visit: Visit) -> Response:
    """The actions, for the form; loaded when somebody opens it, for they are many."""
    chosen = visit.several("action")
    return visit.page(ActionsPiece(chosen, [one for one in chosen if one not in ACTIONS]))


async def chart(visit: Visit) -> Response:
    """The histogram of the same selection."""
    wanted = selection_of(visit)
    place = "/detections" if visit.one("for") == "detections" else "/logs"
    if place == "/detections":
        wanted = wanted.anomalies()
    return visit.page(await chart_of(visit, wanted, place))


async def chart_of(visit: Visit, wanted: Selection, place: str) -> HistogramPiece:
    """The chart of `wanted`, whose bars lead to `place` with the range of the bar."""
    plain = {**wanted.parameters(), "oldest": None, "latest": None}
    if place == "/detections":
        plain["action"] = None

    def href(first: int, last: int) -> str:
        return visit.link(place, {**plain, "oldest": first, "latest": last})

    def work(lake: Lake) -> Histogram | None:
        bounds = span(lake, wanted)
        if bounds is None:
            return None
        bucket = bucket_width(*bounds)
        return histogram(counts(lake, wanted, bucket), *bounds, bucket, href)

    one = wanted.filter
    bounded = one.oldest is not None or one.latest is not None
    base = visit.link(place, plain)
    return HistogramPiece(await visit.lake(work), base, base if bounded else None)
