"""Health: how far the log is complete, what is missing or came late, how everything fares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.forward.delivery import Fare
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS_TABLE, QUARANTINE_TABLE
from gridtrail.server.checks import (
    collector_rows,
    detector_rows,
    rows_of,
    target_rows,
    verified,
)
from gridtrail.server.console.workbench import OnProgress
from gridtrail.server.metrics import coverages
from gridtrail.server.rest.call import Called, answer
from gridtrail.server.rest.models import Seconds, Shape
from gridtrail.server.rest.refusing import Refused
from gridtrail.server.rest.routing import CHANGES, Resource
from gridtrail.server.work import Work, WorkStatus

router = Resource("health")


class Gap(Shape):
    """A stretch of time, both ends inclusive."""

    first: Seconds
    last: Seconds


class Collected(Shape):
    """How far a collector has read; seconds since the epoch, inclusive."""

    org: str = Field(description="The organization.")
    actions: list[str] = Field(description="Only these actions; empty: all.")
    complete_from: int | None = Field(description="Everything from here")
    complete_to: int | None = Field(description="to here is stored; null before the first read.")
    settled_to: int | None = Field(description="Up to here also what came up to a day late.")
    gaps: list[Gap] = Field(description="Wanted, and not read yet.")
    late_events: int = Field(description="Not there yet when their second was first read.")
    max_lateness: int = Field(description="The longest delay of these, seconds.")
    state: str = Field(description="`working`, `failing`, `refused`, or `never`.")
    why: str | None = Field(description="Why it fails.")
    refused_actions: list[str] = Field(description="Names that the far side does not know.")


class Fares(Shape):
    """How a part of the server's own work fares."""

    state: Literal["off", "starting", "working", "failing"] = Field(description="How.")
    why: str = Field(description="Why it fails.")
    since: float = Field(description="Since when, seconds since the epoch; 0: always.")
    last_done: float | None = Field(description="When it last did its work.")


class Target(Fares):
    """How a target of `[[forward]]` fares."""

    name: str = Field(description="Its name in the settings.")
    behind_records: int = Field(description="Records that it has not got, at most.")
    behind_seconds: float = Field(description="How long the oldest of them waits.")
    sent: int = Field(description="Records delivered since the server's start.")
    refused: int = Field(description="Records left out since then: refused for good.")


class Check(Shape):
    """Something that was looked at, as `gridtrail verify` prints it."""

    state: Literal["ok", "note", "problem"] = Field(description="What came out.")
    org: str = Field(description="The organization; empty for the whole lake.")
    check: str = Field(description="What was looked at.")
    count: int | None = Field(description="How many, where it is a number.")
    text: str = Field(description="What was found.")


class Events(Shape):
    """The organization's events."""

    rows: int = Field(description="Their number.")
    first: int | None = Field(description="The oldest one's second.")
    last: int | None = Field(description="The newest one's second.")
    days: int = Field(description="UTC days that have events.")


class Health(Shape):
    """How everything fares, by what is written down: nothing is read anew."""

    org: str = Field(description="The organization.")
    ok: bool = Field(description="Whether no check is a problem and nothing fails.")
    events: Events
    collected: list[Collected] = Field(description="What each collector has read.")
    quarantine: dict[str, int] = Field(description="Records that are no events, by reason.")
    collector: Fares
    detection: Fares
    response: Fares = Field(description="The automatic response; its brake is failing, too.")
    notifications: Fares = Field(description="Failing while a channel takes nothing.")
    forwarding: list[Target] = Field(description="Targets that get this organization's records.")
    checks: list[Check] = Field(description="Of collectors and detectors.")


class Verified(Shape):
    """Every byte was read."""

    ok: bool = Field(description="Whether nothing is wrong.")
    checks: list[Check] = Field(description="What was looked at.")


@router.read("/health", Health)
async def get_health(call: Called) -> Response:
    """Read how complete the log is, and how collector and detectors fare."""
    org = call.org
    found = await call.lake(lambda lake: _health(lake, org))
    parts = fares_of(call.parts.work, org)
    ok = not failing(parts) and all(row["state"] != "problem" for row in found["checks"])
    return answer({"org": org, "ok": ok, **found, **parts})


@router.read("/verification", Verified, needs=CHANGES)
async def verify(call: Called) -> Response:
    """Prove that the log is complete: every byte is read, which may take minutes.

    One at a time, beside the others' work; it needs the scope `admin`, for what it costs.
    """
    org, settings = call.org, call.parts.settings

    def work(lake: Lake, _engine: DuckDB, _tell: OnProgress) -> list[dict[str, Any]]:
        others = [*collector_rows(lake), *detector_rows(lake), *target_rows(lake, settings, org)]
        return _mine([*rows_of(verified(lake)), *others], org)

    try:
        rows = await call.parts.workbench.run(work)
    except WrongUse as error:  # it is taken
        raise Refused(503, "busy", str(error), headers={"Retry-After": "60"}) from None
    return answer({"ok": all(row["state"] != "problem" for row in rows), "checks": rows})


def fares_of(work: Work | None, org: str) -> dict[str, Any]:
    """How the parts of the server's work fare that concern the organization."""
    if work is None:
        names = ("collector", "detection", "response", "notifications")
        return {name: asdict(WorkStatus()) for name in names} | {"forwarding": []}
    return {
        "collector": asdict(work.collecting),
        "detection": asdict(work.detecting),
        "response": asdict(work.responding),
        "notifications": asdict(_notifications(work)),
        "forwarding": [
            _target(one.name, work)
            for one in work.settings.forward
            if one.name in work.forwarding and (not one.orgs or org in one.orgs)
        ],
    }


def failing(parts: dict[str, Any]) -> bool:
    """Whether one of what `fares_of` says fails."""
    alone = [one for one in parts.values() if isinstance(one, dict)]
    return any(one["state"] == "failing" for one in [*alone, *parts["forwarding"]])


def _notifications(work: Work) -> WorkStatus:
    facts = work.notified.facts if work.notified is not None else ()
    silent = [one for one in facts if one.failing_since is not None]
    if not silent or work.notifying.state == "failing":
        return work.notifying
    first = silent[0]
    why = f"The channel {first.channel} takes nothing: {first.said}"
    return replace(work.notifying, state="failing", why=why, since=float(first.failing_since or 0))


def _target(name: str, work: Work) -> dict[str, Any]:
    fares = work.forwarded.fares if work.forwarded is not None else {}
    fare = fares.get(name, Fare())
    return {
        **asdict(work.forwarding[name]),
        "name": name,
        "behind_records": fare.rows_behind,
        "behind_seconds": round(fare.seconds_behind(), 3),
        "sent": fare.sent,
        "refused": fare.refused,
    }


def _health(lake: Lake, org: str) -> dict[str, Any]:
    log = lake.log(EVENTS_TABLE)
    log.refresh()
    files = [file for file in log.files() if file.partition["org"] == org]
    firsts = [file.first for file in files if file.first is not None]
    lasts = [file.last for file in files if file.last is not None]
    lake.view(QUARANTINE_TABLE, "_rest_quarantine")
    quarantined = lake.engine.rows(
        "SELECT reason, count(*) AS n FROM _rest_quarantine WHERE org = ? GROUP BY 1 ORDER BY 1",
        [org],
    ).to_pylist()
    return {
        "events": {
            "rows": sum(file.rows for file in files),
            "first": min(firsts, default=None),
            "last": max(lasts, default=None),
            "days": len({file.partition["day"] for file in files}),
        },
        "collected": [asdict(one) for one in coverages(lake) if one.org == org],
        "quarantine": {row["reason"]: row["n"] for row in quarantined},
        "checks": _mine([*collector_rows(lake), *detector_rows(lake)], org),
    }


def _mine(rows: Iterable[dict[str, Any]], org: str) -> list[dict[str, Any]]:
    """The rows of the organization and those of the whole lake."""
    return [row for row in rows if row["org"] in (org, "")]
