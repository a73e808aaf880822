"""Which organizations are simulated for an evaluation: a list that only the seeds decide."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import get_args

from gridtrail.errors import WrongUse
from gridtrail.sandbox.plan import ATTACKS, DEMO_END, Archetype, Loudness, Plan, Story, StoryKind

FIRST_SEED = 100_000
"""Seeds from here on were not looked at while detectors were built."""
LOUDNESSES: tuple[Loudness, ...] = get_args(Loudness)
ARCHETYPES: tuple[Archetype, ...] = get_args(Archetype)
SIZES = (1.0, 2.0, 0.5)
"""People of the organizations in turn, as multiples of what was asked for."""
PLAIN_EVERY = 3
"""Every third organization has no story at all."""
WARMUP_DAYS = 14
SETTLED_DAYS = 35
"""Stories end when the log is at least so old: the longest takes three weeks, and detectors of
novelty speak after two."""
_EVERYBODY = ("client_rollback", "client_rollout", "conference_hotel", "vpn_migration", "outage")
"""They change everybody's client, network or log: each has days of its own."""


def organizations(seeds: Sequence[int], *, people: int, days: int) -> list[Plan]:
    """A plan for each seed, in order.

    Archetypes, sizes and which stories have which loudness rotate with the place in the list, so
    that six organizations in a row show every attack in every loudness. Raises WrongUse when
    `days` leaves no room for stories.
    """
    if days < SETTLED_DAYS + 5:
        raise WrongUse(f"An evaluation needs {SETTLED_DAYS + 5} days or more: ask for more.")
    plans = []
    storied = 0
    for place, seed in enumerate(seeds):
        round_ = place // PLAIN_EVERY  # shifts what rotates, so that nothing always goes together
        plain = place % PLAIN_EVERY == PLAIN_EVERY - 1
        plans.append(
            Plan(
                seed=seed,
                people=max(20, round(people * SIZES[(place - round_) % len(SIZES)])),
                days=days,
                archetype=ARCHETYPES[(place + round_) % len(ARCHETYPES)],
                stories=() if plain else _stories(seed, storied, days),
            )
        )
        storied += not plain
    return plans


def _stories(seed: int, turn: int, days: int) -> tuple[Story, ...]:
    """Each attack in two of three loudnesses (Matt, of whom there is one, in one), each trap in
    one; they end on working days drawn for this seed."""
    roll = random.Random(seed)  # noqa: S311 - the same seed, the same organization
    free = [back for back in range(days - SETTLED_DAYS) if _workday(back)]
    apart = [free[int(len(free) * (place + 0.5) / len(_EVERYBODY))] for place in range(5)]
    stories = []
    for place, kind in enumerate(get_args(StoryKind)):
        first = LOUDNESSES[(place + turn) % 3]
        second = LOUDNESSES[(place + turn + 1) % 3]
        back = _back_of(kind, free, apart, turn, roll)
        stories.append(Story(kind, first, back))
        if kind in ATTACKS and kind != "matt":
            stories.append(Story(kind, second, roll.choice(free)))
    return tuple(stories)


def _back_of(
    kind: str, free: Sequence[int], apart: Sequence[int], turn: int, roll: random.Random
) -> int:
    if kind in _EVERYBODY:
        return apart[(_EVERYBODY.index(kind) + turn) % len(apart)]
    return roll.choice(free)


def _workday(days_before_end: int) -> bool:
    return (DEMO_END - timedelta(days=days_before_end)).weekday() < 5
