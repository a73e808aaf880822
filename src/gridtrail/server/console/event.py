"""One event: its full details, and what was around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.enrich.described import address_facts, client_facts
from gridtrail.lake.lake import Lake
from gridtrail.respond.trail import EVENT_READ
from gridtrail.server.console.listing import ROW, Row
from gridtrail.server.console.reading import Line, json_lines
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.text import shortened
from gridtrail.server.console.visit import Visit

_MINUTES = (5, 30, 120, 1440)
_DEFAULT_MINUTES = 30
_MOST_AROUND = 200


@dataclass(frozen=True, slots=True)
class EventPage:
    """An event, and what is known of its address and client (None: it has none)."""

    template: ClassVar[str] = "event.html"

    event: Row
    lines: Sequence[Line]
    raw: str
    address: Mapping[str, Any] | None
    client: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class EventPiece(EventPage):
    """The details alone, under the row of a listing."""

    template: ClassVar[str] = "event_details.html"


@dataclass(frozen=True, slots=True)
class AroundPage:
    """Events of the same actor, session or address near an event, oldest first."""

    template: ClassVar[str] = "around.html"

    event: Row
    rows: Sequence[Row]
    minutes: int
    choices: Sequence[int]
    cut: bool


async def show(visit: Visit) -> Response:
    """The page, or its piece for a listing. Raises NotHere."""
    event = await _event(visit)
    await visit.trail(EVENT_READ, ("audit_event", event["id"], event["action"]))
    book = visit.parts.settings.enrich

    def href(name: str, value: str) -> str:
        return (
            visit.link("/event", id=value) if name == "id" else visit.link("/logs", {name: value})
        )

    page = EventPiece if visit.partial else EventPage
    return visit.page(
        page(
            event=event,
            lines=json_lines(event["raw"], href),
            raw=event["raw"],
            address=address_facts(book, event["ip"], event["date_create"]),
            client=client_facts(book, event["ua"]),
        )
    )


async def around(visit: Visit) -> Response:
    """The surroundings. Raises NotHere."""
    event = await _event(visit)
    asked = visit.one("minutes") or ""
    minutes = int(asked) if asked.isdecimal() and int(asked) in _MINUTES else _DEFAULT_MINUTES
    key, org = event["id"], event["org"]

    def work(lake: Lake) -> list[Row]:
        near = lake.surroundings(key, minutes * 60, org=org, limit=_MOST_AROUND)
        found: list[Row] = near.select(list(ROW)).to_pylist()
        return found

    rows = await visit.lake(work)
    await visit.trail(
        EVENT_READ, ("audit_event", key, event["action"]), {"around_minutes": minutes}
    )
    return visit.page(AroundPage(event, rows, minutes, _MINUTES, len(rows) >= _MOST_AROUND))


async def _event(visit: Visit) -> Row:
    wanted, org = visit.request.query_params.get("id", ""), visit.org
    found = await visit.lake(lambda lake: lake.event(wanted, org=org)) if wanted else None
    if found is None:
        name = shortened(wanted, 60)
        raise NotHere(f"There is no event {name} in {org}: look for it in the audit logs.")
    return found
