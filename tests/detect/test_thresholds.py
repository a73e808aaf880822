"""Thresholds: numbers that behave, and alarm rates that are what they are called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect import thresholds as th
from gridtrail.detect.limits import LEVELS, correction

SUBJECTS, DAYS, FIRST_JUDGED = 300, 90, 20

windows = st.lists(
    st.lists(st.integers(1, 200_000), max_size=30), min_size=1, max_size=12
)  # counts of active windows, by subject


def sums(counts: list[list[int]]) -> th.Sums:
    """The fixed-point sums of each subject's windows."""
    y = [
        np.rint(np.log(np.array(c, dtype=np.int64)) * th.LOG_SCALE).astype(np.int64) for c in counts
    ]
    columns = (
        [len(c) * th.UNIT for c in counts],
        [int(one.sum()) * th.UNIT for one in y],
        [int((one * one).sum()) * th.UNIT for one in y],
    )
    return th.Sums.of(*(np.array(column, dtype=np.int64) for column in columns))


def tail_of(counts: list[list[int]]) -> th.Tail:
    """The organization's tail of all windows."""
    values, number = np.unique([x for c in counts for x in c] or [1], return_counts=True)
    return th.organization_tail(values.astype(np.int64), number.astype(np.int64) * th.UNIT)


def predictive_of(counts: list[list[int]]) -> th.Predictive:
    """What is expected of each subject next."""
    known = sums(counts)
    prior = th.organization_prior(known)
    return th.predictive(known, np.full(len(counts), prior.mean), prior)


@given(windows)
def test_finite(counts: list[list[int]]) -> None:
    """No history, constant or huge, gives anything but finite numbers and p-values in 0 to 1."""
    expected, tail = predictive_of(counts), tail_of(counts)
    many = np.array([1.0, 2.0, 17.0, 1e3, 1e6])[:, None]

    p = th.p_values(many, expected, tail)

    assert np.isfinite(expected.location).all()
    assert (expected.scale > 0).all()
    assert ((p >= 0) & (p <= 1)).all()
    assert np.isfinite(expected.quantile(0.99)).all()


@given(windows)
def test_p_falls(counts: list[list[int]]) -> None:
    """The more, the smaller the p-value."""
    many = np.unique(np.rint(np.geomspace(1, 1e6, 60)))[:, None]

    p = th.p_values(many, predictive_of(counts), tail_of(counts))

    assert (np.diff(p, axis=0) <= 1e-12).all()


@given(windows, st.lists(st.floats(1e-9, 0.5), min_size=2, max_size=2))
def test_stricter_level(counts: list[list[int]], levels: list[float]) -> None:
    """A stricter level never has a lower r*, and r* is the first count that reaches its level."""
    expected, tail = predictive_of(counts), tail_of(counts)
    strict, loose = sorted(levels)

    high, low = th.smallest_reaching(np.array([[strict], [loose]]), expected, tail)

    assert (high >= low).all()
    inside = low < th.LARGEST
    assert (th.p_values(low.astype(float), expected, tail)[inside] <= loose).all()
    more = low > 1
    below = th.p_values(np.maximum(low - 1, 1).astype(float), expected, tail)
    assert (below[more] > loose).all()


@given(windows, st.randoms(use_true_random=False))
def test_order_of_values(counts: list[list[int]], roll: object) -> None:
    """The order in which the organization's counts are listed changes nothing."""
    values, number = np.unique([x for c in counts for x in c] or [1], return_counts=True)
    order = np.random.default_rng(len(values)).permutation(len(values))

    one = th.organization_tail(values.astype(np.int64), number.astype(np.int64) * th.UNIT)
    other = th.organization_tail(
        values[order].astype(np.int64), number[order].astype(np.int64) * th.UNIT
    )

    many = np.geomspace(1, 1e6, 50)
    assert one.upper_tail(many).tolist() == other.upper_tail(many).tolist()


def test_nothing_known() -> None:
    """An organization without any window gives the published prior, and a sober threshold."""
    nothing = th.Sums.of(*(np.zeros(1, dtype=np.int64) for _ in range(3)))
    prior = th.organization_prior(nothing)

    expected = th.predictive(nothing, np.array([prior.mean]), prior)
    tail = th.organization_tail(np.zeros(0, np.int64), np.zeros(0, np.int64))
    limit = th.smallest_reaching(np.array([1e-3]), expected, tail)

    assert prior.mean == pytest.approx(th.DEFAULT_MEAN)
    assert prior.within == pytest.approx(th.DEFAULT_WITHIN**2)
    assert 20 < limit[0] < 2000


def test_newcomer_is_judged_by_the_organization() -> None:
    """Somebody without a window has the organization's prior; a busy colleague's is higher."""
    counts = [[3, 2, 4, 3, 2, 3]] * 20 + [[300, 250, 400, 350, 280, 310] * 3, []]
    expected = predictive_of(counts)

    limits = th.smallest_reaching(np.array([[1e-3]]), expected, tail_of(counts))[0]

    prior = th.organization_prior(sums(counts))
    assert expected.location[-1] == pytest.approx(prior.mean)
    assert limits[0] < limits[-2]
    assert limits[0] <= limits[-1]


def test_always_one() -> None:
    """Who always takes exactly one may take a few without being a wonder of the world."""
    expected = predictive_of([[1] * 200] * 5)

    p = expected.upper_tail(np.log(np.array([3.0, 15.0]))[:, None])

    assert p[0].max() > 1e-4
    assert p[1].max() < 1e-6


def test_peers() -> None:
    """A peer group with many windows has its own mean, one with few keeps the organization's."""
    counts = [[20, 22, 19] * 20] * 5 + [[2, 3, 2] * 20] * 20 + [[50]]
    known = sums(counts)
    prior = th.organization_prior(known)
    groups = np.array([0] * 5 + [1] * 20 + [2])

    means = th.peer_means(groups, known, prior)

    assert means[0] > 2 * means[5]
    assert abs(means[-1] - prior.mean) < abs(means[-1] - np.log(50))


@pytest.mark.parametrize("first", [0.5, 1e-3, 1e-12, 1e-200])
def test_combined(first: float) -> None:
    """Two equal p-values combine to themselves, also tiny ones; a weak one at most halves the
    evidence of a strong one."""
    one = np.array([first])

    assert th.combined(one, one)[0] == pytest.approx(first, rel=1e-9)
    assert th.combined(one, np.array([0.5]))[0] == pytest.approx(
        2 * first if first < 1e-2 else 0.5, rel=1e-2
    )


def test_own_habit_speaks_against() -> None:
    """What is rare in the organization but usual for the person is not rare."""
    assert th.combined(np.array([0.9999]), np.array([1e-6]))[0] > 1e-6
    assert th.combined(np.array([1 - 1e-15]), np.array([1e-6]))[0] > 0.5


def test_tail_quantile() -> None:
    """At most 1 − q of the windows exceed the quantile."""
    tail = th.organization_tail(np.array([1, 5, 40]), np.array([90, 9, 1]) * th.UNIT)

    assert tail.quantile(0.5) == 1
    assert tail.quantile(0.95) == 5
    assert tail.quantile(0.999) == 40


# alarm rates --------------------------------------------------------------------------------

Counts = Callable[[np.random.Generator], np.ndarray]


def negative_binomial(roll: np.random.Generator) -> np.ndarray:
    """Over-dispersed counts, the mean and the dispersion different for each person."""
    mean = np.exp(roll.normal(1.2, 0.6, SUBJECTS)) * roll.gamma(1.5, 1 / 1.5, SUBJECTS) + 0.3
    shape = roll.gamma(2, 0.4, SUBJECTS) + 0.15
    return roll.poisson(roll.gamma(shape, mean / shape, (DAYS, SUBJECTS)))


def bursts(roll: np.random.Generator) -> np.ndarray:
    """A few sittings a day, each with a geometric number of things."""
    sittings = roll.poisson(roll.gamma(1.2, 1.5, SUBJECTS) + 0.3, (DAYS, SUBJECTS))
    share = roll.uniform(0.15, 0.6, SUBJECTS)
    more = roll.negative_binomial(np.maximum(sittings, 1), np.broadcast_to(share, sittings.shape))
    return np.where(sittings > 0, sittings + more, 0)


def projects(roll: np.random.Generator) -> np.ndarray:
    """Ordinary days, and for each person a share of days with fifteen times as much."""
    busy = roll.random((DAYS, SUBJECTS)) < roll.beta(1, 12, SUBJECTS)
    return roll.poisson((roll.gamma(2, 1, SUBJECTS) + 1) * np.where(busy, 15, 1))


@dataclass
class Learned:
    """State of a metric from day to day, as the profiles keep it."""

    units: np.ndarray = field(default_factory=lambda: np.zeros(SUBJECTS, np.int64))
    y: np.ndarray = field(default_factory=lambda: np.zeros(SUBJECTS, np.int64))
    y2: np.ndarray = field(default_factory=lambda: np.zeros(SUBJECTS, np.int64))
    histogram: dict[int, int] = field(default_factory=dict)
    ladder: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("units", "reached_1", "reached_2", "reached_3"), 0)
    )

    def limits(self, levels: list[float]) -> np.ndarray:
        """r* of each level and person."""
        seen = self.units > 0
        everybody = th.Sums.of(self.units[seen], self.y[seen], self.y2[seen])
        prior = th.organization_prior(everybody)
        values = np.array(sorted(self.histogram), dtype=np.int64)
        tail = th.organization_tail(values, np.array([self.histogram[int(v)] for v in values]))
        own = th.Sums.of(self.units, self.y, self.y2)
        expected = th.predictive(own, np.full(SUBJECTS, prior.mean), prior)
        return th.smallest_reaching(np.array(levels)[:, None], expected, tail)

    def learn(self, counts: np.ndarray, reached: list[int]) -> None:
        """Take in one day."""
        active = counts > 0
        y = np.rint(np.log(np.maximum(counts, 1)) * th.LOG_SCALE).astype(np.int64)
        self.units, self.y, self.y2 = (
            decayed(before) + np.where(active, new, 0) * th.UNIT
            for before, new in ((self.units, 1), (self.y, y), (self.y2, y * y))
        )
        self.histogram = {v: int(decayed(n)) for v, n in self.histogram.items() if decayed(n) > 0}
        for value in counts[active].tolist():
            self.histogram[value] = self.histogram.get(value, 0) + th.UNIT
        new = dict(zip(self.ladder, [int(active.sum()), *reached], strict=True))
        self.ladder = {k: int(decayed(n)) + new[k] * th.UNIT for k, n in self.ladder.items()}


def decayed(units: np.ndarray | int) -> np.ndarray | int:
    """One day later."""
    return (units * th.DECAY_NUMERATOR) >> th.DECAY_SHIFT


def realised_over_nominal(counts: np.ndarray, nominal: list[float]) -> list[float]:
    """Alarms over those that the level promises, without floors, learning day by day."""
    learned, alarms, judged = Learned(), np.zeros(len(nominal)), 0
    for day, today in enumerate(counts):
        active = today > 0
        reached = [0, 0, 0]
        if day >= 3:
            own = [level / correction(level, learned.ladder) for level in nominal]
            limits = learned.limits([*LEVELS, *own])
            hits = ((today >= limits) & active).sum(axis=1)
            reached = hits[:3].tolist()
            if day >= FIRST_JUDGED:
                alarms += hits[3:]
                judged += int(active.sum())
        learned.learn(today, reached)
    return [float(a) / judged / level for a, level in zip(alarms, nominal, strict=True)]


@pytest.mark.parametrize("generator", [negative_binomial, bursts])
def test_calibration(generator: Counts) -> None:
    """On counts that are not log-normal alarms are between a quarter and 2.5 times as many as the
    level says."""
    ratios = realised_over_nominal(generator(np.random.default_rng(11)), [1e-2, 1e-3])

    assert all(0.25 <= ratio <= 2.5 for ratio in ratios), ratios


def test_calibration_of_two_habits() -> None:
    """Where everybody has days of two very different kinds, which one mean and width cannot say,
    alarms stay within four times the level."""
    ratios = realised_over_nominal(projects(np.random.default_rng(11)), [1e-2, 1e-3])

    assert ratios[0] <= 2.5
    assert ratios[1] <= 4


def test_correction_helps() -> None:
    """Where the model is wrong by much, counting what was reached brings the level back."""
    counts = projects(np.random.default_rng(12))
    learned = Learned()
    for today in counts[:FIRST_JUDGED]:
        learned.learn(today, [0, 0, 0])
    raw = alarms = 0
    for today in counts[FIRST_JUDGED:]:
        active = today > 0
        hits = ((today >= learned.limits([*LEVELS])) & active).sum(axis=1)
        raw, alarms = raw + int(hits[2]), alarms + int(active.sum())
        learned.learn(today, hits.tolist())

    assert raw / alarms / 1e-3 > 3
    assert correction(1e-3, learned.ladder) > 2
