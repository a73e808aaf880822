"""Signing several people out of Slack in one call: who of them, on which devices, and doing it.

Everybody is named on each page, and whoever is not signed out with the reason. As for one person,
the form of the second page has a key: sent twice, it asks once and calls Slack once.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response as Answer

from gridtrail.errors import RetryLater, WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.people import Person, find_person, why_not
from gridtrail.respond.sign_out import ON, Order, Preview
from gridtrail.respond.slack_admin import Devices
from gridtrail.server.console.acting import in_slack, signing
from gridtrail.server.console.sign_out import (
    CHOICES,
    DEVICES,
    asked_once,
    key_of,
    reason_of,
)
from gridtrail.server.console.visit import Visit

MOST = 100
"""So many people at once; for more there is the command line."""

Excluded = Sequence[tuple[Person, str]]


@dataclass(frozen=True, slots=True)
class SeveralPage:
    """Those who can be chosen, those who cannot and why, and the choices."""

    template: ClassVar[str] = "sign_out_several.html"

    people: Sequence[Person]
    excluded: Excluded
    reason: str
    finding: str
    problem: str
    choices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SeveralConfirmPage:
    """Everybody who will be signed out, by name; `key` makes the form one asking."""

    template: ClassVar[str] = "sign_out_several_confirm.html"

    people: Sequence[Person]
    excluded: Excluded
    sessions: Mapping[str, int]  # active ones by user id; empty when nobody asked Slack
    where: str
    given: Mapping[str, str]
    key: str
    four_eyes: bool
    problem: str


async def show(visit: Visit) -> Answer:
    """Whom, and on which devices; nothing is asked of Slack."""
    named, problem = visit.several("user"), ""
    people = await _people(visit, named) if named else []
    respond = visit.parts.settings.respond
    excluded = [(one, why) for one in people if (why := why_not(one, respond))]
    out = {one.id for one, _ in excluded}
    try:
        signing(visit)
    except WrongUse as error:
        problem = str(error)
    left = [one for one in people if one.id not in out]
    page = SeveralPage(
        left, excluded, visit.one("reason") or "", visit.one("finding") or "", problem,
        {name: CHOICES[name] for name in DEVICES},
    )  # fmt: skip
    return visit.page(page)


async def confirm(visit: Visit) -> Answer:
    """What will happen to whom, and the form that does it."""
    given = {name: visit.one(name) or "" for name in ("choice", "reason", "finding")}
    given["user"] = ",".join((*visit.several("user"), *visit.several("more")))
    try:
        preview = await _preview(visit, given)
    except (WrongUse, RetryLater) as error:
        return _refused(visit, given, str(error))
    page = SeveralConfirmPage(
        preview.people,
        preview.excluded,
        {name: len(sessions) for name, sessions in preview.sessions.items()},
        ON[DEVICES[given["choice"]]],
        given,
        secrets.token_hex(16),
        visit.parts.settings.respond.four_eyes,
        "",
    )
    return visit.page(page)


async def do(visit: Visit) -> Answer:
    """Ask once and call Slack once; then the list of what it was for, which says how it goes."""
    key = key_of(visit)
    try:
        await asked_once(visit, key, lambda: _order(visit, visit.form))
    except (WrongUse, RetryLater) as error:
        return _refused(visit, visit.form, str(error))
    return visit.go(visit.link("/responses", batch=key))


def _refused(visit: Visit, given: Mapping[str, str], problem: str) -> Answer:
    kept = {name: given.get(name, "") for name in ("user", "choice", "reason", "finding")}
    page = SeveralConfirmPage((), (), {}, "", kept, "", four_eyes=False, problem=problem)
    return visit.page(page, 409)


async def _preview(visit: Visit, given: Mapping[str, str]) -> Preview:
    return await in_slack(visit, signing(visit).preview, await _order(visit, given))


async def _order(visit: Visit, given: Mapping[str, str]) -> Order:
    """What a form asks for. Raises WrongUse for a choice that there is not."""
    reason = reason_of(given)
    devices: Devices | None = DEVICES.get(given.get("choice", ""))
    if devices is None:
        raise WrongUse("Nothing is chosen: choose all sessions or some devices.")
    named = [one for part in given.get("user", "").split(",") if (one := part.strip())]
    people = await _people(visit, named)
    return Order(tuple(people), devices, None, reason, given.get("finding") or None)


async def _people(visit: Visit, named: Sequence[str]) -> list[Person]:
    """The people with these ids, each once."""
    if not named:
        raise WrongUse("Nobody is chosen: choose at least one person.")
    if len(named) > MOST:
        raise WrongUse(
            f"At most {MOST} people are signed out from here: use gridtrail signout for more."
        )
    wanted = list(dict.fromkeys(named))

    def read(lake: Lake) -> list[Person]:
        found = [find_person(lake, visit.org, one) for one in wanted]
        return list({one.id: one for one in found}.values())

    return await visit.lake(read)
