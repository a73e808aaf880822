"""What went out: notifications (what was told to whom, what failed, sending it again) and how far
forwarding to other systems has come."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.forward.run import Status, statuses
from gridtrail.forward.store import ForwardStore, RefusedRecord
from gridtrail.notify.message import Message, State
from gridtrail.notify.store import ChannelFacts, Outbox
from gridtrail.respond.trail import NOTIFICATIONS_RESENT
from gridtrail.server.console.text import counted
from gridtrail.server.console.visit import Visit
from gridtrail.settings import Settings

STATES: tuple[str, ...] = get_args(State)
_SHOWN = 100
_LEFT_OUT = 20
_KINDS: Mapping[str, str] = {
    "created": "new finding",
    "raised": "finding got worse",
    "several": "several findings",
    "updated": "finding brought up to date",
    "digest": "digest",
    "work": "Gridtrail itself",
    "test": "test",
}
_STATE_WORDS: Mapping[str, str] = {
    "waiting": "waits",
    "sent": "sent",
    "dead": "given up",
    "joined": "told together with others",
}


@dataclass(frozen=True, slots=True)
class Told:
    """A message in words; `titles` are (finding, title), without a title when that is not kept."""

    one: Message
    kind: str
    state: str
    title: str
    findings: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Target:
    """How a target fares; `behind` in seconds."""

    one: Status
    state: str
    behind: int
    left_out: Sequence[RefusedRecord]


@dataclass(frozen=True, slots=True)
class OutgoingPage:
    """Channels with their messages, the newest first, and targets; `sends` is whether this server
    sends notifications."""

    template: ClassVar[str] = "outgoing.html"

    channels: Sequence[ChannelFacts]
    kinds: Mapping[str, str]  # of channels: name -> how it reaches people
    messages: Sequence[Told]
    cut: bool
    filters: Mapping[str, str]
    targets: Sequence[Target]
    sends: bool
    done: str
    problem: str = ""
    states: Sequence[tuple[str, str]] = tuple(_STATE_WORDS.items())


async def show(visit: Visit) -> Response:
    """The page. Raises WrongUse for a state that there is not."""
    return visit.page(await _page(visit))


async def resend(visit: Visit) -> Response:
    """Let dead letters be sent again: one, or all."""
    wanted = visit.form.get("message", "")
    if not wanted:
        raise WrongUse("Nothing is chosen: choose a message, or all of them.")
    ids = None if wanted == "all" else [wanted]
    try:
        chosen = await visit.state(lambda: _resent(visit.parts.settings, ids))
    except WrongUse:
        problem = "This message is no dead letter any more: see what became of it."
        return visit.page(await _page(visit, problem), 409)
    for channel in sorted({one.channel for one in chosen}):
        sent = [one.id for one in chosen if one.channel == channel]
        details = {"channel": channel, "messages": sent[:50], "number": len(sent)}
        await visit.trail(NOTIFICATIONS_RESENT, details=details)
    return visit.go(visit.link("/outgoing", done=len(chosen)))


def _resent(settings: Settings, ids: Sequence[str] | None) -> list[Message]:
    with Outbox(settings.state, time.time) as outbox:
        return outbox.resend(ids)


async def _page(visit: Visit, problem: str = "") -> OutgoingPage:
    filters = {name: visit.one(name) or "" for name in ("state", "channel")}
    if filters["state"] and filters["state"] not in STATES:
        raise WrongUse(f"There is no such state: use one of {', '.join(STATES)}.")
    settings, work = visit.parts.settings, visit.parts.work
    channels, found = await visit.state(lambda: _outbox(settings, filters))
    targets = await visit.lake(lambda lake: statuses(lake, settings, settings.forward))
    left_out = await visit.state(lambda: _left_out(settings))
    done = visit.one("done") or ""
    return OutgoingPage(
        channels,
        {one.name: one.kind for one in settings.notify.channels},
        [told_of(one) for one in found[:_SHOWN]],
        len(found) > _SHOWN,
        filters,
        [_target(one, left_out.get(one.target.name, ())) for one in targets],
        work is not None and work.notifying.state != "off",
        counted(int(done), "message") if done.isdecimal() and len(done) < 7 else "",
        problem,
    )


def _outbox(
    settings: Settings, filters: Mapping[str, str]
) -> tuple[list[ChannelFacts], list[Message]]:
    with Outbox(settings.state, time.time) as outbox:
        facts = outbox.facts([one.name for one in settings.notify.channels])
        wanted = {name: value or None for name, value in filters.items()}
        return facts, outbox.select(**wanted, limit=_SHOWN + 1)


def _left_out(settings: Settings) -> dict[str, list[RefusedRecord]]:
    if not settings.forward:
        return {}
    with ForwardStore(settings.state) as store:
        return {one.name: store.refused(one.name, limit=_LEFT_OUT) for one in settings.forward}


def _target(one: Status, left_out: Sequence[RefusedRecord]) -> Target:
    return Target(one, one.state, round(one.lag.seconds), left_out)


def told_of(one: Message) -> Told:
    """A message in words."""
    titles = {str(f.get("id", "")): str(f.get("title", "")) for f in one.findings}
    findings = [(name, titles.get(name, "")) for name in one.finding_ids]
    title = str(one.body.get("title", ""))
    return Told(one, _KINDS.get(one.kind, one.kind), _STATE_WORDS[one.state], title, findings)
