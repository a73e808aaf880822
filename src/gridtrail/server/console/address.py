"""An address: what is known of it, and who used it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.enrich.described import address_facts
from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import ENTITY_READ
from gridtrail.server.console.entity import Activity, activity_of
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.visit import Visit


@dataclass(frozen=True, slots=True)
class AddressPage:
    """The address' facts and its activity."""

    template: ClassVar[str] = "address.html"

    ip: str
    facts: Mapping[str, Any]
    activity: Activity
    filters: Mapping[str, str]  # of the audit logs about it


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    ip = visit.request.query_params.get("ip", "")
    if not ip:
        raise NotHere("No address is named: open one from the audit logs.")
    activity = await activity_of(visit, Selection(EventFilter(org=visit.org, ip=ip)), "address", ip)
    facts = address_facts(visit.parts.settings.enrich, ip, activity.last) or {}
    await visit.trail(ENTITY_READ, ("ip_address", ip, ip))
    return visit.page(AddressPage(ip, facts, activity, {"ip": ip}))
