"""Who is calling: the bearer token of a request."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from anyio import CapacityLimiter, to_thread

from gridtrail.server.tokens import Token, TokenStore

_BEARER = re.compile(r"bearer +([\x21-\x7e]+) *", re.IGNORECASE)


def bearer(header: str | None) -> str | None:
    """The token of an `Authorization` header; None when it is absent or not of the form
    `Bearer TOKEN`."""
    match = _BEARER.fullmatch(header or "")
    return match[1] if match else None


class Access:
    """Recognises tokens without blocking the event loop, and remembers when they were used."""

    def __init__(self, store: TokenStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._limiter = CapacityLimiter(4)
        self._used: dict[str, int] = {}

    async def token(self, secret: str) -> tuple[Token | None, str]:
        """The token and its state: `active`, `expired`, `revoked`, or `unknown` with None."""
        found = await to_thread.run_sync(self._store.find, secret, limiter=self._limiter)
        if found is None:
            return None, "unknown"
        state = self._store.state(found)
        if state == "active":
            self._used[found.id] = int(self._clock())
        return found, state

    async def flush(self) -> None:
        """Write down when tokens were last used.

        Not done at each request: it would make readers wait for whoever writes to the database.
        """
        used, self._used = self._used, {}
        await to_thread.run_sync(self._store.used, used, limiter=self._limiter)
