"""A small organization with every story, generated once for all tests of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.ledger import Search
from gridtrail.sandbox.life import Life
from gridtrail.sandbox.plan import Loudness, Plan, Story, StoryKind
from gridtrail.sandbox.serving import Serving, served_beside
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.sandbox.staging import Stage
from gridtrail.sandbox.world import World, build_world

Event = dict[str, Any]

PRESENT = 1_795_132_800 + 15 * 3_600
"""A Friday afternoon (2026-11-20, 15:00 UTC)."""

DAYS_BEFORE_END = {"client_rollback": 13, "client_rollout": 5, "conference_hotel": 8}
"""So that the stories that change everybody's client or network do not meet."""


@dataclass(frozen=True)
class Organization:
    """A generated directory, read back."""

    path: Path
    plan: Plan
    events: list[Event]
    truth: list[Event]
    world: Event

    def story(self, kind: str) -> Event:
        """The truth of the first story of that kind."""
        return next(story for story in self.truth if story["kind"] == kind)

    def events_of(self, kind: str) -> list[Event]:
        """The events that belong to that story, ordered by time."""
        ids = set(self.story(kind)["event_ids"])
        chosen = [event for event in self.events if event["id"] in ids]
        return sorted(chosen, key=lambda event: event["date_create"])


def read(path: Path, plan: Plan) -> Organization:
    """Read back what `generate` wrote into `path`."""
    events = [orjson.loads(line) for line in (path / "events.ndjson").read_bytes().splitlines()]
    truth = orjson.loads((path / "truth.json").read_bytes())["stories"]
    world = orjson.loads((path / "world.json").read_bytes())
    return Organization(path, plan, events, truth, world)


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Plan], Organization]:
    """Generates a plan into a fresh directory and reads it back."""

    def made(plan: Plan) -> Organization:
        path = tmp_path_factory.mktemp("organization")
        generate(plan, path)
        return read(path, plan)

    return made


def all_stories(loudness: Loudness) -> tuple[Story, ...]:
    """One of each kind; Slack's own anomaly events beside the two that may have them."""
    return tuple(
        Story(
            kind,
            loudness,
            days_before_end=DAYS_BEFORE_END.get(kind, 0),
            with_slack_anomalies=kind in ("matt", "stolen_session"),
        )
        for kind in get_args(StoryKind)
    )


@pytest.fixture(scope="session")
def loud(make: Callable[[Plan], Organization]) -> Organization:
    """120 people, four weeks, every story as loud as it gets."""
    return make(Plan(seed=3, people=120, days=28, stories=all_stories("loud")))


@pytest.fixture(scope="session")
def stealthy(make: Callable[[Plan], Organization]) -> Organization:
    """120 people, four weeks, every story as quiet as it gets."""
    return make(Plan(seed=3, people=120, days=28, stories=all_stories("stealthy")))


@dataclass
class RealTime:
    """The seconds of the real clock, moved by hand."""

    seconds: float = 1_000.0

    def __call__(self) -> float:
        """Seconds that count up from anywhere."""
        return self.seconds

    def wall(self) -> float:
        """Seconds since the epoch: the same as simulated time begins with."""
        return PRESENT + self.seconds - 1_000.0


@pytest.fixture
def real() -> RealTime:
    """The real clock of the test."""
    return RealTime()


MakeState = Callable[..., SlackState]


@pytest.fixture
def simulate(real: RealTime) -> Iterator[MakeState]:
    """Makes a simulated Slack of 40 people with six days of past, standing still."""
    states: list[SlackState] = []

    def made(*stories: Story, calls_per_minute: int = 0, faults: bool = False) -> SlackState:
        plan = Serving(PRESENT, people=40, days=6, seed=3, stories=stories, faults=faults).plan()
        state = SlackState(
            plan,
            PRESENT,
            speed=0,
            calls_per_minute=calls_per_minute,
            monotonic=real,
            wall=real.wall,
        )
        states.append(state)
        return state

    yield made
    for state in states:
        state.close()


@pytest.fixture(scope="session")
def past() -> Iterator[SlackState]:
    """A simulated Slack with an attack in its past, for reading only; no limits."""
    plan = Serving(
        PRESENT, people=40, days=6, seed=3, stories=(Story("stolen_session", "loud", 1),)
    )
    state = SlackState(plan.plan(), PRESENT, speed=0, calls_per_minute=0, wall=RealTime().wall)
    yield state
    state.close()


@pytest.fixture
def online() -> Iterator[Callable[[SlackState], str]]:
    """Serves states on real sockets; gives the address."""
    with ExitStack() as running:
        yield lambda state: running.enter_context(served_beside(state))


def entries(state: SlackState, **search: Any) -> list[Event]:
    """Everything in the log that fits, oldest first."""
    state.catch_up()
    page = state.organization.ledger.page(Search(**search), 1_000_000)
    return [orjson.loads(text) for text in reversed(page.events)]


@pytest.fixture
def log() -> Callable[..., list[Event]]:
    """Reads a state's log: `log(state, actor=…)`."""
    return entries


@pytest.fixture
def world() -> World:
    """A world of 80 people before anything happens."""
    return build_world(Plan(seed=5, people=80, days=21))


@pytest.fixture
def stage(world: World) -> Stage:
    """A stage on that world."""
    return Stage(world, Life(world))
