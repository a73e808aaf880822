"""A small organization with every story, generated once for all tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.life import Life
from gridtrail.sandbox.plan import Loudness, Plan, Story, StoryKind
from gridtrail.sandbox.staging import Stage
from gridtrail.sandbox.world import World, build_world

Event = dict[str, Any]

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


@pytest.fixture
def world() -> World:
    """A world of 80 people before anything happens."""
    return build_world(Plan(seed=5, people=80, days=21))


@pytest.fixture
def stage(world: World) -> Stage:
    """A stage on that world."""
    return Stage(world, Life(world))
