"""Slow and low: bets that are fair while all is as usual, and won within weeks when it is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from gridtrail.detect import sequential as sq
from gridtrail.detect import thresholds as th
from gridtrail.detect.contract import DAY_SECONDS
from gridtrail.detect.limits import LEVELS, PARAMETERS, Frozen, limits

DAY = DAY_SECONDS
PEOPLE, DAYS, LEARNING = 200, 91, 35
NAMES = pa.array([f"W{n:04}" for n in range(PEOPLE)])
KINDS = pa.array(["user"] * PEOPLE)
ALARMS = 5 / 7000
"""Five alarms in 1,000 weeks of people (SCIENCE 0.3)."""


def work(roll: np.random.Generator) -> np.ndarray:
    """Who is active on each day: fewer at weekends, each person by an own habit."""
    habit = roll.beta(3, 2, PEOPLE)
    week = np.where(np.arange(DAYS) % 7 < 5, 1.0, 0.15)[:, None]
    return roll.random((DAYS, PEOPLE)) < habit * week


def negative_binomial(roll: np.random.Generator) -> np.ndarray:
    """Over-dispersed counts, mean and dispersion different for each person."""
    size = roll.uniform(0.4, 2.5, PEOPLE)
    mean = roll.gamma(1.5, 3, PEOPLE) + 1
    return np.where(
        work(roll), roll.negative_binomial(size, size / (size + mean), (DAYS, PEOPLE)), 0
    )


def bursts(roll: np.random.Generator) -> np.ndarray:
    """Sittings, each of a few items or of many."""
    sittings = roll.poisson(roll.gamma(1.5, 1.0, PEOPLE) + 0.3, (DAYS, PEOPLE))
    share = np.broadcast_to(roll.uniform(0.15, 0.5, PEOPLE), sittings.shape)
    more = roll.negative_binomial(np.maximum(sittings, 1), share)
    return np.where((sittings > 0) & work(roll), sittings + more, 0)


def projects(roll: np.random.Generator) -> np.ndarray:
    """Two habits: ordinary days, and for each person a share of days with ten times as much."""
    busy = roll.random((DAYS, PEOPLE)) < roll.beta(1, 12, PEOPLE)
    counts = roll.poisson((roll.gamma(2, 1, PEOPLE) + 1) * np.where(busy, 10, 1))
    return np.where(work(roll), counts, 0)


@dataclass
class Organization:
    """Frozen state of a metric's days from day to day, as the profiles keep it."""

    day: int = 0
    first: np.ndarray = field(default_factory=lambda: np.full(PEOPLE, -1, np.int64))
    sums: dict[str, np.ndarray] = field(
        default_factory=lambda: {
            c: np.zeros(PEOPLE, np.int64) for c in ("units", "sum_y", "sum_y2")
        }
    )
    histogram: dict[int, int] = field(default_factory=dict)
    reached: np.ndarray = field(default_factory=lambda: np.zeros(1 + len(LEVELS), np.int64))
    crossings: dict[int, list[int]] = field(
        default_factory=lambda: {height: [0, 0] for height in sq.heights()}
    )
    sequences: dict[str, np.ndarray] = field(
        default_factory=lambda: {c: np.zeros(PEOPLE, np.int64) for c in list(sq.SEQUENCES)[2:]}
    )

    def frozen(self) -> Frozen:
        """As of the start of the day."""
        home = pa.array(["T1"] * PEOPLE)
        every = {"subject": NAMES, "subject_type": KINDS}
        ladder = {"stratum": ["member"], "window": [DAY], "units": self.reached[:1]}
        ladder |= {f"reached_{i}": self.reached[i : i + 1] for i in range(1, 1 + len(LEVELS))}
        values = sorted(self.histogram)
        known = self.first >= 0
        return Frozen(
            subjects=pa.table(
                {**every, "first_at": pa.array(self.first, mask=~known), "home": home}
            ),
            counts=pa.table(
                {**every, "window": np.full(PEOPLE, DAY), "home": home, **self.sums}
            ).filter(pa.array(self.sums["units"] > 0)),
            histogram=pa.table(
                {"subject_type": ["user"] * len(values), "window": [DAY] * len(values),
                 "value": pa.array(values, pa.int64()),
                 "units": pa.array([self.histogram[v] for v in values], pa.int64())}
            ),
            ladder=pa.table(ladder),
            habits=pa.table(
                {c: pa.array([], t) for c, t in (("subject", pa.string()),
                 ("subject_type", pa.string()), ("window", pa.int64()), ("step", pa.int64()))}
            ),
            day_start=self.day * DAY,
        ).of("user")  # fmt: skip

    def rows(self, nominal: float) -> dict[str, np.ndarray]:
        """The day's limits of everybody."""
        state = self.frozen()
        table = limits(state, DAY, 1e-3, 1)
        sequences = pa.table({"subject": NAMES, "subject_type": KINDS, **self.sequences})
        crossings = pa.table(
            {"subject_type": ["user"] * len(self.crossings), "height": [*self.crossings],
             "days": [days for days, _ in self.crossings.values()],
             "crossed": [crossed for _, crossed in self.crossings.values()]}
        )  # fmt: skip
        table = sq.slow_limits(state, sequences, crossings, table, nominal)
        return {c: table[c].to_numpy() for c in table.schema.names if c not in PARAMETERS} | {
            f"level_{i}": table[f"level_{i}"].to_numpy() for i in range(1, 1 + len(LEVELS))
        }

    def close(self, counts: np.ndarray, rows: dict[str, np.ndarray]) -> None:
        """Take in the day."""
        active = counts > 0
        halves = sum((counts >= rows[f"half_{k}"]).astype(int) for k in range(1, sq.HALVES + 1))
        level = np.maximum(rows["slow_level"] + np.array(sq.worths())[halves], 0)
        for height, (days, crossed) in self.crossings.items():
            over = active & (rows["slow_before"] < height) & (level >= height)
            self.crossings[height] = [
                int(decayed(days)) + int(active.sum()) * th.UNIT,
                int(decayed(crossed)) + int(over.sum()) * th.UNIT,
            ]
        new = {
            "level": np.where(counts >= rows["slow_threshold"], 0, level),
            "rest": rows["slow_rest"],
            "last_day": np.full(PEOPLE, self.day * DAY),
            "first_day": rows["slow_first_day"],
            "items": rows["slow_items"] + counts,
            "expected": rows["slow_expected"],
        }
        self.sequences = {c: np.where(active, new[c], self.sequences[c]) for c in new}
        y = np.rint(np.log(np.maximum(counts, 1)) * th.LOG_SCALE).astype(np.int64)
        for column, value in (("units", np.ones_like(y)), ("sum_y", y), ("sum_y2", y * y)):
            self.sums[column] = decayed(self.sums[column]) + np.where(active, value, 0) * th.UNIT
        self.histogram = {v: n for v, old in self.histogram.items() if (n := int(decayed(old)))}
        for value in counts[active].tolist():
            self.histogram[value] = self.histogram.get(value, 0) + th.UNIT
        hits = [active, *(active & (counts >= rows[f"level_{i}"]) for i in (1, 2, 3))]
        self.reached = decayed(self.reached) + np.array([int(h.sum()) for h in hits]) * th.UNIT
        self.first = np.where(active & (self.first < 0), self.day * DAY, self.first)
        self.day += 1


def decayed(units: np.ndarray | int) -> np.ndarray:
    """One day later."""
    return (np.asarray(units) * th.DECAY_NUMERATOR) >> th.DECAY_SHIFT


def alarms(counts: np.ndarray, nominal: float) -> np.ndarray:
    """Who alarmed on each day after the first LEARNING ones."""
    organization = Organization()
    found = np.zeros(counts.shape, bool)
    for day, today in enumerate(counts):
        rows = organization.rows(nominal)
        found[day] = (today > 0) & (today >= rows["slow_threshold"])
        organization.close(today, rows)
    return found[LEARNING:]


def exfiltrated(counts: np.ndarray, times: float, roll: np.random.Generator) -> np.ndarray:
    """The counts with so many times a person's usual volume on top, for every tenth person in the
    last three weeks, on their working days or any weekday."""
    more = counts.copy()
    first = DAYS - 21
    usual = counts[:first].sum(axis=0) / np.maximum((counts[:first] > 0).sum(axis=0), 1)
    for person in range(0, PEOPLE, 10):
        for day in range(first, DAYS):
            if day % 7 < 5:
                extra = usual[person] * times * roll.uniform(0.5, 1.5)
                more[day, person] += round(extra)
    return more


Counts = Callable[[np.random.Generator], np.ndarray]


@pytest.mark.parametrize("counts", [negative_binomial, bursts, projects])
def test_calibration_and_recall(counts: Counts) -> None:
    """On counts that are not log-normal false alarms are no more than twice as many as wanted, and
    of those who take three times their usual volume on top for three weeks most are found."""
    roll = np.random.default_rng(21)
    usual = counts(roll)
    changed = exfiltrated(usual, 3, roll)
    innocent = np.arange(PEOPLE) % 10 != 0

    found = alarms(changed, ALARMS)

    active = int((usual[LEARNING:][:, innocent] > 0).sum())
    assert found[:, innocent].sum() <= max(2 * ALARMS * active, 3)
    assert found[-21:, ~innocent].any(axis=0).mean() >= 0.75


@pytest.mark.parametrize("active", [0.02, 0.3, 0.98])
def test_bets_are_fair(active: float) -> None:
    """While all is as usual a day is worth one on average, active or not."""
    edges = [*(0.5**k for k in range(sq.HALVES + 1)), 0.0]
    worth = np.exp(np.array(sq.worths()) / th.LOG_SCALE - np.log(active) / 2)
    idle = np.exp(-np.log1p(np.sqrt(active)))

    mean = (1 - active) * idle + active * float(np.sum(-np.diff(edges) * worth))

    assert mean == pytest.approx(1.0, abs=2e-3)


def crossings(days: int, crossed: list[int]) -> pa.Table:
    """So many active days, and how often each height was crossed."""
    units = pa.array([n * th.UNIT for n in crossed], pa.int64())
    return pa.table(
        {"height": sq.heights(), "days": [days * th.UNIT] * len(crossed), "crossed": units}
    )


def test_height_follows_what_was_crossed() -> None:
    """Where sums rise often the alarm stands higher, where they never do lower; bounded."""
    nothing = sq.alarm_height(crossings(0, [0, 0, 0, 0]), 1e-3)
    quiet = sq.alarm_height(crossings(50_000, [100, 5, 0, 0]), 1e-3)
    lively = sq.alarm_height(crossings(50_000, [3000, 1500, 600, 250]), 1e-3)

    assert quiet < nothing < lively
    assert quiet >= sq.LOWEST * th.LOG_SCALE
    assert sq.alarm_height(crossings(50_000, [50_000] * 4), 1e-9) == sq.HIGHEST * th.LOG_SCALE


def test_the_count_that_alarms() -> None:
    """The higher the sum already is, the fewer items of today raise the alarm; any will do when it
    is there already, and none when it is too far away."""
    halves = np.array([[2 * k] for k in range(1, sq.HALVES + 1)])
    height = 8 * th.LOG_SCALE

    found = [
        int(sq.reaching(np.array([start * th.LOG_SCALE]), halves, height)[0])
        for start in (-5, 5, 7, 9)
    ]

    assert found[0] == sq.NEVER
    assert found[0] > found[1] > found[2] > found[3] == 1


def test_short_or_small_rows_of_days() -> None:
    """No alarm before the fourth day, nor below sixty items or one and a half times what was to be
    expected, however high the sum."""
    organization = Organization()
    for counts in negative_binomial(np.random.default_rng(5))[:40]:
        organization.close(counts, organization.rows(ALARMS))
    high = np.full(PEOPLE, 13 * th.LOG_SCALE)
    yesterday = np.full(PEOPLE, (organization.day - 1) * DAY)
    organization.sequences |= {"level": high, "last_day": yesterday, "first_day": yesterday}

    assert set(organization.rows(ALARMS)["slow_threshold"]) == {sq.NEVER}

    began = np.full(PEOPLE, (organization.day - 10) * DAY)
    few = {"items": np.full(PEOPLE, 20), "expected": np.full(PEOPLE, 100)}
    organization.sequences |= {"first_day": began, **few}
    rows = organization.rows(ALARMS)
    assert (rows["slow_items"] + rows["slow_threshold"] >= sq.LEAST_ITEMS).all()

    many = {"items": np.full(PEOPLE, 200), "expected": np.full(PEOPLE, 400 * sq.SCALE)}
    organization.sequences |= many
    rows = organization.rows(ALARMS)
    assert (rows["slow_items"] + rows["slow_threshold"] >= 600).all()
