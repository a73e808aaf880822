"""What the handlers of one server share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request

from gridtrail.server.access import Access
from gridtrail.server.api.actions import ActionNames
from gridtrail.server.api.refusals import Refusal
from gridtrail.server.metrics import Metrics
from gridtrail.server.pool import LakePool
from gridtrail.server.rate import RateLimit
from gridtrail.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Context:
    """One server's parts; `request.state.context` in a handler."""

    settings: ServerSettings
    pool: LakePool
    access: Access
    limit: RateLimit
    metrics: Metrics
    actions: ActionNames = field(default_factory=ActionNames)


def context(request: Request) -> Context:
    """The context that the application was started with."""
    found: Context = request.state.context
    return found


def note(request: Request, **facts: Any) -> None:
    """Put `facts` (ours, never a secret) on the request's log line."""
    request.scope["state"]["log"].update(facts)


async def body_of(request: Request, limit: int) -> bytes:
    """The request's body. Raises Refusal `request_too_large` beyond `limit` bytes."""
    refusal = Refusal(
        "request_too_large", f"The body is larger than {limit} bytes: send it in parts."
    )
    announced = request.headers.get("content-length", "")
    # the server accepts digits only; a number too long to be read is too large as well
    if len(announced) > 18 or int(announced or 0) > limit:
        raise refusal
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > limit:
                raise refusal
            pieces.append(piece)
    except ClientDisconnect:
        raise Refusal("request_timeout", "The body ended too early: send it again.") from None
    return b"".join(pieces)
