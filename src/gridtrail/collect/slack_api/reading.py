"""Reading one window: which call comes next, and when the window is read whole.

Free of input and output. A window is frozen: its two ends never move while it is read, and every
call of it repeats both ends and the actions beside the cursor, because a cursor remembers neither
(facts reference 1.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridtrail.collect.slack_api.pages import Page
from gridtrail.errors import RetryLater, WrongUse
from gridtrail.slack.audit_api import MAX_ACTIONS, MAX_LIMIT

PAGES_IN_A_WINDOW = 48
"""A window of more pages is read anew in smaller ones: cursors expire, and what one window costs
when it has to be repeated stays bounded (about a minute of calls)."""

_EMPTY_PAGES = 100  # in a row, each with a new cursor


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds `oldest` to `latest` since the epoch, both inclusive.

    Raises WrongUse when it ends before it begins.
    """

    oldest: int
    latest: int

    def __post_init__(self) -> None:
        if self.oldest > self.latest:
            raise WrongUse(f"A window from {self.oldest} to {self.latest} is inverted: swap them.")

    @property
    def seconds(self) -> int:
        """How many seconds it has."""
        return self.latest - self.oldest + 1


@dataclass(frozen=True, slots=True)
class Call:
    """One `GET /logs`. `window` None asks for the newest events."""

    window: Window | None
    limit: int
    actions: tuple[str, ...] = ()
    cursor: str = ""

    def parameters(self) -> dict[str, str]:
        """The query string's parameters; nothing is sent that has no value."""
        found = {"limit": str(self.limit)}
        if self.window is not None:
            found |= {"oldest": str(self.window.oldest), "latest": str(self.window.latest)}
        if self.actions:
            found["action"] = ",".join(self.actions)
        if self.cursor:
            found["cursor"] = self.cursor
        return found


class Unreadable(RetryLater):
    """This window cannot be read as it is; a narrower one may be."""


class Looping(Unreadable):
    """The far side gives cursors that lead nowhere."""


class TooDense(Unreadable):
    """The window has too many pages; its newest `seconds` were passed in those that were read."""

    def __init__(self, seconds: int) -> None:
        super().__init__("the window has too many events")
        self.seconds = seconds


class Reading:
    """One window, read chunk of actions by chunk, page by page.

    `call` is the next call, or None when the window was read whole; `take` the answer to it.
    """

    def __init__(
        self, window: Window, chunks: Sequence[tuple[str, ...]] = ((),), limit: int = MAX_LIMIT
    ) -> None:
        self.window = window
        self._chunks = list(chunks)
        self._limit = limit
        self._cursor = ""
        self._seen: set[str] = set()
        self._empty = 0
        self.pages = 0

    @property
    def call(self) -> Call | None:
        """What to ask next; None when everything was read."""
        if not self._chunks:
            return None
        return Call(self.window, self._limit, self._chunks[0], self._cursor)

    def take(self, page: Page) -> None:
        """Go on behind `page`, the answer to `call`. Its length need not be the limit.

        Raises Looping when its cursor was there before or only empty pages come, and TooDense
        when the window should be read in smaller ones.
        """
        self.pages += 1
        self._empty = 0 if len(page.records) else self._empty + 1
        if not page.cursor or self._passed(page):
            self._chunks.pop(0)
            self._cursor, self._seen = "", set()
            return
        if page.cursor in self._seen or self._empty >= _EMPTY_PAGES:
            raise Looping("the far side repeats a cursor")
        self._seen.add(page.cursor)
        self._cursor = page.cursor
        if self.pages >= PAGES_IN_A_WINDOW and self.window.seconds > 1 and not self._empty:
            raise TooDense(self._read_seconds(page))

    def _passed(self, page: Page) -> bool:
        """Whether a listing, newest first, has gone below the window: the rest is not asked for."""
        if page.first is None or page.last is None:
            return False
        return page.first >= page.last and page.last < self.window.oldest

    def _read_seconds(self, page: Page) -> int:
        read = self.window.latest - page.last if page.last is not None else 0
        return read if 0 < read < self.window.seconds else self.window.seconds // 2


def chunked(actions: Sequence[str]) -> list[tuple[str, ...]]:
    """`actions` in groups that one call may name; of none, one group that means all."""
    groups = range(0, len(actions), MAX_ACTIONS)
    return [tuple(actions[i : i + MAX_ACTIONS]) for i in groups] or [()]
