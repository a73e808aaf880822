"""Responses: what was asked of Slack, by whom and why, how it went, and what waits for approval."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response as Answer

from gridtrail.errors import RetryLater, WrongUse
from gridtrail.respond.responses import STATES, WATCHED, Response
from gridtrail.respond.steps import Step
from gridtrail.respond.trail import SIGN_OUT_APPROVED, SIGN_OUT_REFUSED
from gridtrail.server.console.acting import Asking, looked
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.sign_out import called, told
from gridtrail.server.console.text import shortened
from gridtrail.server.console.visit import Visit

_SHOWN = 200
_STATE_WORDS = {
    "waiting": "waits for a second person",
    "requested": "no answer from Slack yet",
    "sent": "Slack said yes; its own event is awaited",
    "confirmed": "confirmed by Slack's own event",
    "unconfirmed": "Slack's own event did not come",
    "failed": "nothing was done",
}
_ON = {"all": "all sessions", "mobile": "mobile sessions", "web": "web and desktop sessions"}


@dataclass(frozen=True, slots=True)
class Told:
    """A response in words, and its steps."""

    one: Response
    what: str
    state: str
    steps: Sequence[Step] = ()

    @property
    def going_on(self) -> bool:
        """Whether something is still to come by itself."""
        return self.one.state == "waiting" or (
            self.one.state in WATCHED and self.one.called_at is not None
        )


@dataclass(frozen=True, slots=True)
class ResponsesPage:
    """The newest first; `filters` are state, user, finding and batch (one call of Slack)."""

    template: ClassVar[str] = "responses.html"

    found: Sequence[Told]
    cut: bool
    filters: Mapping[str, str]
    going_on: bool
    stamp: str
    states: Sequence[str] = STATES


@dataclass(frozen=True, slots=True)
class ResponsesList(ResponsesPage):
    """The list alone, for an open page that refreshes itself."""

    template: ClassVar[str] = "responses_list.html"


@dataclass(frozen=True, slots=True)
class ResponsePage:
    """One response; `problem` is why an approval was not taken.

    `stamp` stands for what is shown, so that an open page learns whether that has changed.
    """

    template: ClassVar[str] = "response.html"

    told: Told
    own: bool  # asked for by who looks at it
    stamp: str
    together: int  # people whom the same call is for
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ResponseNow(ResponsePage):
    """The part of the page that refreshes itself while something is to come."""

    template: ClassVar[str] = "response_now.html"


async def show(visit: Visit) -> Answer:
    """The list."""
    return visit.page(ResponsesPage(*await _listed(visit)))


async def refresh_list(visit: Visit) -> Answer:
    """The list again, for a page that is open; 204 when it is as it was."""
    page = ResponsesList(*await _listed(visit))
    return Answer(status_code=204) if visit.one("stamp") == page.stamp else visit.page(page)


async def _listed(visit: Visit) -> tuple[Sequence[Told], bool, Mapping[str, str], bool, str]:
    given = {name: visit.one(name) or "" for name in ("state", "user", "finding", "batch")}
    wanted = {name: value or None for name, value in given.items()}
    found = await responses_of(visit, **wanted)
    shown = found[:_SHOWN]
    going_on = any(told.going_on for told in shown)
    return shown, len(found) > _SHOWN, given, going_on, stamp_of(shown)


async def show_one(visit: Visit) -> Answer:
    """One response. Raises NotHere."""
    return visit.page(ResponsePage(*await _shown(visit)))


async def refresh(visit: Visit) -> Answer:
    """The response again, for a page that is open; 204 when it is as it was. Raises NotHere."""
    page = ResponseNow(*await _shown(visit))
    return Answer(status_code=204) if visit.one("stamp") == page.stamp else visit.page(page)


async def _shown(visit: Visit) -> tuple[Told, bool, str, int]:
    one = await _one(visit)
    if await looked(visit, [one]):
        one = await _one(visit)
    steps = (await visit.state(visit.parts.responses.steps, [one]))[one.id]
    together = len(await visit.state(visit.parts.responses.batch, one.batch))
    told = told_of(one, steps)
    return told, _own(visit, one), stamp_of([told]), together


async def decide(visit: Visit) -> Answer:
    """Approve or refuse what waits; then its page again."""
    one, decision = await _one(visit), visit.form.get("decision")
    if decision not in ("approve", "refuse"):
        raise WrongUse("Nothing is decided: approve or refuse.")
    by = visit.account.email
    try:
        await (approve if decision == "approve" else refuse)(visit, one, by)
    except (WrongUse, RetryLater) as error:
        now = await _one(visit)
        if now.state == "waiting":
            page = ResponsePage(*await _shown(visit), problem=str(error))
            return visit.page(page, 409)
    return visit.go(visit.link(f"/responses/{one.id}"))


async def refuse(visit: Asking, one: Response, by: str) -> None:
    """End what waits. Raises WrongUse when it does not wait."""
    refused = await visit.state(visit.parts.responses.refuse, one.batch, by)
    await told(visit, SIGN_OUT_REFUSED, refused)


async def approve(visit: Asking, one: Response, by: str) -> None:
    """Make the call that waits. Raises as `called`."""
    try:
        await called(visit, one.batch, approved_by=by)
    finally:
        now = await visit.state(visit.parts.responses.batch, one.batch)
        if one.state == "waiting" and now[0].approved_by == by:
            await told(visit, SIGN_OUT_APPROVED, now)


def _own(visit: Visit, one: Response) -> bool:
    return one.asked_by.casefold() == visit.account.email.casefold()


async def _one(visit: Visit) -> Response:
    wanted = visit.request.path_params["response_id"]
    try:
        found = await visit.state(visit.parts.responses.get, wanted)
    except WrongUse:
        found = None
    if found is None or found.org != visit.org:
        raise NotHere(f"There is no response {shortened(wanted, 40)}: look at the list.")
    return found


async def responses_of(
    visit: Visit,
    *,
    user: str | None = None,
    finding: str | None = None,
    state: str | None = None,
    batch: str | None = None,
) -> list[Told]:
    """The newest responses about a person or a finding, after a look for Slack's own events."""

    def read() -> list[Response]:
        return visit.parts.responses.select(
            org=visit.org, user=user, finding=finding, state=state, batch=batch, limit=_SHOWN + 1
        )

    found = await visit.state(read)
    if await looked(visit, found):
        found = await visit.state(read)
    return [told_of(one) for one in found]


def told_of(one: Response, steps: Sequence[Step] = ()) -> Told:
    """A response in words."""
    what = f"session {one.session_id}" if one.session_id is not None else _ON[one.devices]
    state = _STATE_WORDS[one.state]
    if one.state == "requested" and one.called_at is None:
        state = "written down, and not sent to Slack"
    return Told(one, what, state, steps)


def stamp_of(found: Sequence[Told]) -> str:
    """Stands for the states of these responses."""
    facts = [(told.one.id, told.one.state, told.one.changed_at, told.one.said) for told in found]
    return hashlib.sha256(repr(facts).encode("utf-8", "replace")).hexdigest()[:16]
