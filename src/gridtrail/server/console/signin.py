"""Signing in with a password, and out; `oidc` is the other way in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.respond.trail import SIGN_IN_FAILED, SIGNED_IN, SIGNED_OUT, Doer
from gridtrail.server.accounts import Account
from gridtrail.server.console.guard import COOKIE
from gridtrail.server.console.links import local
from gridtrail.server.console.refusing import NotAllowed, TooMany
from gridtrail.server.console.visit import Visit
from gridtrail.server.passwords import matches

_WRONG = "The e-mail address or the password is wrong: try again, or ask an owner for a new link."
_BUCKETS = 1 << 16


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The form; `error` says why it is shown again, `next` where it leads."""

    template: ClassVar[str] = "signin.html"

    email: str
    next: str
    error: str
    provider: str  # what the OpenID Connect provider is called; empty without one
    passwords: bool


async def show(visit: Visit) -> Response:
    """The form."""
    return shown(visit, goal=local(visit.one("next") or "/"))


def shown(
    visit: Visit, *, email: str = "", goal: str = "/", error: str = "", status: int = 200
) -> Response:
    """The form with what was given, and why it is shown again."""
    openid = visit.parts.settings.openid
    provider = openid.name if openid.issuer else ""
    passwords = openid.passwords or not provider
    return visit.page(SignInPage(email[:200], goal, error, provider, passwords), status)


async def sign_in(visit: Visit) -> Response:
    """Begin a session, or show the form again. Raises TooMany."""
    email, password = visit.form.get("email", ""), visit.form.get("password", "")
    goal = local(visit.form.get("next", "/"))
    openid = visit.parts.settings.openid
    if openid.issuer and not openid.passwords:
        raise NotAllowed(f"Passwords are off here: sign in with {openid.name}.")
    slow_down(visit, email)
    account, stored = await visit.state(visit.parts.accounts.find, email)
    right = await _matches(visit, stored, password)
    if account is None or not right:
        await _failed(visit, account, email)
        return shown(visit, email=email, goal=goal, error=_WRONG, status=401)
    return await begin(visit, account, goal)


async def begin(visit: Visit, account: Account, goal: str) -> Response:
    """A new session of `account`, and the way to the page `goal`."""
    cookie = await visit.state(visit.parts.sessions.begin, account.id)
    await visit.state(visit.parts.accounts.signed_in, account.id)
    visit.session = await visit.state(visit.parts.sessions.find, cookie)
    await visit.trail(SIGNED_IN)
    response = visit.go(goal)
    response.set_cookie(
        COOKIE, cookie, httponly=True, samesite="lax", secure=is_encrypted(visit), path="/"
    )
    return response


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    await visit.trail(SIGNED_OUT)
    await visit.state(visit.parts.sessions.end, visit.request.cookies.get(COOKIE, ""))
    response = visit.go("/signin")
    response.delete_cookie(COOKIE, path="/")
    return response


def slow_down(visit: Visit, email: str | None = None) -> None:
    """Count a try of this client, and for this account. Raises TooMany."""
    client = visit.request.client.host if visit.request.client is not None else ""
    waits = [visit.parts.by_client.take(_bucket(client))]
    if email is not None:
        waits.append(visit.parts.by_account.take(_bucket(email.strip().lower())))
    if max(waits):
        raise TooMany(f"Too many tries to sign in: wait {max(waits)} seconds and try again.")


def _bucket(text: str) -> str:
    # a bounded number of buckets: strangers choose the text
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return str(int.from_bytes(digest[:4]) % _BUCKETS)


async def _matches(visit: Visit, stored: str | None, password: str) -> bool:
    async with visit.parts.hashing:
        return await visit.state(matches, stored, password)


async def _failed(visit: Visit, account: Account | None, email: str) -> None:
    seen = visit.doer
    doer = seen if account is None else Doer.of(account, ip=seen.ip, ua=seen.ua)
    put = visit.parts.trail.put
    await visit.state(lambda: put(visit.org, SIGN_IN_FAILED, doer, None, {"email": email[:200]}))


def is_encrypted(visit: Visit) -> bool:
    """Whether the browser talks https to us, so that a cookie can be kept to it."""
    public = visit.parts.settings.server.public_url
    return (public or str(visit.request.base_url)).startswith("https:")
