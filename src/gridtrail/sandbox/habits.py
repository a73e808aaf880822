"""When people sit down at Slack: habit, mood and contagion, drawn a day at a time.

A person has a few habitual times of day. Each is kept with a chance that follows the person's
appetite, the kind of day and a mood that lasts for days (quiet, ordinary, crunch). A sitting may
call forth further sittings (self-excitation with a heavy-tailed delay). Sitting lengths and the
gaps inside follow Lomax laws. No count is drawn from a log-normal or constant-rate Poisson law:
those are the families that detectors assume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridtrail.sandbox.chance import stream
from gridtrail.sandbox.clock import DAY, HOUR, weekday

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TIMES = np.array([6.8, 8.6, 9.2, 10.1, 11.2, 12.4, 13.4, 14.3, 15.3, 16.4, 17.4, 19.4, 21.2, 23.4])
_POPULAR = np.array([0.35, 0.9, 1.5, 1.6, 1.4, 0.8, 1.3, 1.5, 1.4, 1.1, 0.7, 0.45, 0.4, 0.16])
_MOOD_FACTORS = np.array([0.53, 1.0, 1.9])
_MOOD_STAYS = 0.87
_MOOD_SHARES = np.array([0.35, 0.45, 0.20])
_WEEKEND = 0.34
MEAN_DEEDS = 1.3
LONGEST = 120
ALPHA = 1.85


@dataclass(frozen=True, slots=True)
class Sittings:
    """Sittings of one calendar day, ordered by person: `person` index, `start` in seconds since
    the epoch, `length` in deeds (at least 1)."""

    person: Ints
    start: Ints
    length: Ints


def appetites(people: int, rng: np.random.Generator) -> Floats:
    """Expected deeds a working day of each person: a Zipf-Mandelbrot law over a shuffled rank."""
    rank = (rng.permutation(people) + 0.5) * (300.0 / people)
    weight = (rank + 6.6) ** -1.7
    weight *= rng.uniform(0.75, 1.3, people)
    return np.asarray(weight / weight.mean() * MEAN_DEEDS, dtype=np.float64)


class Habits:
    """The rhythm of all people; `draw` has to be called for consecutive days."""

    def __init__(self, seed: int, appetite: Floats, scale: float) -> None:
        rng = stream(seed, "habits")
        self._seed = seed
        people = len(appetite)
        self._appetite = appetite * scale
        self._times = _TIMES + rng.normal(0, 0.9, (people, 1)) + rng.normal(0, 0.25, (people, 14))
        taste = _POPULAR * rng.gamma(0.9, 1.0, (people, 14))
        self._taste = taste / taste.sum(axis=1, keepdims=True)
        self._contagion = np.clip(0.2 + 0.04 * np.log1p(self._appetite), 0.2, 0.4)
        self._mood = rng.choice(3, people, p=_MOOD_SHARES)
        self._scale = 1.1 + 0.3 * np.log1p(self._appetite)  # of the sitting lengths

    def draw(self, day: int, factor: Floats, offset: Ints) -> Sittings:
        """Sittings of the local calendar `day` (days since the epoch).

        `factor` multiplies each person's appetite (0 for absent), `offset` is each person's
        distance from UTC in seconds.
        """
        rng = stream(self._seed, "habits", day)
        people = len(self._appetite)
        changed = rng.random(people) > _MOOD_STAYS
        self._mood = np.where(changed, rng.choice(3, people, p=_MOOD_SHARES), self._mood)
        want = self._appetite * factor * _MOOD_FACTORS[self._mood]
        want *= _WEEKEND if weekday(day) >= 5 else 1.0
        primary = want * (1 - self._contagion) / self._mean_length()
        kept = rng.random(self._taste.shape) < 1 - np.exp(-primary[:, None] * self._taste)
        person, slot = np.nonzero(kept)
        hour = self._times[person, slot] + rng.normal(0, 0.35, len(person))
        start = day * DAY - offset[person] + hour * HOUR
        person, start = self._spread(rng, person, start)
        order = np.lexsort((start, person))
        person, start = person[order], start[order]
        scale = self._scale[person] * np.where(self._mood[person] == 2, 1.3, 1.0)
        length = 1 + scale * (rng.random(len(person)) ** (-1 / ALPHA) - 1)
        return Sittings(
            person, start.astype(np.int64), np.minimum(length, LONGEST).astype(np.int64)
        )

    def _mean_length(self) -> Floats:
        return np.asarray(0.55 + self._scale, dtype=np.float64)

    def _spread(self, rng: np.random.Generator, person: Ints, start: Floats) -> tuple[Ints, Floats]:
        """Sittings that call forth others, generation after generation."""
        persons, starts = [person], [start]
        for _ in range(12):
            calls = rng.random(len(person)) < self._contagion[person]
            person = person[calls]
            if not len(person):
                break
            wait = 2_600 * (rng.random(len(person)) ** (-1 / 1.5) - 1) + 1_500
            start = start[calls] + np.minimum(wait, 30_000)
            persons.append(person)
            starts.append(start)
        return np.concatenate(persons), np.concatenate(starts)


def gaps(rng: np.random.Generator, count: int) -> Ints:
    """Seconds between deeds of one sitting: heavy-tailed, median about 70, at most 20 minutes."""
    wait = 6 + 114 * (rng.random(count) ** (-1 / 1.7) - 1)
    return np.asarray(np.minimum(wait, 1_200), dtype=np.int64)
