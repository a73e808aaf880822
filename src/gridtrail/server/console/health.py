"""Health: how far the log is complete, what is missing, and who is not looking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.lake.gaps import Gap
from gridtrail.server.console.bars import Bars, Value, bars
from gridtrail.server.console.health_facts import Health, health_of
from gridtrail.server.console.judging import Remark, remarks
from gridtrail.server.console.text import counted
from gridtrail.server.console.times import DAY, said, written
from gridtrail.server.console.visit import Visit
from gridtrail.server.roles import READ_LOGS
from gridtrail.server.work import WorkStatus

HOURS = 7 * 24
_LIVE_DAYS = 30


@dataclass(frozen=True, slots=True)
class HealthPage:
    """Everything; `work` are the server's own collector and detection, by name."""

    template: ClassVar[str] = "health.html"

    health: Health
    remarks: Sequence[Remark]
    problems: int
    chart: Bars
    chart_says: str
    work: Mapping[str, WorkStatus]


async def show(visit: Visit) -> Response:
    """The page."""
    enrich, counts, org = visit.parts.settings.enrich, visit.parts.counts, visit.org
    health = await visit.lake(lambda lake: health_of(lake, enrich, counts, org))
    work = visit.parts.work
    found = remarks(health, work)
    own = {}
    if work is not None:
        own = {"collector": work.collecting, "detection": work.detecting}
        own |= {"automatic response": work.responding}
        own |= {f"forwarding to {name}": one for name, one in work.forwarding.items()}
    _first, last = shown_hours(health)
    says = f"Events an hour, the {HOURS // 24} days to {said(last * 3600)}"
    problems = sum(one.state == "problem" for one in found)
    return visit.page(HealthPage(health, found, problems, _chart(visit, health), says, own))


def shown_hours(health: Health) -> tuple[int, int]:
    """The hours (since the epoch) of the chart: to now, or for a log that ended long ago to its
    end; a silence until now is a part of the picture."""
    now, newest = health.now // 3600, health.events.last
    last = now
    if newest is not None and health.now - newest > _LIVE_DAYS * DAY:
        last = newest // 3600
    return last - HOURS + 1, last


def _chart(visit: Visit, health: Health) -> Bars:
    first, last = shown_hours(health)
    may_read = visit.may(READ_LOGS)
    values = []
    for hour in range(first, last + 1):
        number, at = health.events.hours.get(hour, 0), hour * 3600
        gap = any(_within(at, one) for one in health.events.gaps)
        title = f"{said(at)} UTC: {counted(number, 'event')}"
        title += ", where events are usual" if gap else ""
        span = {"oldest": written(at), "latest": written(at + 3599)}
        href = visit.link("/logs", span) if number and may_read else ""
        values.append(Value(number, title, href, kind="gap" if gap else ""))
    ends = (said(first * 3600), said(last * 3600))
    return bars("Events an hour", values, ends=ends)


def _within(second: int, gap: Gap) -> bool:
    return gap.first <= second <= gap.last
