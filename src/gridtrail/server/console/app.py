"""An app: who uses and administers it, what it did, from where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import ENTITY_READ
from gridtrail.server.console.entity import Activity, activity_of
from gridtrail.server.console.listing import Row, listed
from gridtrail.server.console.reading import details_of
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.visit import Visit
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingFilters

_MOST_CHANGES = 25
ITS_OWN = "app_id IS NOT NULL"


@dataclass(frozen=True, slots=True)
class AppPage:
    """The app's activity, and what was done to it: installed, approved, given scopes."""

    template: ClassVar[str] = "app.html"

    id: str
    name: str
    activity: Activity
    changes: Sequence[Row]
    findings: Sequence[Finding]
    filters: Mapping[str, str]  # of the audit logs of what it did
    about: Mapping[str, str]  # of the audit logs of what was done to it


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    key = visit.request.query_params.get("id", "")
    if not key:
        raise NotHere("No app is named: open one from the audit logs.")
    both = ("(app_id = ? OR entity_type = 'app' AND entity_id = ?)", (key, key))
    wanted = Selection(EventFilter(org=visit.org), more=both)
    activity = await activity_of(visit, wanted, "app", key, own=ITS_OWN)
    changes, name = await visit.lake(lambda lake: changes_of(lake, visit.org, key))
    filters = FindingFilters(org=visit.org, actor=key)
    findings = await visit.state(visit.parts.findings.select, filters)
    await visit.trail(ENTITY_READ, ("app", key, name))
    page = AppPage(key, name, activity, changes, findings, {"app": key}, {"entity": key})
    return visit.page(page)


def changes_of(lake: Lake, org: str, key: str) -> tuple[list[Row], str]:
    """The newest things done to the app, and its name as the log says it."""
    term = ("entity_type = 'app' AND entity_id = ? AND action <> 'anomaly'", (key,))
    rows = listed(lake, Selection(EventFilter(org=org), more=term), _MOST_CHANGES).rows
    if name := next((row["entity_name"] for row in rows if row["entity_name"]), None):
        return rows, name
    # an app that nobody administered is named in what it did
    used = Selection(EventFilter(org=org, app=key))
    newest = listed(lake, used, 1, columns=("id", "date_create", "raw")).rows
    return rows, _named(newest[0]["raw"]) if newest else ""


def _named(raw: str) -> str:
    context = details_of(raw).get("context")
    app = context.get("app") if isinstance(context, dict) else None
    name = app.get("name") if isinstance(app, dict) else None
    return name if isinstance(name, str) else ""
