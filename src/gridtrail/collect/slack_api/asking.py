"""Ask the far side until there is an answer to go on with: budget, patience, health."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gridtrail.collect.slack_api.answers import (
    ActionRefused,
    Answer,
    Broken,
    CursorRefused,
    Denied,
    NoAnswer,
    RangeRefused,
    Throttled,
    understand,
)
from gridtrail.collect.slack_api.lanes import Health, Lane, Result, Shared, Told, World
from gridtrail.collect.slack_api.pacing import back_off
from gridtrail.collect.slack_api.pages import Page
from gridtrail.collect.slack_api.reading import Call
from gridtrail.errors import BadSettings, RetryLater

LOUD_FAILURES = 5
"""So many failures in a row are told, and kept in the lake; it goes on trying."""

_SAME_CALL = 4  # failures before a call is given up for a narrower window
_GIVE_UP = 12  # failures in a row that end a run with an end
_GIVE_UP_THROTTLED = 40
_UNCERTAIN = 3  # refusals that a proxy may have spoken before they are believed
_REFUSED_PAUSE = 300.0  # seconds


class GaveUp(RetryLater):
    """A run with an end failed too often."""


Usable = Page | Broken | CursorRefused | ActionRefused | RangeRefused


class Asker:
    """Makes the calls of one source, for both of its tasks.

    `keep_state` is awaited when the health has changed, before a long wait. A `Broken` comes back
    only after several failures of the same call, so that the caller may ask for less at a time.
    """

    def __init__(
        self,
        call: Callable[[Call], Awaitable[Answer | NoAnswer]],
        shared: Shared,
        world: World,
        result: Result,
        keep_state: Callable[[], Awaitable[None]],
    ) -> None:
        self._call, self._shared, self._world, self._result = call, shared, world, result
        self._keep_state = keep_state
        self._org = result.source.org

    async def ask(self, call: Call, lane: Lane) -> Usable:
        """The answer to `call`, after waiting for the budget and through throttling.

        Raises BadSettings when the far side refuses and the run may end (once, or before it ever
        answered), GaveUp when a run with an end failed too often.
        """
        tries = 0
        denials = 0
        while True:
            outcome = understand(call, await self._one(call))
            if isinstance(outcome, Throttled):
                self._throttled(outcome, lane)
                continue
            lane.throttled = 0
            if isinstance(outcome, Denied):
                denials += 1
                await self._denied(outcome, denials, lane)
            elif isinstance(outcome, Broken):
                tries += 1
                await self.failed(outcome.why, lane)
                if tries >= _SAME_CALL:
                    return outcome
            else:
                self._shared.answered = True
                return outcome

    async def _one(self, call: Call) -> Answer | NoAnswer:
        clock, budget = self._world.clock, self._shared.budget
        while (wait := budget.wait(clock.steady())) > 0:
            await clock.sleep(wait)
        asked_at = clock.steady()
        budget.spend(asked_at)
        self._result.calls += 1
        answer = await self._call(call)
        if isinstance(answer, Answer):
            self._shared.horizon.learn(answer.date, asked_at)
        return answer

    def _throttled(self, throttled: Throttled, lane: Lane) -> None:
        lane.throttled += 1
        wait = back_off(lane.throttled, self._world.chance)
        if throttled.seconds is not None:
            wait = max(throttled.seconds, wait)
        self._shared.budget.pause(self._world.clock.steady(), wait)
        if lane.throttled % LOUD_FAILURES == 0:
            self.tell(
                "note",
                f"The far side answered {lane.throttled} times in a row that there are too many "
                "calls: others of the organization use up the limit, lower "
                "collect.calls_per_minute.",
            )
        if self._shared.once and lane.throttled >= _GIVE_UP_THROTTLED:
            raise GaveUp(
                f"The organization {self._org} is throttled without end: call again later."
            )

    async def failed(self, why: str, lane: Lane) -> None:
        """Count a failure, tell it when it is one of many, and wait.

        Raises GaveUp when a run with an end has failed too often.
        """
        lane.failures += 1
        lane.why = why
        if self._shared.once and lane.failures >= _GIVE_UP:
            raise GaveUp(
                f"Collecting {self._org} failed {lane.failures} times in a row ({why}): "
                "call again later; what was read is kept."
            )
        if lane.failures >= LOUD_FAILURES and lane.failures % LOUD_FAILURES == 0:
            self.tell(
                "failing",
                f"Collecting {self._org} ({lane.name}) failed {lane.failures} times in a row "
                f"({why}); it goes on trying, and nothing is skipped.",
            )
            await self._keep_state()
        await self._world.clock.sleep(back_off(lane.failures, self._world.chance))

    def worked(self, lane: Lane) -> None:
        """The lane has read a window whole."""
        if lane.failures >= LOUD_FAILURES:
            self.tell("working", f"Collecting {self._org} ({lane.name}) works again.")
        lane.failures = 0
        lane.why = ""

    async def _denied(self, denied: Denied, denials: int, lane: Lane) -> None:
        if not denied.certain and denials < _UNCERTAIN:
            await self.failed(denied.sentence, lane)
            return
        may_end = self._shared.once or not (self._shared.answered or self._shared.patient)
        if may_end:
            raise BadSettings(denied.sentence)
        lane.failures = max(lane.failures + 1, LOUD_FAILURES)
        lane.why = denied.sentence
        self.tell("refused", denied.sentence)
        await self._keep_state()
        await self._world.clock.sleep(_REFUSED_PAUSE)

    def tell(self, health: Health, message: str) -> None:
        """Say how it fares."""
        if health != "note":
            self._shared.state = (health, None if health == "working" else message)
        self._world.tell(Told(self._org, health, message))
