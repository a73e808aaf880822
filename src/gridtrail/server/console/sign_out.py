"""Signing somebody out of Slack: their sessions and the choices, what will happen, and doing it.

The first two pages only read. The form of the second has a key of its own: sent twice, by a double
click or by loading the page again, it asks once and calls Slack once.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response as Answer

from gridtrail.errors import RetryLater, WrongUse
from gridtrail.respond.people import Person, find_person, why_not
from gridtrail.respond.responses import Response
from gridtrail.respond.sign_out import NO_ANSWER_OF_YES, Order, Preview, outcome_of
from gridtrail.respond.slack_admin import Devices, SlackSession
from gridtrail.respond.trail import SIGN_OUT_ASKED
from gridtrail.server.console.acting import Asking, in_slack, signing
from gridtrail.server.console.visit import Visit

DEVICES: Mapping[str, Devices] = {"all": "all", "mobile": "mobile", "web": "web"}
CHOICES = {
    "all": "All sessions, on all devices",
    "mobile": "Mobile devices only",
    "web": "Web and desktop only",
}
_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SESSION = "session:"
_LONGEST_REASON = 1_000


@dataclass(frozen=True, slots=True)
class SignOutPage:
    """Somebody's active sessions as Slack lists them now, and the choices."""

    template: ClassVar[str] = "sign_out.html"

    person: Person
    sessions: Sequence[SlackSession]
    wanted: str  # the choice that is made already
    session: str  # the one that the page was opened from
    reason: str
    finding: str
    problem: str  # why it cannot be done; empty when it can
    choices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ConfirmPage:
    """What will happen, by name; `key` makes the form one asking."""

    template: ClassVar[str] = "sign_out_confirm.html"

    person: Person
    sentence: str
    sessions: Sequence[SlackSession]  # those it ends for sure
    given: Mapping[str, str]
    key: str
    four_eyes: bool
    problem: str


async def show(visit: Visit) -> Answer:
    """The sessions and the choices. Raises WrongUse when nobody is named."""
    person = await _person(visit, visit.one("user"))
    session = visit.one("session") or ""
    problem = why_not(person, visit.parts.settings.respond)
    problem = f"{person.words} {problem}: they are not signed out." if problem else ""
    sessions: Sequence[SlackSession] = ()
    if not problem:
        try:
            preview = await in_slack(visit, signing(visit).preview, Order((person,)))
            sessions = preview.sessions[person.id]
        except (WrongUse, RetryLater) as error:
            problem = str(error)
    page = SignOutPage(
        person, sessions, visit.one("choice") or "all", session, visit.one("reason") or "",
        visit.one("finding") or "", problem, CHOICES,
    )  # fmt: skip
    return visit.page(page)


async def confirm(visit: Visit) -> Answer:
    """What will happen, by name, and the form that does it."""
    names = ("user", "choice", "reason", "finding")
    given = {name: visit.one(name) or "" for name in names}
    person = await _person(visit, given["user"])
    sentence, problem, ends = "", "", list[SlackSession]()
    try:
        preview = await in_slack(visit, signing(visit).preview, _order(person, given))
        sentence, ends = preview.sentence, _ends(preview)
    except (WrongUse, RetryLater) as error:
        problem = str(error)
    four_eyes = visit.parts.settings.respond.four_eyes
    key = secrets.token_hex(16)
    page = ConfirmPage(person, sentence, ends, given, key, four_eyes, problem)
    return visit.page(page, 200 if not problem else 409)


async def do(visit: Visit) -> Answer:
    """Ask once and call Slack once; then the page of the response, which says how it went."""
    key = key_of(visit)

    async def order() -> Order:
        return _order(await _person(visit, visit.form.get("user")), visit.form)

    try:
        asked = await asked_once(visit, key, order)
    except (WrongUse, RetryLater) as error:
        return await _refused(visit, str(error))
    return visit.go(visit.link(f"/responses/{asked[0].id}"))


def key_of(visit: Visit) -> str:
    """The key that makes a form one asking. Raises WrongUse for one that no page made."""
    key: str = visit.form.get("key", "")
    if not _KEY.fullmatch(key):
        raise WrongUse("The form is not from the page that says what will happen: begin there.")
    return key


async def asked_once(
    visit: Visit, key: str, order: Callable[[], Awaitable[Order]]
) -> list[Response]:
    """Ask for the order and call Slack, each once for a key however often the form is sent.

    Raises WrongUse and RetryLater as looking at it does, nothing being asked for then.
    """
    asked: list[Response] = await visit.state(visit.parts.responses.batch, key)
    if not asked:
        asked = await _ask(visit, await order(), key)
    await _call_once(visit, asked)
    return asked


async def _ask(visit: Visit, order: Order, key: str) -> list[Response]:
    out = signing(visit)
    if order.finding_id is not None:
        await visit.state(visit.parts.findings.get, order.finding_id)
    preview = await in_slack(visit, out.preview, order)
    by = visit.account.email
    asked = await visit.state(lambda: out.ask(preview, by, key=key))
    await told(visit, SIGN_OUT_ASKED, asked)
    return asked


async def _call_once(visit: Visit, asked: Sequence[Response]) -> None:
    if asked[0].state == "requested" and asked[0].called_at is None:
        # the record says what Slack said, or that another request was faster
        with suppress(WrongUse, RetryLater):
            await called(visit, asked[0].batch)


async def called(visit: Asking, batch: str, *, approved_by: str | None = None) -> None:
    """Make the call of `batch` and keep in the trail how it went. Raises as `carry_out`."""
    out, store = signing(visit), visit.parts.responses
    try:
        await in_slack(visit, lambda: out.carry_out(batch, approved_by=approved_by))
    except NO_ANSWER_OF_YES:
        await _told_outcome(visit, await visit.state(store.batch, batch))
        raise
    await _told_outcome(visit, await visit.state(store.batch, batch))


async def _told_outcome(visit: Asking, done: Sequence[Response]) -> None:
    await told(visit, outcome_of(done[0]), done)


async def told(visit: Asking, action: str, done: Sequence[Response]) -> None:
    """Keep in the trail what was done to each person."""
    for one in done:
        entity = ("user", one.user_id, one.user_name)
        details = {
            "response": one.id, "devices": one.devices, "session": one.session_id,
            "reason": one.reason, "finding": one.finding_id, "state": one.state, "said": one.said,
        }  # fmt: skip
        await visit.trail(action, entity, details)


async def _refused(visit: Visit, problem: str) -> Answer:
    person = await _person(visit, visit.form.get("user"))
    given = {name: visit.form.get(name, "") for name in ("user", "choice", "reason", "finding")}
    page = ConfirmPage(person, "", (), given, "", four_eyes=False, problem=problem)
    return visit.page(page, 409)


async def _person(visit: Visit, who: str | None) -> Person:
    if not who:
        raise WrongUse("Nobody is named: begin at a person, a finding or an event.")
    named: str = who
    return await visit.lake(lambda lake: find_person(lake, visit.org, named))


def reason_of(given: Mapping[str, str]) -> str:
    """Why, for the record. Raises WrongUse for one that is too long."""
    reason = given.get("reason", "").strip()
    if len(reason) > _LONGEST_REASON:
        raise WrongUse(f"A reason has at most {_LONGEST_REASON:,} characters: shorten it.")
    return reason


def _order(person: Person, given: Mapping[str, str]) -> Order:
    """What a form asks for. Raises WrongUse for a choice that there is not."""
    choice, reason = given.get("choice", ""), reason_of(given)
    finding = given.get("finding") or None
    if choice.startswith(_SESSION):
        session = choice.removeprefix(_SESSION)
        return Order((person,), "all", session, reason, finding)
    if choice not in DEVICES:
        raise WrongUse("Nothing is chosen: choose all sessions, some devices or one session.")
    return Order((person,), DEVICES[choice], None, reason, finding)


def _ends(preview: Preview) -> list[SlackSession]:
    """The sessions that end for sure; which are mobile, Slack alone knows."""
    order = preview.order
    sessions = preview.sessions[preview.people[0].id]
    if order.session_id is not None:
        return [one for one in sessions if one.session_id == order.session_id]
    return sessions if order.devices == "all" else []
