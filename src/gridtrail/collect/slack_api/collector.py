"""The collector of one organization: two tasks, one that follows and one for what lies behind.

A window is read whole before its checkpoint moves. Whatever goes wrong in between (a stale or
repeated cursor, an answer that stays broken, too many events), the window is planned again from
the checkpoint, narrower; what was stored of it is recognised by its ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from gridtrail.collect.slack_api.answers import ActionRefused, Broken, CursorRefused, RangeRefused
from gridtrail.collect.slack_api.asking import Asker, GaveUp
from gridtrail.collect.slack_api.calling import Caller
from gridtrail.collect.slack_api.lanes import (
    BackfillProgress,
    Lane,
    Result,
    Shared,
    World,
    lanes,
)
from gridtrail.collect.slack_api.pages import Page
from gridtrail.collect.slack_api.planning import DAY, Extent, backfill, follow, sweep_due
from gridtrail.collect.slack_api.probing import Probing
from gridtrail.collect.slack_api.reading import (
    Call,
    Reading,
    TooDense,
    Unreadable,
    Window,
    chunked,
)
from gridtrail.collect.slack_api.storing import Gathered, Store, Stored
from gridtrail.errors import BadSettings, RetryLater
from gridtrail.lake.log import Checkpoint
from gridtrail.slack.catalogue import suggest

_CLOCKS_APART = 120  # seconds that are worth a note


@dataclass(frozen=True, slots=True)
class _Goal:
    """What a window is read for: its lane, and the checkpoint that it moves when it is whole."""

    kind: Literal["follow", "backfill", "sweep"]
    window: Window
    checkpoint: Checkpoint | None


class _Narrower(Exception):
    """This window is planned again."""


class Collector:
    """Collects `result.source`; `store` is used on the writer's thread alone."""

    def __init__(
        self, caller: Caller, store: Store, shared: Shared, world: World, result: Result
    ) -> None:
        self._source = result.source
        self._stream = self._source.stream
        self._store, self._shared, self._world, self._result = store, shared, world, result
        self._asker = Asker(caller.call, shared, world, result, self._keep_state)
        self._extent = Extent.nothing(0)
        self._chunks: list[tuple[str, ...]] = [()]
        self._sweep: Window | None = None
        self._kept_state: tuple[str, str | None] | None = None
        self._began, self._began_at = 0, 0.0  # `lowest` and the steady time when this run began

    async def run(self) -> None:
        """Collect: with `shared.once` until all is read that was there at the beginning, else
        for ever.

        Raises BadSettings when the far side refuses, RetryLater when it failed too often.
        """
        following, history = lanes(self._source)
        try:
            await self._begin(following)
            goal = self._shared.horizon.second() if self._shared.once else None
            await _all(self._follow(following, goal), self._behind(history))
            if goal is not None:  # a sweep may be due by what was followed just now
                await self._behind(history)
        except (BadSettings, RetryLater) as error:
            refused = isinstance(error, BadSettings)
            self._shared.state = ("refused" if refused else "failing", str(error))
            raise
        finally:
            await self._keep_state()

    async def _begin(self, lane: Lane) -> None:
        """Greet the far side (token, clock, actions), and fix where reading begins."""
        await self._probe(lane)
        apart = self._shared.horizon.difference()
        if apart is not None and abs(apart) > _CLOCKS_APART:
            self._asker.tell(
                "note",
                f"This machine's clock is {abs(apart):.0f} s {'ahead' if apart > 0 else 'behind'} "
                f"of the far side's: set it; the earlier of both counts meanwhile.",
            )
        horizon = self._shared.horizon.second()
        if self._source.since > horizon:
            raise BadSettings(
                f"collect.since ({self._source.since}) lies in the future: choose an earlier time."
            )
        found = await self._world.write(self._store.extent)
        if found is None:
            found = Extent.nothing(horizon)
            await self._world.write(partial(self._store.begin, found))
        self._extent = found
        self._began, self._began_at = found.lowest, self._world.clock.steady()
        self._shared.state = ("working", None)
        await self._keep_state()

    async def _probe(self, lane: Lane) -> None:
        """Find out which actions are supported, and say which are not."""
        probing = Probing(self._stream.actions)
        while not probing.over:
            answer = await self._asker.ask(Call(None, 1, probing.group), lane)
            if isinstance(answer, (Page, ActionRefused)):
                probing.answered(refused=isinstance(answer, ActionRefused))
            elif not isinstance(answer, Broken):  # that was counted and told
                await self._asker.failed("the far side refuses a plain call", lane)
        if not self._stream.actions:
            return
        for name in probing.refused:
            close = " or ".join(suggest(name))
            hint = f"did you mean {close}?" if close else "leave it out."
            self._asker.tell("note", f"The far side does not support the action {name}: {hint}")
        if not probing.supported:
            raise BadSettings("None of the actions is supported: choose others (--action).")
        self._shared.refused = tuple(sorted(probing.refused))
        self._chunks = chunked(sorted(probing.supported))

    async def _follow(self, lane: Lane, goal: int | None) -> None:
        while True:
            horizon = self._shared.horizon.second()
            horizon = horizon if goal is None else min(goal, horizon)
            self._clock_went_back(self._shared.horizon.second())
            window = follow(self._extent, horizon, lane.pace.width, self._source.bounds)
            if window is not None:
                checkpoint = self._stream.followed(window.latest)
                await self._read(lane, _Goal("follow", window, checkpoint))
            elif goal is not None:
                return
            if goal is None and self._extent.highest >= horizon:
                await self._world.clock.sleep(self._source.poll)

    def _clock_went_back(self, horizon: int) -> None:
        """What is marked as read beyond the horizon cannot have been over when it was read.

        Nobody knows since when the clock was ahead, so the day before is read again too, unless
        the overlap covers the difference.
        """
        behind = self._extent.highest - horizon
        if behind <= 0:
            return
        if behind > self._source.overlap:
            self._asker.tell(
                "note", f"A clock went back by {behind} s: the last day is read again."
            )
            horizon = max(horizon - DAY, min(horizon, self._extent.lowest - 1))
        self._extent = replace(self._extent, highest=horizon)

    async def _behind(self, lane: Lane) -> None:
        while True:
            goal = self._next_sweep(lane) or self._next_backfill(lane)
            if goal is not None:
                await self._read(lane, goal)
            elif self._shared.once:
                return
            else:
                await self._world.clock.sleep(self._source.poll)

    def _next_sweep(self, lane: Lane) -> _Goal | None:
        """The next window of a sweep, oldest first; its last one moves the checkpoint."""
        if self._sweep is None:
            self._sweep = sweep_due(self._extent)
        if self._sweep is None:
            return None
        end = self._sweep.latest
        latest = min(end, self._sweep.oldest + lane.pace.width - 1)
        checkpoint = self._stream.swept(end) if latest == end else None
        return _Goal("sweep", Window(self._sweep.oldest, latest), checkpoint)

    def _next_backfill(self, lane: Lane) -> _Goal | None:
        window = backfill(self._extent, lane.pace.width, self._source.bounds)
        if window is None:
            return None
        return _Goal("backfill", window, self._stream.backfilled(window.oldest))

    async def _read(self, lane: Lane, goal: _Goal) -> None:
        """Read one window whole and move on, or leave all as it was and make the pace smaller."""
        reading = Reading(goal.window, self._chunks, lane.pace.limit)
        try:
            await self._pages(lane, goal, reading)
        except TooDense as dense:
            lane.pace.too_dense(dense.seconds)
        except (_Narrower, Unreadable) as trouble:
            lane.pace.went_wrong()
            if isinstance(trouble, Unreadable):
                await self._asker.failed(str(trouble), lane)
        except RetryLater as busy:
            if isinstance(busy, GaveUp):
                raise
            await self._asker.failed(str(busy), lane)
        else:
            lane.pace.went_well(reading.pages)
            self._asker.worked(lane)
            self._move(goal)
        await self._keep_state()

    async def _pages(self, lane: Lane, goal: _Goal, reading: Reading) -> None:
        before, gathered = self._extent, Gathered()
        while (call := reading.call) is not None:
            page = await self._page(call, lane, goal)
            asked = f"{goal.window.oldest} to {goal.window.latest}, page {reading.pages + 1}"
            gathered.add(asked, page.records)
            trouble = _taken(reading, page)
            if trouble is not None or gathered.bytes > self._world.gather_bytes:
                await self._keep(gathered, before, None)
                gathered = Gathered()
            if trouble is not None:
                raise trouble
        await self._keep(gathered, before, goal.checkpoint)

    async def _page(self, call: Call, lane: Lane, goal: _Goal) -> Page:
        answer = await self._asker.ask(call, lane)
        if self._shared.horizon.second() < goal.window.latest and goal.kind == "follow":
            # the far side's clock shows that this window is not over yet
            raise _Narrower
        match answer:
            case Page():
                return answer
            case CursorRefused():
                await self._asker.failed("the far side refused its own cursor", lane)
            case ActionRefused():
                await self._asker.failed("the far side refused an action", lane)
                await self._probe(lane)
            case RangeRefused():
                await self._out_of_range(lane, goal)
            case Broken():
                pass  # counted and told by the asker
        raise _Narrower

    async def _out_of_range(self, lane: Lane, goal: _Goal) -> None:
        """The far side has no such time: the past ends here, or the clocks disagree."""
        if goal.kind == "backfill" and goal.window.seconds == 1:
            self._asker.tell(
                "note",
                f"The far side has nothing at or before the second {goal.window.latest}: "
                "the history begins there.",
            )
            first = replace(goal.window, oldest=self._source.bounds.since)
            checkpoint = self._stream.backfilled(first.oldest)
            await self._keep(Gathered(), self._extent, checkpoint)
            self._move(_Goal("backfill", first, checkpoint))
        elif goal.kind != "backfill":
            await self._asker.failed("the far side has no such time range", lane)

    async def _keep(
        self, gathered: Gathered, before: Extent, checkpoint: Checkpoint | None
    ) -> None:
        if not gathered.pages and checkpoint is None:
            return
        now = int(self._world.clock.now())
        stored: Stored = await self._world.write(
            partial(self._store.keep, gathered, before, checkpoint, now)
        )
        self._result.counts.add(stored)

    def _move(self, goal: _Goal) -> None:
        window = goal.window
        match goal.kind:
            case "follow":
                self._extent = replace(self._extent, highest=window.latest)
            case "backfill":
                self._extent = replace(self._extent, lowest=window.oldest)
                self._progress()
            case "sweep" if self._sweep is not None:
                end = self._sweep.latest
                self._sweep = None if window.latest == end else Window(window.latest + 1, end)
                if self._sweep is None:
                    self._extent = replace(self._extent, swept=end)

    def _progress(self) -> None:
        if self._world.on_progress is None:
            return
        since, anchor = self._source.bounds.since, max(self._extent.highest, self._began)
        wanted = max(anchor - since, 1)
        left = self._extent.lowest - since
        read = self._began - self._extent.lowest  # in this run
        took = self._world.clock.steady() - self._began_at
        self._world.on_progress(
            BackfillProgress(
                self._source.org,
                done=wanted - left,
                all=wanted,
                records=self._result.counts.read,
                seconds_left=took * left / read if read > 0 else None,
            )
        )

    async def _keep_state(self) -> None:
        """Keep the state in the lake when it is another than the one kept there."""
        state, why = self._shared.state
        if self._kept_state == (state, why) or state == "note":
            return
        self._kept_state = (state, why)
        refused, since = self._shared.refused, self._source.bounds.since
        await self._world.write(partial(self._store.note_state, since, state, why, refused))


def _taken(reading: Reading, page: Page) -> Unreadable | None:
    try:
        reading.take(page)
    except Unreadable as trouble:
        return trouble
    return None


async def _all(*works: Coroutine[Any, Any, None]) -> None:
    """Run `works` side by side; the first error ends the others and is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
