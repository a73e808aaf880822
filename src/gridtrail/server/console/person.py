"""A person (or an app that acts): everything known, and what is usual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import ENTITY_READ
from gridtrail.server.console.entity import Activity, activity_of
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.responses import Told, responses_of
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.visit import Visit
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingFilters


@dataclass(frozen=True, slots=True)
class PersonPage:
    """Who it is, their activity and the findings about them."""

    template: ClassVar[str] = "person.html"

    id: str
    name: str
    email: str
    activity: Activity
    findings: Sequence[Finding]
    filters: Mapping[str, str]  # of the audit logs about them
    responses: Sequence[Told]


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    key = visit.request.query_params.get("id", "")
    if not key:
        raise NotHere("No person is named: open one from the audit logs.")
    wanted = Selection(EventFilter(org=visit.org), more=("actor_id = ?", (key,)))
    activity = await activity_of(visit, wanted, "person", key)
    filters = FindingFilters(org=visit.org, actor=key)
    findings = await visit.state(visit.parts.findings.select, filters)
    newest = activity.newest[0]
    name, email = newest["actor_name"] or "", newest["actor_email"] or ""
    responses = await responses_of(visit, user=key)
    await visit.trail(ENTITY_READ, ("user", key, name))
    page = PersonPage(key, name, email, activity, findings, {"actor": key}, responses)
    return visit.page(page)
