"""Slow and low: too little for any day, too much for weeks (the "e-detector" of SCIENCE B.0).

Each day of a subject is a bet against its being as usual. With p the p-value of the day's count
and π how often the subject is active at all, an active day is worth e = ½ (π p)^-½ and an idle day
e = (1 - √π) / (1 - π) = 1 / (1 + √π): on average 1 while all is as usual (the idle day's is the
mean of ½ u^-½ over u in (π, 1), which needs no dice). The logarithms are summed, never below zero
(e-CUSUM; Shin, Ramdas and Rinaldo 2024), and ln(1/α) is reached at most α times a day on average.
Really it is some ten times less often (a sum that begins at zero again loses what it had, and
p-values of whole numbers are careful), so how often the sums reach four heights is counted, and the
height of the alarm is the one that is reached as often as the budget says.

All of it is integers (ln · 4096). p is kept in halves: every p between 2^-(k+1) and 2^-k counts as
their mean bet, which is 1 / (√a + √b). So a day's worth follows from which of a row of counts,
fixed when the day begins, it reaches; and the alarm is again a count r*, fixed when the day begins.
Idle days are accounted for when the subject is next active, so only its own days cost anything.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridtrail.detect import thresholds as th
from gridtrail.detect.contract import DAY_SECONDS, Profile, arrow_schema, today
from gridtrail.detect.limits import Frozen, correction_at, expectation

HALVES = 20
"""p is told apart down to 2^-20, about one in a million."""
NEVER = th.LARGEST + 1
FORGET_DAYS = 90
LEAST_DAYS, LEAST_ITEMS, LEAST_TIMES = 4, 60, 1.5
"""No alarm before so many days, so many items and so many times what was to be expected: shorter
is the affair of windows, less is nobody's."""
SCALE = 100
"""What is expected is kept in hundredths of an item."""
IDLE, ACTIVE = 0.02, 0.98
"""Bounds of how often somebody is active, so that nothing is infinitely surprising."""

HEIGHTS = (0.1, 0.03, 0.01, 0.003)
"""Values of α whose ln(1/α) are the heights at which crossings are counted."""
CAREFUL = 10.0
"""How many times less often than α a height is crossed, while nothing is learned: 16 to 300 times
on counts of four kinds that are not log-normal."""
PRIOR_CROSSINGS = 3.0
LOWEST, HIGHEST = 3.0, 14.0  # of the height of the alarm, natural units

CROSSINGS = {"subject_type": "string", "height": "int64", "days": "int64", "crossed": "int64"}
SEQUENCES = {
    "subject": "string",
    "subject_type": "string",
    "level": "int64",  # sum of ln e · 4096 as of the end of last_day
    "rest": "int64",  # what an idle day takes from it
    "last_day": "int64",  # seconds, start of the last active day
    "first_day": "int64",  # when the sum left zero
    "items": "int64",  # since then
    "expected": "int64",  # since then, hundredths
}
SLOW_PARAMETERS = {
    "slow_threshold": "int64",  # the day's count that raises the alarm; NEVER when none does
    "slow_days": "int64",  # days since the sum left zero, today included
    "slow_items": "int64",  # items of these days before today
    "slow_expected": "int64",  # of these days, today included, in hundredths
    "slow_before": "int64",  # the sum when the day begins
    "slow_level": "int64",  # with what any activity today adds
    "slow_first_day": "int64",
    "slow_rest": "int64",
    **{f"half_{k}": "int64" for k in range(1, HALVES + 1)},  # counts at which p is at most 2^-k
}


def worths() -> list[int]:
    """ln e · 4096 of an active day by how often its p-value can be halved, without −½ ln π."""
    edges = [*(0.5**k for k in range(HALVES + 1)), 0.0]
    return [
        round(-np.log(np.sqrt(high) + np.sqrt(low)) * th.LOG_SCALE)
        for high, low in itertools.pairwise(edges)
    ]


@dataclass(frozen=True)
class Slow:
    """The sequences of one metric; `units` and `parameters` as in `Counting`."""

    metric: str
    units: ir.Table
    parameters: ir.Table

    shown: ClassVar[tuple[str, ...]] = (
        "slow_threshold", "slow_days", "slow_items", "slow_expected", "slow_first_day",
    )  # fmt: skip
    """Columns that candidates carry for `explain`."""

    @cached_property
    def _days(self) -> ir.Table:
        """Today's count of each subject, and the sum after it."""
        days = self.units.filter(self.units.window == DAY_SECONDS)
        keys = ["subject", "subject_type", "window"]
        days = days.group_by(*keys).aggregate(value=days.value.sum())  # over all lanes
        rows = days.join(self.parameters, keys).cross_join(today)
        worth = worths()
        halves = [
            (rows.value >= rows[f"half_{k}"], ibis.literal(worth[k], "int64"))
            for k in range(HALVES, 0, -1)
        ]
        gained = ibis.cases(*halves, else_=ibis.literal(worth[0], "int64"))
        return rows.mutate(after=ibis.greatest(rows.slow_level + gained, 0))

    @cached_property
    def profile(self) -> Profile:
        """Where each subject's sequence stood at the end of its last active day."""
        rows = self._days
        alarmed = rows.value >= rows.slow_threshold
        summary = rows.mutate(
            level=ibis.ifelse(alarmed, ibis.literal(0, "int64"), rows.after),
            rest=rows.slow_rest,
            last_day=rows.day_start,
            first_day=rows.slow_first_day,
            items=rows.slow_items + rows.value,
            expected=rows.slow_expected,
        )
        name = f"sequences_{self.metric}"
        return Profile(name, 1, SEQUENCES, summary.select(*SEQUENCES), _fold)

    @cached_property
    def crossings(self) -> Profile:
        """How often sums went over each height, decayed, of how many active days."""
        rows = self._days
        parts = []
        for height in heights():
            over = (rows.slow_before < height) & (rows.after >= height)
            part = rows.group_by("subject_type").aggregate(
                days=(rows.count() * th.UNIT).cast("int64"),
                crossed=(over.cast("int64").sum() * th.UNIT).cast("int64"),
            )
            parts.append(part.mutate(height=ibis.literal(height, "int64")).select(*CROSSINGS))
        name = f"crossings_{self.metric}"
        return Profile(name, 1, CROSSINGS, ibis.union(*parts), _fold_crossings)


def heights() -> list[int]:
    """HEIGHTS as sums of ln · 4096."""
    return [round(-np.log(alpha) * th.LOG_SCALE) for alpha in HEIGHTS]


def _fold_crossings(before: ir.Table, new: ir.Table) -> ir.Table:
    sums = ("days", "crossed")
    old = before.mutate(**{c: (before[c] * th.DECAY_NUMERATOR) >> th.DECAY_SHIFT for c in sums})
    both = old.union(new)
    return (
        both.group_by("subject_type", "height")
        .aggregate(**{c: both[c].sum().cast("int64") for c in sums})
        .select(*CROSSINGS)
    )


def alarm_height(crossings: pa.Table, nominal: float) -> int:
    """The sum (ln · 4096) that is reached `nominal` times on an active day of a subject.

    The rate of each height is what was counted, with PRIOR_CROSSINGS of what HEIGHTS and CAREFUL
    say; between and beyond the heights it falls by e for each natural unit or, where that is less,
    as between the two highest.
    """
    counted = {row["height"]: row for row in crossings.to_pylist()}
    rates = []
    for alpha, height in zip(HEIGHTS, heights(), strict=True):
        row = counted.get(height, {"days": 0, "crossed": 0})
        days = row["days"] / th.UNIT + PRIOR_CROSSINGS * CAREFUL / alpha
        rates.append(float(np.log((row["crossed"] / th.UNIT + PRIOR_CROSSINGS) / days)))
    rates = [min(rates[: place + 1]) for place in range(len(rates))]  # higher is never more often
    places = [height / th.LOG_SCALE for height in heights()]
    wanted = float(np.log(nominal))
    if wanted >= rates[-1]:
        found = float(np.interp(-wanted, [-rate for rate in rates], places))
    else:
        fall = (rates[0] - rates[-1]) / (places[-1] - places[0])
        found = places[-1] + (rates[-1] - wanted) / min(max(fall, 0.5), 1.0)
    return round(min(max(found, LOWEST), HIGHEST) * th.LOG_SCALE)


def _fold(before: ir.Table, new: ir.Table) -> ir.Table:
    old = before.anti_join(new, ["subject", "subject_type"])
    both = old.union(new).cross_join(today)
    recent = both.last_day >= both.day_start - FORGET_DAYS * DAY_SECONDS
    return both.filter(recent & (both.level > 0)).select(*SEQUENCES)


def slow_limits(
    frozen: Frozen, sequences: pa.Table, crossings: pa.Table, rows: pa.Table, nominal: float
) -> pa.Table:
    """`rows` (limits of all windows) of one type of subjects with SLOW_PARAMETERS.

    `nominal` is the number of alarms for each active subject and day; 0 < nominal < 1.
    """
    mine = rows.filter(pc.field("subject_type") == frozen.subject_type)
    days = mine.filter(pc.field("window") == DAY_SECONDS)
    others = mine.filter(pc.field("window") != DAY_SECONDS)
    unwatched = {name: np.full(others.num_rows, NEVER) for name in SLOW_PARAMETERS}
    those = crossings.filter(pc.field("subject_type") == frozen.subject_type)
    height = alarm_height(those, nominal)
    watched = _watched(frozen, sequences, height) if days.num_rows else {}
    parts = [_with(others, unwatched), _with(days, watched)]
    return pa.concat_tables(part for part in parts if part.num_rows or part is parts[0])


def _with(rows: pa.Table, columns: Mapping[str, th.Integers]) -> pa.Table:
    schema = arrow_schema(SLOW_PARAMETERS)
    for name in SLOW_PARAMETERS:
        values = columns.get(name, np.zeros(rows.num_rows, np.int64))
        rows = rows.append_column(schema.field(name), pa.array(values, pa.int64()))
    return rows


def _watched(frozen: Frozen, sequences: pa.Table, height: int) -> dict[str, th.Integers]:
    known = expectation(frozen, DAY_SECONDS)
    active = np.clip(_active_rate(frozen, known.own.weight), IDLE, ACTIVE)
    state = _state(frozen, sequences)
    idle_days = np.maximum((frozen.day_start - state["last_day"]) // DAY_SECONDS - 1, 0)
    level = np.maximum(state["level"] - state["rest"] * idle_days, 0)
    goes_on = level > 0
    first = np.where(goes_on, state["first_day"], frozen.day_start)
    items = np.where(goes_on, state["items"], 0)
    spread = np.minimum(known.predictive.scale**2 / 2, 2.0)
    usual = active * np.exp(np.minimum(known.predictive.location + spread, 20.0))
    each_day = np.rint(usual * SCALE).astype(np.int64)
    expected = np.where(goes_on, state["expected"] + (idle_days + 1) * each_day, each_day)
    run_days = (frozen.day_start - first) // DAY_SECONDS + 1
    halves = half_counts(frozen, known.predictive)
    start = level + np.rint(-np.log(active) / 2 * th.LOG_SCALE).astype(np.int64)
    reached = reaching(start, halves, height)
    least = np.maximum(LEAST_ITEMS, np.ceil(expected * LEAST_TIMES / SCALE).astype(np.int64))
    limit = np.maximum(reached, np.maximum(least - items, 1))
    none = (reached >= NEVER) | (run_days < LEAST_DAYS)
    return {
        "slow_threshold": np.where(none, NEVER, np.minimum(limit, NEVER)),
        "slow_days": run_days,
        "slow_items": items,
        "slow_expected": expected,
        "slow_before": level,
        "slow_level": start,
        "slow_first_day": first,
        "slow_rest": np.rint(np.log1p(np.sqrt(active)) * th.LOG_SCALE).astype(np.int64),
        **{f"half_{k}": halves[k - 1] for k in range(1, HALVES + 1)},
    }


def _active_rate(frozen: Frozen, weight: th.Floats) -> th.Floats:
    """Decayed active days over decayed days since the first event, with half a day of either."""
    first = pc.fill_null(frozen.subjects["first_at"].combine_chunks(), frozen.day_start)
    at = first.to_numpy(zero_copy_only=False).astype(np.int64)
    days = np.maximum((frozen.day_start - at + DAY_SECONDS - 1) // DAY_SECONDS, 0)
    kept = th.DECAY_NUMERATOR / (1 << th.DECAY_SHIFT)
    watched: th.Floats = (1 - kept**days) / (1 - kept)
    rate: th.Floats = (weight + 0.5) / (watched + 1.0)
    return rate


def _state(frozen: Frozen, sequences: pa.Table) -> dict[str, th.Integers]:
    """The sequences of the active subjects, zero where there is none."""
    mine = sequences.filter(pc.field("subject_type") == frozen.subject_type)
    place = pc.index_in(frozen.subjects["subject"], value_set=mine["subject"]).combine_chunks()
    columns = {}
    for name in ("level", "rest", "last_day", "first_day", "items", "expected"):
        taken = pc.fill_null(mine[name].combine_chunks().take(place), 0)
        columns[name] = taken.to_numpy(zero_copy_only=False).astype(np.int64)
    return columns


def half_counts(frozen: Frozen, expected: th.Predictive) -> th.Integers:
    """For each k of 1 to HALVES (rows) and subject the smallest count whose p-value, corrected by
    what was realised, is at most 2^-k."""
    strata = frozen.strata()
    corrections = {s: frozen.ladder_row(DAY_SECONDS, s) for s in set(strata)}
    rows = []
    for k in range(1, HALVES + 1):
        level = 0.5**k
        factor = {s: correction_at(level, row) for s, row in corrections.items()}
        levels = level / np.array([factor[s] for s in strata])
        rows.append(smallest_count(levels, expected))
    return np.vstack(rows)


def smallest_count(levels: th.Floats, expected: th.Predictive) -> th.Integers:
    """The smallest whole count that a subject's next window reaches with at most this chance."""
    count = np.ceil(np.minimum(expected.upper_quantile(levels), float(th.LARGEST)))
    whole: th.Integers = np.maximum(count, 1).astype(np.int64)
    return whole


def reaching(start: th.Integers, halves: th.Integers, height: int) -> th.Integers:
    """The smallest count of today with which the sum `start` reaches `height`, or NEVER."""
    found = np.full(start.shape, NEVER, dtype=np.int64)
    worth = worths()
    for k in range(HALVES, 0, -1):
        found = np.where(start + worth[k] >= height, halves[k - 1], found)
    return np.where(start + worth[0] >= height, 1, found)
