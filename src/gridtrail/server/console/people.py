"""People who may sign in: invited, given another role, sent a new link, revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.respond.trail import ACCOUNT_ADDED, ACCOUNT_REVOKED, LINK_MADE, ROLE_CHANGED
from gridtrail.server.accounts import LINK_SECONDS, Account
from gridtrail.server.console.links import link
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.text import shortened
from gridtrail.server.console.visit import Visit
from gridtrail.server.roles import TITLES


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A link that is shown now and never again, and whom it is for."""

    address: str
    account: Account
    days: int = LINK_SECONDS // 86_400


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Everybody, those who are active first; `made` is a link that was just made."""

    template: ClassVar[str] = "people.html"

    people: Sequence[Account]
    made: OneTimeLink | None
    error: str
    given: Mapping[str, str]  # what the form held when it was refused
    roles: Mapping[str, str]  # role -> its title


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit)


async def add(visit: Visit) -> Response:
    """Invite somebody; the page then shows the link once."""
    form = {name: visit.form.get(name, "").strip() for name in ("email", "name", "role")}
    add_ = visit.parts.accounts.add
    try:
        name = form["name"] or form["email"].partition("@")[0]
        account, secret = await visit.state(add_, form["email"], name, form["role"])
    except WrongUse as error:
        return await _page(visit, error=str(error), given=form)
    await _trail(visit, ACCOUNT_ADDED, account, {"role": account.role, "email": account.email})
    return await _page(visit, made=_link(visit, account, secret))


async def change(visit: Visit) -> Response:
    """What the form's `do` says: `role`, `link` or `revoke`. Raises NotHere, WrongUse."""
    wanted = visit.request.path_params["account_id"]
    people = await visit.state(visit.parts.accounts.list)
    if all(one.id != wanted or one.revoked_at is not None for one in people):
        raise NotHere(f"Nobody active has the id {shortened(wanted, 40)}: look at the list.")
    does = {"role": _role, "link": _new_link, "revoke": _revoke}.get(visit.form.get("do", ""))
    if does is None:
        raise WrongUse("The form does not say what to do: load the page again.")
    try:
        return await does(visit, wanted)
    except WrongUse as error:
        return await _page(visit, error=str(error))


async def _role(visit: Visit, account_id: str) -> Response:
    role = visit.form.get("role", "")
    before, after = await visit.state(visit.parts.accounts.set_role, account_id, role)
    if before.role != after.role:
        details = {"role": after.role, "previous_role": before.role, "email": after.email}
        await _trail(visit, ROLE_CHANGED, after, details)
    if after.id == visit.account.id and after.role != "owner":
        return visit.go("/")  # this page is no longer theirs
    return visit.go(visit.link("/people"))


async def _new_link(visit: Visit, account_id: str) -> Response:
    account, secret = await visit.state(visit.parts.accounts.link, account_id)
    await _trail(visit, LINK_MADE, account, {"email": account.email})
    return await _page(visit, made=_link(visit, account, secret))


async def _revoke(visit: Visit, account_id: str) -> Response:
    account = await visit.state(visit.parts.accounts.revoke, account_id)
    await visit.state(visit.parts.sessions.end_all, account_id)
    await _trail(visit, ACCOUNT_REVOKED, account, {"role": account.role, "email": account.email})
    return visit.go(visit.link("/people"))


async def _trail(
    visit: Visit, action: str, account: Account, details: Mapping[str, object]
) -> None:
    await visit.trail(action, ("user", account.id, account.name), details)


def _link(visit: Visit, account: Account, secret: str) -> OneTimeLink:
    base = visit.parts.settings.server.public_url or str(visit.request.base_url)
    return OneTimeLink(base.rstrip("/") + link("/welcome", key=secret), account)


async def _page(
    visit: Visit,
    *,
    made: OneTimeLink | None = None,
    error: str = "",
    given: Mapping[str, str] | None = None,
) -> Response:
    people = await visit.state(visit.parts.accounts.list)
    ordered = sorted(people, key=lambda one: (one.revoked_at is not None, one.name.lower()))
    form = given or {"email": "", "name": "", "role": "viewer"}
    return visit.page(PeoplePage(ordered, made, error, form, TITLES), 400 if error else 200)
