"""People, apps, addresses, sessions and files: all that the console's pages show of one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field
from starlette.responses import Response

from gridtrail.enrich.described import address_facts
from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import ENTITY_READ
from gridtrail.server.console.app import ITS_OWN, changes_of
from gridtrail.server.console.entity import OWN, Activity, activity
from gridtrail.server.console.evidence import Anomaly
from gridtrail.server.console.listing import ROW
from gridtrail.server.console.selecting import Selection
from gridtrail.server.rest.anomalies import anomaly_of
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.findings import FindingShape
from gridtrail.server.rest.models import Facts, Seconds, Shape
from gridtrail.server.rest.refusing import not_found
from gridtrail.server.rest.routing import Resource
from gridtrail.triage.store import FindingFilters

_DAY = 86_400

router = Resource("entities")


class Used(Shape):
    """A value of the activity, and how often."""

    value: str = Field(description="The id, the name of an action, or the text itself.")
    name: str | None = Field(description="The name of a person or a file.")
    events: int = Field(description="Events with it.")
    first: Seconds
    last: Seconds
    people: int = Field(description="How many people are in these events.")


class UsedAddress(Used):
    """An address, and what it is."""

    asn: int | None = Field(description="Its autonomous system.")
    asn_name: str | None = Field(description="The name of that.")
    country: str | None = Field(description="Two letters.")
    kind: str | None = Field(description="`hosting`, `vpn`, `tor`, `internal`, …")


class UsedClient(Used):
    """A user agent, and what it is."""

    family: str | None = Field(description="The client.")
    kind: str | None = Field(description="`desktop`, `mobile`, `web`, `tool`, …")
    version: str | None = Field(description="Its version.")
    os: str | None = Field(description="Its operating system.")
    expected: bool = Field(description="Whether people here are expected to use it.")


class ByHour(Shape):
    """Events of an hour of the week, UTC."""

    weekday: int = Field(description="0 is Monday.", ge=0, le=6)
    hour: int = Field(description="0 to 23.", ge=0, le=23)
    events: int = Field(description="Their number.")


class ByDay(Shape):
    """Events of a day."""

    day: str = Field(description="UTC day.")
    events: int = Field(description="Their number.")
    anomalies: int = Field(description="The anomalies among them.")


class ActivityShape(Shape):
    """What happened in the `days` before the newest event; the most first in each list."""

    events: int = Field(description="Events in these days.")
    last: Seconds
    days: int = Field(description="How far it looks back.")
    summed_days: int = Field(
        description="How many of them the lists and hours are of: fewer where there is very much."
    )
    people: list[Used]
    addresses: list[UsedAddress]
    clients: list[UsedClient]
    sessions: list[Used]
    files: list[Used]
    actions: list[Used]
    by_hour: list[ByHour]
    by_day: list[ByDay]
    anomalies: list[Facts] = Field(description="The newest, with their `evidence`.")
    newest: list[Facts] = Field(description="The newest events, in the columns of a page.")


class Person(Shape):
    """Somebody who acts."""

    id: str = Field(description="The id in Slack.")
    name: str = Field(description="The newest name.")
    email: str = Field(description="The newest e-mail address.")
    activity: ActivityShape
    findings: list[FindingShape] = Field(description="Those about this person, the worst first.")


class Address(Shape):
    """An address."""

    ip: str = Field(description="The address.")
    facts: Facts = Field(description="What it is.")
    activity: ActivityShape


class App(Shape):
    """An app: what it did and what was done to it."""

    id: str = Field(description="The id in Slack.")
    name: str = Field(description="Its newest name.")
    activity: ActivityShape
    changes: list[Facts] = Field(
        description="The newest things done to it: installed, approved, given scopes."
    )
    findings: list[FindingShape] = Field(description="Those about it, the worst first.")


class Session(Shape):
    """A session of Slack."""

    id: str = Field(description="Its id.")
    activity: ActivityShape


class File(Shape):
    """A file, or another thing that is acted on."""

    id: str = Field(description="Its id.")
    name: str = Field(description="Its newest name.")
    type: str = Field(description="`file`, `canvas`, `channel`, …")
    activity: ActivityShape


@router.read("/people/{person_id:any_text}", Person, 404)
async def get_person(call: Called, person_id: str) -> Response:
    """Read everything known of a person."""
    wanted = Selection(EventFilter(org=call.org), more=("actor_id = ?", (person_id,)))
    found = await _activity(call, wanted, "person", person_id)
    filters = FindingFilters(org=call.org, actor=person_id)
    about = await call.state(call.parts.findings.select, filters)
    name, email = found.newest[0]["actor_name"] or "", found.newest[0]["actor_email"] or ""
    await call.trail(ENTITY_READ, ("user", person_id, name))
    known = {"id": person_id, "name": name, "email": email, "activity": _json(found)}
    return answer({**known, "findings": [one.to_json() for one in about]})


@router.read("/apps/{app_id:any_text}", App, 404)
async def get_app(call: Called, app_id: str) -> Response:
    """Read everything known of an app."""
    both = ("(app_id = ? OR entity_type = 'app' AND entity_id = ?)", (app_id, app_id))
    wanted = Selection(EventFilter(org=call.org), more=both)
    found = await _activity(call, wanted, "app", app_id, own=ITS_OWN)
    changes, name = await call.lake(lambda lake: changes_of(lake, call.org, app_id))
    filters = FindingFilters(org=call.org, actor=app_id)
    about = await call.state(call.parts.findings.select, filters)
    await call.trail(ENTITY_READ, ("app", app_id, name))
    return answer(
        {
            "id": app_id,
            "name": name,
            "activity": _json(found),
            "changes": [_row(row) for row in changes],
            "findings": [one.to_json() for one in about],
        }
    )


@router.read("/addresses/{ip:any_text}", Address, 404)
async def get_address(call: Called, ip: str) -> Response:
    """Read everything known of an address."""
    found = await _activity(call, Selection(EventFilter(org=call.org, ip=ip)), "address", ip)
    facts = address_facts(call.settings.enrich, ip, found.last) or {}
    await call.trail(ENTITY_READ, ("ip_address", ip, ip))
    return answer({"ip": ip, "facts": facts, "activity": _json(found)})


@router.read("/sessions/{session_id:any_text}", Session, 404)
async def get_session(call: Called, session_id: str) -> Response:
    """Read everything known of a session."""
    wanted = Selection(EventFilter(org=call.org, session=session_id))
    found = await _activity(call, wanted, "session", session_id)
    await call.trail(ENTITY_READ, ("session", session_id, session_id))
    return answer({"id": session_id, "activity": _json(found)})


@router.read("/files/{file_id:any_text}", File, 404)
async def get_file(call: Called, file_id: str) -> Response:
    """Read everything known of a file, or of another thing by its id."""
    wanted = Selection(EventFilter(org=call.org), more=("entity_id = ?", (file_id,)))
    found = await _activity(call, wanted, "file", file_id)
    name = found.newest[0]["entity_name"] or file_id
    kind = found.newest[0]["entity_type"] or "file"
    await call.trail(ENTITY_READ, ("file", file_id, name))
    return answer({"id": file_id, "name": name, "type": kind, "activity": _json(found)})


async def _activity(
    call: Call, wanted: Selection, what: str, key: str, *, own: str = OWN
) -> Activity:
    enrich = call.settings.enrich
    found = await call.lake(lambda lake: activity(lake, enrich, wanted, own=own))
    if found is None:
        raise not_found(what, key, "look for it at /api/v1/events")
    return found


def _json(found: Activity) -> dict[str, Any]:
    lists = ("people", "addresses", "clients", "sessions", "files", "actions")
    return {
        "events": found.events,
        "last": found.last,
        "days": found.days,
        "summed_days": found.summed_days,
        **{name: getattr(found, name) for name in lists},
        "by_hour": [
            {"weekday": weekday, "hour": hour, "events": events}
            for (weekday, hour), events in sorted(found.by_hour.items())
        ],
        "by_day": [
            {"day": _date(day), "events": events, "anomalies": anomalies}
            for day, (events, anomalies) in sorted(found.by_day.items())
        ],
        "anomalies": [_anomaly(one) for one in found.anomalies],
        "newest": [_row(row) for row in found.newest],
    }


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ROW}


def _anomaly(one: Anomaly) -> Mapping[str, Any]:
    return anomaly_of({name: one.row[name] for name in (*ROW, "details")})


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * _DAY, UTC).date().isoformat()
