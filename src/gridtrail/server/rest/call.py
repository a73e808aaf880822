"""One request of the API: whose token it is, and what it may read and change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from gridtrail.export.values import json_text
from gridtrail.lake.lake import Lake
from gridtrail.respond.trail import Doer
from gridtrail.server.api.refusals import json_bytes
from gridtrail.server.caller import MISSING_SCOPE, Denied, caller
from gridtrail.server.console.parts import Parts, parts
from gridtrail.server.rest.refusing import Refused
from gridtrail.server.tokens import Token
from gridtrail.settings import Settings

_Result = TypeVar("_Result")

_STATUS = {
    "missing_authentication": 401,
    "invalid_authentication": 401,
    MISSING_SCOPE: 403,
    "rate_limited": 429,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose token is good for what it asks."""

    request: Request
    token: Token
    parts: Parts

    @property
    def org(self) -> str:
        """The token's organization: nothing of another one is ever shown."""
        return self.token.org

    @property
    def settings(self) -> Settings:
        """The server's."""
        return self.parts.settings

    async def lake(self, work: Callable[[Lake], _Result]) -> _Result:
        """What `work` returns, done in a thread with its lake."""
        return await self.parts.pool.run(work)

    async def state(self, work: Callable[..., _Result], *given: Any, **named: Any) -> _Result:
        """What `work` returns, done in a thread: it waits for the state database."""
        return await self.parts.in_state(partial(work, *given, **named))

    async def trail(
        self,
        action: str,
        entity: tuple[str, str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Keep in the audit trail that the token was used for this on `entity` (type, id, name)."""
        client = self.request.client
        doer = Doer(
            id=self.token.id,
            name=self.token.name,
            ip=client.host if client is not None else "",
            ua=self.request.headers.get("user-agent", ""),
        )
        more = {**(details or {}), "by_token": self.token.id}
        await self.state(self.parts.trail.put, self.org, action, doer, entity, more)


async def let_in(request: Request, scope: str) -> Call:
    """The call, if its token may do what needs `scope` and its organization is not too fast.

    Raises Refused.
    """
    try:
        token = await caller(request, scope)
    except Denied as denied:
        status = _STATUS[denied.code]
        headers = {} if denied.code == MISSING_SCOPE else denied.headers
        raise Refused(status, denied.code, str(denied), headers=headers) from denied
    return Call(request, token, parts(request))


async def _call(request: Request) -> Call:
    found: Call = request.state.call
    return found


Called = Annotated[Call, Depends(_call)]
"""The call, as a handler takes it."""


def answer(value: object, status: int = 200) -> Response:
    """`value` as JSON, as the command line prints it: exact, with what is invisible escaped."""
    return json_bytes(json_text(value).encode(), status=status)
