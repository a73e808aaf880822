"""How downloads are played: in runs with a tool's rhythm, or spread over days with a human one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from gridtrail.sandbox.life import Row
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.staging import Stage, desktop_of

ContextAt = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Pace:
    """How a theft goes: on how many working days, how many files a day, how long a run (hours)."""

    days: int
    files: int
    hours: float


def run(
    stage: Stage,
    person: Person,
    number: int,
    files: list[int],
    at: int,
    hours: float,
    context: ContextAt,
    roll: random.Random,
    repeats: float = 0.07,
) -> list[Row]:
    """Downloads of `files` from second `at` on, over about `hours`, some of them twice."""
    mean = hours * 3_600 / max(len(files) * (1 + repeats), 1)
    rows: list[Row] = []
    now = float(at)
    for file in files:
        text = stage.download(person, file, context(int(now)))
        rows.append(Row(int(now), text, number))
        if roll.random() < repeats:
            rows.append(Row(int(now) + roll.randrange(1, 9), text, number))
        now += roll.weibullvariate(mean * 0.88, 0.8)
    return rows


def runs(
    stage: Stage,
    person: Person,
    number: int,
    days: list[int],
    pace: Pace,
    context: ContextAt,
    roll: random.Random,
    first: list[int] | None = None,
) -> list[Row]:
    """One run a day in the early afternoon; `first` files are taken on the last day."""
    wanted = pace.files * max(len(days), 1)
    files = [file for file in stage.files(person, wanted, roll) if file not in (first or [])]
    rows: list[Row] = []
    for place, day in enumerate(days):
        share = files[place * pace.files : (place + 1) * pace.files]
        if place == len(days) - 1:
            for extra in first or []:
                share.insert(int(len(share) * 0.4), extra)
        at = stage.second(person, day, roll.uniform(13.2, 15.0))
        rows += run(stage, person, number, share, at, pace.hours, context, roll)
    return rows


def spread_over_days(
    stage: Stage,
    person: Person,
    number: int,
    wanted: list[tuple[int, int]],
    files: list[int],
    roll: random.Random,
    hours: tuple[float, float] = (9.2, 16.5),
) -> list[Row]:
    """Downloads over these local hours of each day with human gaps, in the person's own context."""
    device = desktop_of(person)
    rows: list[Row] = []
    place = 0
    for day, count in wanted:
        left = min(count, len(files) - place)
        while left > 0:
            at = stage.second(person, day, roll.uniform(*hours))
            for _ in range(min(left, 1 + int(roll.paretovariate(1.1)))):
                context = stage.own_context(person, device, at)
                rows.append(Row(at, stage.download(person, files[place], context), number))
                at += 8 + int(45 * (roll.random() ** -0.6 - 1))
                place, left = place + 1, left - 1
    return rows
