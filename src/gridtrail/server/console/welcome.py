"""Where a one-time link leads: setting a password, and for the first owner the account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.respond.trail import ACCOUNT_ADDED, PASSWORD_SET
from gridtrail.server.accounts import Account
from gridtrail.server.console import signin
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.visit import Visit
from gridtrail.server.passwords import LONGEST, SHORTEST, hashed

_VOID = "This link was used or is too old: ask an owner for another, or start the server again."


@dataclass(frozen=True, slots=True)
class WelcomePage:
    """The form of a link; `invited` None asks for the first owner's name and address too."""

    template: ClassVar[str] = "welcome.html"

    link_secret: str
    invited: Account | None
    email: str
    name: str
    error: str
    shortest: int = SHORTEST
    longest: int = LONGEST


async def show(visit: Visit) -> Response:
    """The form. Raises NotHere for a link that is void."""
    secret = visit.one("key") or ""
    return visit.page(WelcomePage(secret, await _invited(visit, secret), "", "", ""))


async def set_password(visit: Visit) -> Response:
    """Set the password, end the account's other sessions and begin one."""
    form = visit.form
    secret, password = form.get("key", ""), form.get("password", "")
    email, name = form.get("email", ""), form.get("name", "")
    invited = await _invited(visit, secret)
    try:
        _check_same(password, form.get("again", ""))
        async with visit.parts.hashing:
            stored = await visit.state(hashed, password)
        use = visit.parts.accounts.use_link
        account = await visit.state(lambda: use(secret, stored, email=email, name=name))
    except WrongUse as error:
        page = WelcomePage(secret, invited, email[:200], name[:200], str(error))
        return visit.page(page, 400)
    await visit.state(visit.parts.sessions.end_all, account.id)
    response = await signin.begin(visit, account, "/")
    if invited is None:
        await visit.trail(ACCOUNT_ADDED, ("user", account.id, account.name), {"role": account.role})
    await visit.trail(PASSWORD_SET)
    return response


def _check_same(password: str, again: str) -> None:
    if password != again:
        raise WrongUse("The two passwords differ: type the same one twice.")


async def _invited(visit: Visit, secret: str) -> Account | None:
    usable, account = await visit.state(visit.parts.accounts.linked, secret)
    if not usable:
        raise NotHere(_VOID)
    return account
