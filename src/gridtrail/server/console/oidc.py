"""Signing in with an OpenID Connect provider: the way there, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from starlette.responses import RedirectResponse, Response

from gridtrail.errors import WrongUse
from gridtrail.respond.trail import ACCOUNT_ADDED, ROLE_CHANGED, SIGN_IN_FAILED
from gridtrail.server.accounts import Account
from gridtrail.server.console import signin
from gridtrail.server.console.links import local
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.visit import Visit
from gridtrail.server.openid import NotSignedInThere, Provider
from gridtrail.server.roles import ROLES
from gridtrail.settings_openid import OpenIDSettings

COOKIE = "gridtrail_openid"
PATH = "/signin/openid"
BACK = "/signin/openid/back"

log = structlog.get_logger("gridtrail.console")


async def leave(visit: Visit) -> Response:
    """Send the browser to the provider. Raises NotHere where there is none, TooMany."""
    settings = _settings(visit)
    signin.slow_down(visit)
    base = visit.parts.settings.server.public_url or str(visit.request.base_url)
    goal = local(visit.one("next") or "/")
    cookie, flow = visit.parts.flows.begin(goal, base.rstrip("/") + BACK)
    try:
        there = await Provider(settings).door(flow)
    except NotSignedInThere as error:
        return await _refused(visit, error)
    response = RedirectResponse(there, 303)
    is_secure = signin.is_encrypted(visit)
    response.set_cookie(
        COOKIE, cookie, 600, path=PATH, httponly=True, samesite="lax", secure=is_secure
    )
    return response


async def come_back(visit: Visit) -> Response:
    """Begin a session of whom the provider names, or show why not."""
    settings = _settings(visit)
    signin.slow_down(visit)
    try:
        cookie = visit.request.cookies.get(COOKIE, "")
        flow = visit.parts.flows.end(cookie, visit.one("state") or "")
        named = visit.one("iss")
        if visit.one("error") or (named is not None and named != settings.issuer):
            raise NotSignedInThere("The provider did not sign you in: try again, or ask an owner.")
        claims = await Provider(settings).claims(flow, visit.one("code") or "")
        account = await _account(visit, settings, claims)
    except WrongUse as error:
        return await _refused(visit, error)
    response = await signin.begin(visit, account, flow.goal)
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _settings(visit: Visit) -> OpenIDSettings:
    settings = visit.parts.settings.openid
    if not settings.issuer:
        raise NotHere("No provider is set up: sign in with a password, or see openid.issuer.")
    return settings


async def _account(visit: Visit, settings: OpenIDSettings, claims: Mapping[str, Any]) -> Account:
    email = str(claims.get("email") or "").strip().lower()
    if not email or claims.get("email_verified") is not True:
        raise NotSignedInThere("The provider did not verify your e-mail address: ask who runs it.")
    role = role_of(settings, email, claims)
    known, _ = await visit.state(visit.parts.accounts.find, email)
    if known is not None:
        return await _with_role(visit, known, role)
    if role is None or not settings.make_accounts:
        raise NotSignedInThere(f"{email[:80]} has no account here: ask an owner to invite you.")
    name = str(claims.get("name") or email.partition("@")[0])[:100]
    made, _ = await visit.state(visit.parts.accounts.add, email, name, role)
    details = {"role": role, "by": settings.issuer}
    await visit.trail(ACCOUNT_ADDED, ("user", made.id, made.name), details)
    return made


async def _with_role(visit: Visit, account: Account, role: str | None) -> Account:
    """The account with the role that the provider's groups give now, if they give one."""
    if role is None or role == account.role:
        return account
    before, after = await visit.state(visit.parts.accounts.set_role, account.id, role)
    by = visit.parts.settings.openid.issuer
    details = {"role": role, "previous_role": before.role, "by": by}
    await visit.trail(ROLE_CHANGED, ("user", after.id, after.name), details)
    return after


def role_of(settings: OpenIDSettings, email: str, claims: Mapping[str, Any]) -> str | None:
    """The strongest role that the settings give to the address or to a value of the claim."""
    told = claims.get(settings.claim)
    values = told if isinstance(told, list) else [told]
    named = {email, *(one for one in values if isinstance(one, str))}
    given = {settings.roles[one] for one in named if one in settings.roles}
    return next((role for role in ROLES if role in given), None)


async def _refused(visit: Visit, error: WrongUse) -> Response:
    log.warning("signing in with the provider failed", reason=str(error))
    put = visit.parts.trail.put
    details = {"by": visit.parts.settings.openid.issuer, "reason": str(error)}
    await visit.state(lambda: put(visit.org, SIGN_IN_FAILED, visit.doer, None, details))
    response = signin.shown(visit, error=str(error), status=401)
    response.delete_cookie(COOKIE, path=PATH)
    return response
