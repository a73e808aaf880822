"""A file: who touched it, how and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import ENTITY_READ
from gridtrail.server.console.entity import Activity, activity_of
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.visit import Visit


@dataclass(frozen=True, slots=True)
class FilePage:
    """The file (or another thing acted on) and its activity."""

    template: ClassVar[str] = "file.html"

    id: str
    name: str
    kind: str
    activity: Activity
    filters: Mapping[str, str]  # of the audit logs about it


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    key = visit.request.query_params.get("id", "")
    if not key:
        raise NotHere("No file is named: open one from the audit logs.")
    wanted = Selection(EventFilter(org=visit.org), more=("entity_id = ?", (key,)))
    activity = await activity_of(visit, wanted, "file", key)
    newest = activity.newest[0]
    name, kind = newest["entity_name"] or key, newest["entity_type"] or "file"
    await visit.trail(ENTITY_READ, ("file", key, name))
    return visit.page(FilePage(key, name, kind, activity, {"entity": key}))
