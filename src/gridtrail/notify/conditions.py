"""Silence is never mistaken for peace: Gridtrail tells when it fails itself or goes blind.

A condition is told when it has been bad for a while, and once more when it is well again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from gridtrail.collect.slack_api.coverage import collected, coverage
from gridtrail.detect.state import DETECTOR_STATES
from gridtrail.lake.lake import Lake
from gridtrail.notify.store import ChannelFacts, Outbox, put
from gridtrail.notify.tables import conditions as table
from gridtrail.notify.tables import messages
from gridtrail.settings import Settings
from gridtrail.settings_notify import NotifySettings
from gridtrail.state.database import storable
from gridtrail.triage.words import number

_CHANNEL = "channel "
_TITLE = "Gridtrail itself needs a look"


@dataclass(frozen=True, slots=True)
class Condition:
    """How one thing fares: `text` says it when it is bad, as a sentence without its full stop."""

    subject: str
    bad: bool
    text: str = ""


def lake_conditions(lake: Lake) -> list[Condition]:
    """How collectors and detectors fare, as the lake knows it."""
    return [*_collectors(lake), *_detectors(lake)]


def channel_conditions(facts: Sequence[ChannelFacts]) -> list[Condition]:
    """How the channels of notifications fare."""
    return [
        Condition(
            f"{_CHANNEL}{one.channel}",
            one.failing_since is not None,
            f"Notifications do not get through to {one.channel} ({one.said}); "
            f"{number(one.waiting, 'message waits', 'messages wait')}",
        )
        for one in facts
    ]


def watch(outbox: Outbox, settings: NotifySettings, seen: Sequence[Condition]) -> int:
    """Tell what became bad or well, in one transaction; the number of changes told."""
    lines: dict[str, str] = {}
    with outbox.writing().begin() as connection:
        for one in seen:
            line = _line(connection, one, outbox.now, settings.work_after_seconds)
            if line is not None:
                lines[one.subject] = line
        for channel in settings.channels:
            own = f"{_CHANNEL}{channel.name}"
            heard = [line for subject, line in lines.items() if subject != own]
            if channel.work and heard:
                _tell(connection, channel.name, heard, outbox.now)
    return len(lines)


def announce(
    settings: Settings,
    key: str,
    title: str,
    lines: Sequence[str],
    *,
    clock: Callable[[], float] = time.time,
) -> int:
    """Tell every channel that hears of Gridtrail's own work something that happened, once for each
    `key` (such as the pulling of a brake, with its time); the number of messages put out."""
    body = {"title": storable(title), "lines": [storable(line) for line in lines]}
    put_out = 0
    with Outbox(settings.state, clock) as outbox, outbox.writing().begin() as connection:
        for channel in settings.notify.channels:
            text = f"{key}\0{channel.name}".encode("utf-8", "replace")
            message_id = hashlib.sha256(text).hexdigest()[:32]
            query = sa.select(messages.c.id).where(messages.c.id == message_id)
            if channel.work and connection.scalar(query) is None:
                name, now = channel.name, outbox.now
                put(connection, name, "work", body, now=now, message_id=message_id)
                put_out += 1
    return put_out


def _line(connection: sa.Connection, seen: Condition, now: int, after: int) -> str | None:
    """What there is to tell of it; keeps how it fares."""
    mine = table.c.subject == seen.subject
    row = connection.execute(table.select().where(mine)).mappings().one_or_none()
    known = {"bad": False, "told": False, "since": now} if row is None else dict(row)
    since = known["since"] if known["bad"] == seen.bad else now
    told = bool(known["told"])
    line = None
    if seen.bad and not told and now - since >= after:
        line, told = f"{seen.text}.", True
    elif not seen.bad and told:
        line, told = f"Well again: {seen.subject}.", False
    values = {"bad": seen.bad, "since": since, "told": told, "text": storable(seen.text)}
    if row is None:
        connection.execute(table.insert().values(subject=storable(seen.subject), **values))
    elif any(known[name] != value for name, value in values.items()):
        connection.execute(table.update().where(mine).values(values))
    return line


def _tell(connection: sa.Connection, channel: str, lines: Sequence[str], now: int) -> None:
    """Put the lines into a message that did not leave yet, or into a new one."""
    waits = sa.select(messages.c.id, messages.c.body).where(
        messages.c.channel == channel,
        messages.c.kind == "work",
        messages.c.state == "waiting",
        messages.c.attempts == 0,
    )
    found = next((r for r in connection.execute(waits) if r.body["title"] == _TITLE), None)
    safe = [storable(line) for line in lines]
    if found is None:
        put(connection, channel, "work", {"title": _TITLE, "lines": safe}, now=now)
        return
    body = {"title": _TITLE, "lines": [*found.body["lines"], *safe]}
    connection.execute(messages.update().where(messages.c.id == found.id).values(body=body))


def _collectors(lake: Lake) -> Iterator[Condition]:
    for stream in collected(lake):
        one = coverage(lake, stream.org, actions=stream.actions)
        which = f"collector of {one.org}" + (f" ({', '.join(one.actions)})" if one.actions else "")
        why = f" ({one.why})" if one.why else ""
        yield Condition(which, one.state in ("failing", "refused"), f"The {which} fails{why}")


def _detectors(lake: Lake) -> Iterator[Condition]:
    lake.view(DETECTOR_STATES, "_notify_detectors")
    query = "SELECT org, detector, state, why FROM _notify_detectors ORDER BY ALL"
    for row in lake.engine.rows(query).to_pylist():
        which = f"detector {row['detector']} of {row['org']}"
        bad = row["state"] in ("blind", "failed")
        yield Condition(which, bad, f"The {which} is {row['state']}: {row['why']}")
