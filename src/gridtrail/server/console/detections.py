"""Security detections: the anomaly events, Slack's and ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.respond.trail import ANOMALIES_SEARCHED
from gridtrail.server.console.evidence import Anomaly, anomaly_of
from gridtrail.server.console.listing import ROW, Listed, listed
from gridtrail.server.console.selecting import BY, position_of, selection_of
from gridtrail.server.console.visit import Visit
from gridtrail.slack.reasons import REASONS

PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class DetectionsPage:
    """A page of anomalies; `older` is the address of the next one, None at the end."""

    template: ClassVar[str] = "detections.html"

    anomalies: Sequence[Anomaly]
    older: str | None
    newest: str | None
    filters: Mapping[str, Any]
    chosen: Mapping[str, object]
    histogram: str
    exports: Mapping[str, str]
    reasons: Sequence[str] = tuple(REASONS)
    raisers: Sequence[str] = BY


async def show(visit: Visit) -> Response:
    """The page."""
    asked, before = selection_of(visit), position_of(visit)
    wanted = asked.anomalies()
    found: Listed = await visit.lake(
        lambda lake: listed(lake, wanted, PAGE_ROWS, before=before, columns=(*ROW, "details"))
    )
    parameters = {**asked.parameters(), "action": None}
    chosen = {name: value for name, value in asked.chosen().items() if name != "action"}
    await visit.trail(ANOMALIES_SEARCHED, None, parameters)
    after = None if found.after is None else found.after.written()
    more = {**parameters, "for": "detections"}
    return visit.page(
        DetectionsPage(
            anomalies=[anomaly_of(row) for row in found.rows],
            older=visit.link("/detections", parameters, before=after) if after else None,
            newest=visit.link("/detections", parameters) if before is not None else None,
            filters=parameters,
            chosen=chosen,
            histogram=visit.link("/logs/histogram", more),
            exports={
                kind: visit.link("/logs/export", more, format=kind) for kind in ("csv", "json")
            },
        )
    )
