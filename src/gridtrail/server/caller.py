"""Whose token a request to an API carries, and whether it may do what it asks."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from gridtrail.errors import WrongUse
from gridtrail.server.access import bearer
from gridtrail.server.context import context, note
from gridtrail.server.tokens import Token

MISSING_SCOPE = "missing_scope"
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Denied(WrongUse):
    """A request is not let in; each API answers so in its own shape.

    `code` is the word for programs: `missing_authentication`, `invalid_authentication`,
    `missing_scope` (the token has `scopes`) or `rate_limited`; `headers` go with the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        headers: Mapping[str, str],
        scopes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.headers = headers
        self.scopes = scopes


async def caller(request: Request, scope: str) -> Token:
    """The request's token, if it may do what needs `scope` and its organization is not too fast.

    Raises Denied.
    """
    ours = context(request)
    secret = bearer(request.headers.get("authorization"))
    if secret is None:
        message = "No token: send the header `Authorization: Bearer TOKEN`."
        raise Denied("missing_authentication", message, _CHALLENGE)
    token, state = await ours.access.token(secret)
    if token is None or state != "active":
        message = f"The token is {state}: make another with `gridtrail token add`."
        raise Denied("invalid_authentication", message, _CHALLENGE)
    note(request, token=token.id, org=token.org)
    if scope not in token.scopes:
        message = f"The token lacks the scope {scope}: make one that has it."
        raise Denied(MISSING_SCOPE, message, _CHALLENGE, tuple(token.scopes))
    wait = ours.limit.take(token.org)
    if wait:
        ours.metrics.rate_limited()
        message = f"Too many requests of this organization: wait {wait} seconds."
        raise Denied("rate_limited", message, {"Retry-After": str(wait)})
    return token
