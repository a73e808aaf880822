from __future__ import annotations

import numpy as np

from gridtrail.sandbox.chance import stream
from gridtrail.sandbox.habits import LONGEST, Habits, appetites, gaps

MONDAY = 20_723


def test_absent_people_do_nothing() -> None:
    """A factor of 0 silences a person; the others go on."""
    habits = Habits(1, appetites(50, stream(1, "a")), 5.0)
    factor = np.ones(50)
    factor[::2] = 0.0
    drawn = [habits.draw(MONDAY + day, factor, np.zeros(50, dtype=np.int64)) for day in range(5)]
    persons = np.concatenate([sittings.person for sittings in drawn])
    assert len(persons) > 50
    assert set((persons % 2).tolist()) == {1}


def test_sittings_are_ordered_short_and_heavy_tailed() -> None:
    """Ordered by person and time; the median length is small, the longest bounded and long."""
    habits = Habits(2, appetites(400, stream(2, "a")), 1.0)
    drawn = [
        habits.draw(MONDAY + day, np.ones(400), np.zeros(400, dtype=np.int64)) for day in range(30)
    ]
    for sittings in drawn:
        pairs = list(zip(sittings.person.tolist(), sittings.start.tolist(), strict=True))
        assert pairs == sorted(pairs)
    lengths = np.concatenate([sittings.length for sittings in drawn])
    assert lengths.min() == 1
    assert np.median(lengths) <= 2
    assert 30 < lengths.max() <= LONGEST


def test_few_people_do_most() -> None:
    """The top tenth of the appetites is two thirds of their sum or somewhat more, for any size."""
    for people in (100, 300, 3_000):
        ordered = np.sort(appetites(people, stream(3, people)))
        assert 0.5 < ordered[-people // 10 :].sum() / ordered.sum() < 0.8


def test_gaps_are_about_a_minute() -> None:
    """The median gap inside a sitting is near 70 seconds, none ends the session."""
    drawn = gaps(stream(1, "g"), 20_000)
    assert 55 < np.median(drawn) < 85
    assert drawn.min() > 0
    assert drawn.max() < 1_800
