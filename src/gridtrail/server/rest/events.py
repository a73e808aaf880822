"""Events: `GET /events`, and one with what is known of it and what was around it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import fastapi
from pydantic import Field
from starlette.responses import Response

from gridtrail.enrich.described import address_facts, client_facts
from gridtrail.errors import WrongUse
from gridtrail.export.values import escaped_in_json, json_text
from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.lake.schema import EVENTS
from gridtrail.respond.trail import EVENT_READ, LOGS_SEARCHED
from gridtrail.server.api.refusals import json_bytes
from gridtrail.server.console.listing import listed
from gridtrail.server.console.selecting import Position, Selection
from gridtrail.server.console.times import parsed
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.cursors import decode, encode
from gridtrail.server.rest.models import (
    TIME,
    CursorText,
    EventRow,
    Facts,
    Limit,
    NextCursor,
    Query,
    Shape,
    Text,
    Time,
)
from gridtrail.server.rest.refusing import not_found
from gridtrail.server.rest.routing import Resource
from gridtrail.slack.audit_api import MAX_ACTIONS

EVENT_FIELDS = tuple(name for name in EVENTS.names if name != "raw")
"""Columns of an event in an answer, those of `gridtrail logs --format json`."""

_MOST_AROUND = 1000
_DURATION = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST = 7 * 86_400

router = Resource("events")


class RangeQuery(Query):
    """A range of time and a page."""

    oldest: Time | None = Field(default=None, description=f"Not before this. {TIME}")
    latest: Time | None = Field(
        default=None, description=f"Not after this; a date alone means its end. {TIME}"
    )
    limit: Limit = Field(default=100, description="At most so many on a page.")
    cursor: CursorText | None = Field(
        default=None, description="`next_cursor` of the page before; with the same filters."
    )


class EventQuery(RangeQuery):
    """Which events; all filters must hold."""

    action: list[Text] = Field(
        default=[], description="Only these actions: separated by commas, or given repeatedly."
    )
    actor: Text | None = Field(default=None, description="Id, or name or e-mail in any case.")
    entity: Text | None = Field(default=None, description="Id, or name in any case.")
    ip: Text | None = Field(default=None, description="The address.")
    session: Text | None = Field(default=None, description="The session's id.")
    ua: Text | None = Field(default=None, description="A part of the user agent, in any case.")
    app: Text | None = Field(default=None, description="The app's id.")
    reason: Text | None = Field(default=None, description="One of an anomaly's reasons.")
    source: Text | None = Field(
        default=None, description="How it came: `slack`, `gridtrail`, `import` or `post`."
    )
    text: Text | None = Field(default=None, description="A part of the raw event, in any case.")
    id: Text | None = Field(default=None, description="The event's id.")
    workspace: Text | None = Field(default=None, description="A workspace's id or domain.")
    by: Literal["slack", "gridtrail"] | None = Field(
        default=None, description="Only what was made here (`gridtrail`), or only what was not."
    )


class Events(Shape):
    """A page of events, newest first."""

    events: list[EventRow]
    next_cursor: NextCursor


class EventWhole(Shape):
    """One event as it came, and what is known of it."""

    event: Facts = Field(description="The event as it came, not a digit changed.")
    address: Facts | None = Field(description="What its address was at that time.")
    client: Facts | None = Field(description="What its user agent is.")
    around: list[EventRow] | None = Field(
        default=None,
        description="With `context`: events of the same actor, session or address, oldest first.",
    )


class AroundQuery(Query):
    """What of the surroundings to show."""

    context: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,6}[smhd]$",
        description="Also the events so long before and after: `30m`, `2h`; at most `7d`.",
    )


@router.read("/events", Events)
async def list_events(call: Called, query: Annotated[EventQuery, fastapi.Query()]) -> Response:
    """List events, newest first.

    A cursor goes on exactly after the last event of its page, whatever arrives meanwhile.
    """
    wanted = selection_of(call, query)
    rows, cursor = await page_of(call, wanted, query, "events", EVENT_FIELDS)
    await call.trail(LOGS_SEARCHED, None, wanted.parameters())
    return answer({"events": rows, "next_cursor": cursor})


@router.read("/events/{event_id:any_text}", EventWhole, 404)
async def get_event(
    call: Called, event_id: str, query: Annotated[AroundQuery, fastapi.Query()]
) -> Response:
    """Read one event, and with `context` what was around it."""
    seconds = None if query.context is None else _duration(query.context)

    def work(lake: Lake) -> tuple[dict[str, Any] | None, list[dict[str, Any]] | None]:
        found = lake.event(event_id, org=call.org)
        if found is None or seconds is None:
            return found, None
        near = lake.surroundings(event_id, seconds, org=call.org, limit=_MOST_AROUND)
        return found, near.select(list(EVENT_FIELDS)).to_pylist()

    event, around = await call.lake(work)
    if event is None:
        raise not_found("event", event_id, "look for it at /api/v1/events")
    await call.trail(
        EVENT_READ, ("audit_event", event_id, event["action"]), {"around_seconds": seconds}
    )
    enrich = call.settings.enrich
    parts = {
        # the event's own text goes in as it is, so that no number in it is rewritten
        "event": escaped_in_json(event["raw"]),
        "address": json_text(address_facts(enrich, event["ip"], event["date_create"])),
        "client": json_text(client_facts(enrich, event["ua"])),
    }
    if around is not None:
        parts["around"] = json_text(around)
    body = ",".join(f'"{name}":{text}' for name, text in parts.items())
    return json_bytes(f"{{{body}}}".encode())


def selection_of(call: Call, query: EventQuery) -> Selection:
    """The events that `query` asks for. Raises WrongUse for what cannot be."""
    actions = tuple(dict.fromkeys(one.strip() for part in query.action for one in part.split(",")))
    actions = tuple(one for one in actions if one)
    if len(actions) > MAX_ACTIONS:
        raise WrongUse(f"{len(actions)} actions are too many: ask for at most {MAX_ACTIONS}.")
    names = ("actor", "entity", "ip", "session", "ua", "app", "reason", "source", "text", "id")
    oldest, latest = bounds_of(query)
    wanted = EventFilter(
        actions=actions,
        org=call.org,
        oldest=oldest,
        latest=latest,
        **{name: getattr(query, name) for name in names},
    )
    return Selection(wanted, query.workspace, query.by)


def bounds_of(query: RangeQuery) -> tuple[int | None, int | None]:
    """The seconds of `oldest` and `latest`. Raises WrongUse."""
    oldest = None if query.oldest is None else parsed(query.oldest)
    latest = None if query.latest is None else parsed(query.latest, end=True)
    if oldest is not None and latest is not None and oldest > latest:
        raise WrongUse("oldest is after latest: swap them.")
    return oldest, latest


async def page_of(
    call: Call, wanted: Selection, query: RangeQuery, listing: str, columns: tuple[str, ...]
) -> tuple[list[dict[str, Any]], str | None]:
    """A page of `wanted`, and the cursor of the next one."""
    before = None
    if query.cursor is not None:
        before = Position(*decode(query.cursor, call.org, listing, (int, str)))
    found = await call.lake(
        lambda lake: listed(lake, wanted, query.limit, before=before, columns=columns)
    )
    after = found.after
    cursor = None if after is None else encode(call.org, listing, [after.second, after.id])
    return found.rows, cursor


def _duration(text: str) -> int:
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _UNITS[match[2]] if match else _LONGEST + 1
    if seconds > _LONGEST:
        raise WrongUse("The context is longer than 7d: give a shorter one.")
    return seconds
