"""What one organization's two tasks share, and what each has of its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from pydantic import SecretStr

from gridtrail.collect.slack_api.clocks import Clock, Horizon
from gridtrail.collect.slack_api.pacing import Budget, Pace
from gridtrail.collect.slack_api.planning import Bounds
from gridtrail.collect.slack_api.storing import Stored
from gridtrail.collect.slack_api.streams import Stream
from gridtrail.errors import GridtrailError
from gridtrail.slack.audit_api import BEGINNING, MAX_LIMIT

_Result = TypeVar("_Result")

Health = Literal["note", "failing", "refused", "working"]


@dataclass(frozen=True, slots=True)
class Source:
    """One organization to collect from; seconds everywhere."""

    org: str
    token: SecretStr | None = None
    base_url: str = "https://api.slack.com/audit/v1/"
    actions: tuple[str, ...] = ()
    since: int = BEGINNING
    settle: int = 60
    overlap: int = 300
    poll: int = 60
    calls_per_minute: int = 45
    limit: int = MAX_LIMIT
    allow_http: bool = False

    @property
    def stream(self) -> Stream:
        """What is read."""
        return Stream.of(self.org, self.actions)

    @property
    def bounds(self) -> Bounds:
        """The limits of planning."""
        return Bounds(max(self.since, BEGINNING), self.overlap)


@dataclass(frozen=True, slots=True)
class Told:
    """A collector says how it fares; `health` is for programs, `message` one sentence."""

    org: str
    health: Health
    message: str


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """How far back an organization's history was read: `done` of `all` seconds of it.

    `seconds_left` is None until there is something to judge by.
    """

    org: str
    done: int
    all: int
    records: int
    seconds_left: float | None


@dataclass(slots=True)
class Result:
    """What one source came to; `error` is one sentence when it ended early."""

    source: Source
    counts: Stored = field(default_factory=Stored)
    calls: int = 0
    error: GridtrailError | None = None


@dataclass(frozen=True)
class World:
    """What the collectors get from outside."""

    clock: Clock
    chance: random.Random
    writer: Executor  # one thread, to which the lake belongs
    tell: Callable[[Told], None]
    on_progress: Callable[[BackfillProgress], None] | None
    gather_bytes: int  # of a window, held before they are stored without moving the checkpoint

    async def write(self, work: Callable[[], _Result]) -> _Result:
        """Do `work` on the lake's thread."""
        return await asyncio.get_running_loop().run_in_executor(self.writer, work)


@dataclass(slots=True)
class Lane:
    """One task: its pace and its failures in a row."""

    name: Literal["follow", "history"]
    pace: Pace
    failures: int = 0
    throttled: int = 0
    why: str = ""


def lanes(source: Source) -> tuple[Lane, Lane]:
    """The two tasks of a source: following, and what lies behind."""
    return (
        Lane("follow", Pace(86_400, source.limit, source.limit)),
        Lane("history", Pace(3_600, source.limit, source.limit)),
    )


@dataclass(slots=True)
class Shared:
    """What both tasks of a source share."""

    budget: Budget
    horizon: Horizon
    once: bool
    patient: bool = False  # go on trying even when the far side refused from the beginning
    refused: tuple[str, ...] = ()  # actions that the far side does not support
    answered: bool = False  # the far side accepted the token once
    state: tuple[Health, str | None] = ("note", None)  # as last kept in the lake
