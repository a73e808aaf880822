"""A session of Slack: whose it is, from where and with what it was used."""

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
class SessionPage:
    """The session and its activity; several people, networks or clients in it are a sign."""

    template: ClassVar[str] = "session.html"

    id: str
    activity: Activity
    filters: Mapping[str, str]  # of the audit logs about it


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    key = visit.request.query_params.get("id", "")
    if not key:
        raise NotHere("No session is named: open one from the audit logs.")
    wanted = Selection(EventFilter(org=visit.org, session=key))
    activity = await activity_of(visit, wanted, "session", key)
    await visit.trail(ENTITY_READ, ("session", key, key))
    return visit.page(SessionPage(key, activity, {"session": key}))
