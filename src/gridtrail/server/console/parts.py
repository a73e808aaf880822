"""What the pages of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

import structlog
from anyio import CapacityLimiter, to_thread
from sqlalchemy.exc import OperationalError
from starlette.requests import Request

from gridtrail.errors import RetryLater
from gridtrail.respond.allow_list import AllowList
from gridtrail.respond.responses import ResponseStore
from gridtrail.respond.thresholds import ThresholdStore
from gridtrail.respond.trail import Trail
from gridtrail.server.accounts import AccountStore
from gridtrail.server.console.per_file import FileCounts
from gridtrail.server.console.rule_facts import RuleShelf
from gridtrail.server.console.workbench import Workbench
from gridtrail.server.openid import Flows
from gridtrail.server.pool import LakePool
from gridtrail.server.queries import Queries
from gridtrail.server.rate import RateLimit
from gridtrail.server.saved_queries import SavedQueries
from gridtrail.server.sessions import SessionStore
from gridtrail.server.tokens import TokenStore
from gridtrail.server.work import Work
from gridtrail.settings import Settings
from gridtrail.triage.store import FindingStore

_Result = TypeVar("_Result")

_TRAIL_SECONDS = 15  # each moving is a commit of the lake, and nothing is lost meanwhile

log = structlog.get_logger("gridtrail.console")

_TRIES_OF_AN_ADDRESS = 20  # a minute, for one client
_TRIES_OF_AN_ACCOUNT = 6  # a minute


@dataclass(frozen=True, slots=True)
class Parts:
    """One server's parts; `request.state.console` in a handler."""

    settings: Settings
    pool: LakePool
    accounts: AccountStore
    sessions: SessionStore
    trail: Trail
    findings: FindingStore
    responses: ResponseStore
    allow_list: AllowList
    tokens: TokenStore
    saved: SavedQueries
    thresholds: ThresholdStore
    queries: Queries
    rules: RuleShelf
    workbench: Workbench
    work: Work | None = None  # the server's own collector and detection
    counts: FileCounts = field(default_factory=FileCounts)
    by_client: RateLimit = field(default_factory=lambda: RateLimit(_TRIES_OF_AN_ADDRESS))
    by_account: RateLimit = field(default_factory=lambda: RateLimit(_TRIES_OF_AN_ACCOUNT))
    # a password's hash takes 64 MiB: two at a time bound the memory
    hashing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2))
    flows: Flows = field(default_factory=Flows)
    state: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(8))
    # Slack may take its time: nobody else waits for it
    slack: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(4))

    async def in_state(self, work: Callable[[], _Result]) -> _Result:
        """What `work` returns, done in a thread: it waits for the state database."""
        return await to_thread.run_sync(work, limiter=self.state)


@contextmanager
def open_parts(settings: Settings, pool: LakePool, work: Work | None = None) -> Iterator[Parts]:
    """The parts over the state database of `settings`, closed at the end of the block."""
    place = settings.state
    console = settings.console
    with (
        AccountStore(place) as accounts,
        SessionStore(
            place, idle=console.idle_minutes * 60, longest=console.session_hours * 3600
        ) as sessions,
        Trail(place) as trail,
        FindingStore(settings.state) as findings,
        ResponseStore(place) as responses,
        AllowList(place) as allow_list,
        TokenStore(place) as tokens,
        SavedQueries(place) as saved,
        ThresholdStore(place) as thresholds,
    ):
        yield Parts(
            settings, pool, accounts, sessions, trail, findings, responses, allow_list, tokens,
            saved, thresholds, Queries(settings), RuleShelf(settings.rules), Workbench(settings),
            work,
        )  # fmt: skip


def parts(request: Request) -> Parts:
    """The parts that the application was started with."""
    found: Parts = request.state.console
    return found


@asynccontextmanager
async def opened(
    settings: Settings, pool: LakePool, work: Work | None = None
) -> AsyncIterator[Parts]:
    """As `open_parts`, and the trail is moved to the lake every few seconds and at the end."""
    with open_parts(settings, pool, work) as console:
        moving = asyncio.create_task(_move_forever(console))
        try:
            yield console
        finally:
            moving.cancel()
            with suppress(asyncio.CancelledError):
                await moving
            await _move(console)


async def _move_forever(console: Parts) -> None:
    while True:
        await asyncio.sleep(_TRAIL_SECONDS)
        await _move(console)


async def _move(console: Parts) -> None:
    try:
        if await console.in_state(console.trail.waits):
            await console.pool.run(console.trail.move)
    except (RetryLater, OperationalError) as error:  # it waits for the next time
        log.warning("the trail waits", reason=str(error))
