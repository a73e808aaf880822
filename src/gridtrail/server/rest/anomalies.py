"""Anomalies, Slack's and Gridtrail's: the list, and one with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import fastapi
from pydantic import Field
from starlette.responses import Response

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import ANOMALIES_SEARCHED, EVENT_READ
from gridtrail.server.console.listing import listed
from gridtrail.server.console.reading import details_of
from gridtrail.server.console.selecting import Selection
from gridtrail.server.rest.call import Called, answer
from gridtrail.server.rest.events import EVENT_FIELDS, EventQuery, page_of, selection_of
from gridtrail.server.rest.models import EventRow, Facts, NextCursor, Shape
from gridtrail.server.rest.refusing import not_found
from gridtrail.server.rest.routing import Resource

_BEFORE = 30 * 86_400
"""So much older than an anomaly its deciding events may be, seconds."""
_MOST_DECIDING = 200

router = Resource("anomalies")


class AnomalyShape(EventRow):
    """An anomaly event, with what Gridtrail's own detector says of it."""

    evidence: Facts | None = Field(
        description="`details.gridtrail`: detector, words, observed, usual, threshold, p-value, "
        "deciding events, a query that reproduces it; null for Slack's own. That it is there "
        "proves nothing unless `source` is `gridtrail`: an imported event can hold anything."
    )


class Anomalies(Shape):
    """A page of anomalies, newest first."""

    anomalies: list[AnomalyShape]
    next_cursor: NextCursor


class AnomalyWhole(Shape):
    """One anomaly, and the events that decided it."""

    anomaly: AnomalyShape
    deciding: list[EventRow] = Field(description="The events it names, oldest first.")


@router.read("/anomalies", Anomalies)
async def list_anomalies(call: Called, query: Annotated[EventQuery, fastapi.Query()]) -> Response:
    """List anomalies, newest first; the filters are those of events."""
    wanted = selection_of(call, query).anomalies()
    rows, cursor = await page_of(call, wanted, query, "anomalies", EVENT_FIELDS)
    await call.trail(ANOMALIES_SEARCHED, None, wanted.parameters())
    return answer({"anomalies": [anomaly_of(row) for row in rows], "next_cursor": cursor})


@router.read("/anomalies/{event_id:any_text}", AnomalyWhole, 404)
async def get_anomaly(call: Called, event_id: str) -> Response:
    """Read one anomaly with its evidence and the events that decided it."""

    def work(lake: Lake) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
        event = lake.event(event_id, org=call.org)
        if event is None or event["action"] != "anomaly":
            return None
        return event, _deciding(lake, event)

    found = await call.lake(work)
    if found is None:
        raise not_found("anomaly", event_id, "look for it at /api/v1/anomalies")
    event, deciding = found
    await call.trail(EVENT_READ, ("audit_event", event_id, "anomaly"))
    row = {name: event[name] for name in EVENT_FIELDS}
    return answer({"anomaly": anomaly_of(row), "deciding": deciding})


def anomaly_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an anomaly event with its evidence as an object."""
    evidence = details_of(row["details"]).get("gridtrail")
    return {**row, "evidence": evidence if isinstance(evidence, dict) else None}


def _deciding(lake: Lake, event: Mapping[str, Any]) -> list[dict[str, Any]]:
    evidence = anomaly_of(event)["evidence"] or {}
    named = evidence.get("deciding_events")
    ids = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    if not ids:
        return []
    at = event["date_create"]
    wanted = Selection(
        EventFilter(org=event["org"], oldest=at - _BEFORE, latest=at),
        more=("list_contains(?, id)", (ids[:_MOST_DECIDING],)),
    )
    return listed(lake, wanted, _MOST_DECIDING, columns=EVENT_FIELDS).rows[::-1]
