"""Collect several organizations side by side: tasks that call, one thread that writes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from gridtrail.collect.slack_api.calling import Caller, check_base_url
from gridtrail.collect.slack_api.clocks import Clock, Horizon, SystemClock
from gridtrail.collect.slack_api.collector import Collector
from gridtrail.collect.slack_api.lanes import (
    BackfillProgress,
    Health,
    Result,
    Shared,
    Source,
    Told,
    World,
)
from gridtrail.collect.slack_api.pacing import Budget
from gridtrail.collect.slack_api.storing import Store
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import BadSettings, GridtrailError
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import PARTITION_TEXT
from gridtrail.lake.only_one import only_one

_SLACK = "https://api.slack.com/"


def _silent(told: Told) -> None:
    """For callers who do not want to hear of it."""


@dataclass(frozen=True)
class Surroundings:
    """What a collection gets from outside.

    `tell` hears how the collectors fare and `on_progress` how far back they are, both on the event
    loop's thread. `transport` reaches the far side (None: the network). `clock` and `chance` (the
    jitter of waiting) are arguments so that tests need not wait. A longer record goes to the
    quarantine; so many bytes of a window are held in memory before they are stored.
    """

    tell: Callable[[Told], None] = _silent
    on_progress: Callable[[BackfillProgress], None] | None = None
    writer: Executor | None = None
    transport: httpx.AsyncBaseTransport | None = None
    clock: Clock | None = None
    chance: random.Random | None = None
    max_record_bytes: int = 16 * 1024 * 1024
    gather_bytes: int = 24 * 1024 * 1024


async def collect(
    sources: Sequence[Source],
    lake: Lake,
    engine: DuckDB,
    *,
    once: bool,
    patient: bool = False,
    surroundings: Surroundings | None = None,
) -> list[Result]:
    """Collect `sources` into `lake`: newest events first, then back to each source's `since`.

    With `once` it ends when all is read that was there when it began, else it follows for ever.
    The lake and its engine belong to this call until it ends. What was read is safe at any moment:
    killed and started again, it goes on without loss or double.

    A source that ends early has its `error` in its result, the others go on. With `patient` (and
    without `once`) a source that is refused goes on trying instead.

    Raises BadSettings for a source that cannot be called, before any call, and WrongUse when
    another process collects one of them into the same lake.
    """
    for source in sources:
        check_source(source)
    around = surroundings or Surroundings()
    clock = around.clock or SystemClock()
    with _only_one(lake.home, sources), ThreadPoolExecutor(1, "lake") as thread:
        world = World(
            clock,
            around.chance or random.Random(),  # noqa: S311 - jitter, no secret
            around.writer or thread,  # the pool starts no thread before its first work
            around.tell,
            around.on_progress,
            around.gather_bytes,
        )
        budgets = {source.org: Budget(source.calls_per_minute) for source in sources}
        works = []
        for source in sources:
            horizon = Horizon(clock, source.settle)
            shared = Shared(budgets[source.org], horizon, once, patient and not once)
            store = Store(lake, engine, source.stream, max_record_bytes=around.max_record_bytes)
            works.append(_one(Result(source), store, shared, world, around.transport))
        return list(await asyncio.gather(*works))


async def _one(
    result: Result,
    store: Store,
    shared: Shared,
    world: World,
    transport: httpx.AsyncBaseTransport | None,
) -> Result:
    source = result.source
    async with Caller(source.base_url, source.token, transport=transport) as caller:
        try:
            await Collector(caller, store, shared, world, result).run()
        except GridtrailError as error:
            result.error = error
            health: Health = "refused" if isinstance(error, BadSettings) else "failing"
            world.tell(Told(source.org, health, str(error)))
    return result


def check_source(source: Source) -> None:
    """Refuse a source that cannot be collected from. Raises BadSettings."""
    if not PARTITION_TEXT.fullmatch(source.org):
        raise BadSettings(
            f"{source.org[:80]!r} cannot name an organization: set collect.org to up to 64 "
            "letters, digits, - and _."
        )
    check_base_url(source.base_url, allow_http=source.allow_http)
    token = source.token.get_secret_value() if source.token is not None else ""
    if not token and source.base_url.startswith(_SLACK):
        raise BadSettings(
            f"There is no token for {source.org}: set GRIDTRAIL_COLLECT__TOKEN to the user token "
            "of an app that an Org Owner installed with the scope auditlogs:read."
        )


@contextmanager
def _only_one(home: Path, sources: Sequence[Source]) -> Iterator[None]:
    """Hold the locks of `sources` beside the lake; the system frees them when the process dies.

    Two collectors of one stream would store nothing twice, but move one checkpoint, each from
    where it stood itself.
    """
    names = [f"collect-{source.org}-{source.stream.name}" for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise BadSettings(
                f"Two sources read the same of {name[8:]}: name each organization once in "
                "collect.sources."
            )
    with ExitStack() as locks:
        for name in names:
            sentence = f"Another process collects {name[8:]} into this directory: stop it first."
            locks.enter_context(only_one(home, name, sentence))
        yield
