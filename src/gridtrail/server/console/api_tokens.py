"""API tokens: made, shown once, revoked."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.errors import WrongUse
from gridtrail.respond.trail import TOKEN_ADDED, TOKEN_REVOKED
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.text import shortened
from gridtrail.server.console.visit import Visit
from gridtrail.server.tokens import SCOPES, Token

LIFETIMES: Mapping[str, int | None] = {
    "30 days": 30 * 86_400,
    "90 days": 90 * 86_400,
    "a year": 365 * 86_400,
    "no end": None,
}
"""What the form offers, in seconds."""

SCOPE_WORDS: Mapping[str, str] = {
    "auditlogs:read": "read events through the Audit Logs API",
    "auditlogs:write": "post events of a platform of your own",
    "admin": "what owners do, through the API",
}
"""What each scope permits, in words."""

_SCOPE_FIELD = re.compile(r"scope:(.{1,40})")


@dataclass(frozen=True, slots=True)
class TokensPage:
    """All tokens, those that work first; `secret` is one that was just made."""

    template: ClassVar[str] = "tokens.html"

    tokens: Sequence[Token]
    states: Mapping[str, str]  # id -> active, expired or revoked
    made: Token | None
    secret: str
    error: str
    given: Mapping[str, str]
    scopes: Mapping[str, str]
    lifetimes: Sequence[str]


async def show(visit: Visit) -> Response:
    """The page."""
    return await _page(visit)


async def add(visit: Visit) -> Response:
    """Make a token of this organization; the page then shows it once."""
    form = visit.form
    chosen = [m[1] for name in form if (m := _SCOPE_FIELD.fullmatch(name)) is not None]
    name, lifetime = form.get("name", "").strip(), form.get("lifetime", "90 days")
    try:
        seconds = _seconds(lifetime)
        create = visit.parts.tokens.create
        token, secret = await visit.state(
            lambda: create(name, org=visit.org, scopes=chosen, seconds=seconds)
        )
    except WrongUse as error:
        return await _page(visit, error=str(error), given={**form, "lifetime": lifetime})
    details = {"scopes": " ".join(token.scopes), "lifetime": lifetime}
    await visit.trail(TOKEN_ADDED, ("user", token.id, token.name), details)
    return await _page(visit, made=token, secret=secret)


async def revoke(visit: Visit) -> Response:
    """Make a token useless at once. Raises NotHere."""
    wanted = visit.request.path_params["token_id"]
    known = await visit.state(visit.parts.tokens.list)
    if all(one.id != wanted for one in known):
        raise NotHere(f"No token has the id {shortened(wanted, 40)}: look at the list.")
    token = await visit.state(visit.parts.tokens.revoke, wanted)
    await visit.trail(TOKEN_REVOKED, ("user", token.id, token.name))
    return visit.go(visit.link("/tokens"))


def _seconds(lifetime: str) -> int | None:
    if lifetime not in LIFETIMES:
        raise WrongUse(f"There is no lifetime {lifetime[:20]!r}: choose one of the list.")
    return LIFETIMES[lifetime]


async def _page(
    visit: Visit,
    *,
    made: Token | None = None,
    secret: str = "",
    error: str = "",
    given: Mapping[str, str] | None = None,
) -> Response:
    now = time.time()
    found = await visit.state(visit.parts.tokens.list)
    states = {one.id: one.state(now) for one in found}
    ordered = sorted(found, key=lambda one: (states[one.id] != "active", -one.created_at))
    form = {"name": "", "lifetime": "90 days", "scope:auditlogs:read": "on"}
    page = TokensPage(
        ordered,
        states,
        made,
        secret,
        error,
        form if given is None else {"name": "", **given},
        {scope: SCOPE_WORDS.get(scope, "") for scope in SCOPES},
        tuple(LIFETIMES),
    )
    return visit.page(page, 400 if error else 200)
