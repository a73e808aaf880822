"""Detectors that count: distinct items per subject in windows of ten minutes, an hour and a day.

The alarm stands on an integer r* per subject and window, fixed when the day begins (`limits`). The
deciding event is the one that makes the count reach r*: `ordinal = r*` in batch is `counter reaches
r*` in a stream. Calibration is learned the same way: each day it is counted how many windows
reached their thresholds at three nominal levels, and the next days' level is corrected by what was
realised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from gridtrail.detect import thresholds as th
from gridtrail.detect.contract import DAY_SECONDS, DayContext, Profile, Step, table, today
from gridtrail.detect.limits import LEVELS, PARAMETERS, SUBJECT_TYPES, WINDOWS, Frozen, limits
from gridtrail.detect.profiles import FORGET_DAYS, people

LARGEST_LOG = 100_000
HABIT_DAYS, HABIT_SECONDS = 2, 3 * DAY_SECONDS
"""A peak is a habit when it was reached on two days that are three days apart, so that one raid
over two days makes none."""

LOGS = {"value": "int64", "y": "int64"}
COUNTS = {
    "subject": "string",
    "subject_type": "string",
    "window": "int64",
    "units": "int64",
    "sum_y": "int64",
    "sum_y2": "int64",
}
HISTOGRAM = {"subject_type": "string", "window": "int64", "value": "int64", "units": "int64"}
LADDER = {
    "stratum": "string",
    "window": "int64",
    "units": "int64",
    "reached_1": "int64",
    "reached_2": "int64",
    "reached_3": "int64",
}
PEAKS = {
    "subject": "string",
    "subject_type": "string",
    "window": "int64",
    "step": "int64",  # height of a day's highest window: whole quarters of ln count
    "first_day": "int64",  # seconds, start of the day
    "last_day": "int64",
    "days": "int64",
}


def logarithms() -> pa.Table:
    """The constant table `logs`: round(ln value · 4096), so that no engine computes logarithms."""
    values = np.arange(1, LARGEST_LOG + 1, dtype=np.int64)
    y = np.rint(np.log(values) * th.LOG_SCALE).astype(np.int64)
    return pa.table({"value": values, "y": y})


logs = table("logs", LOGS)


def _decayed(column: ir.Column) -> ir.Column:
    return (column * th.DECAY_NUMERATOR) >> th.DECAY_SHIFT


def firsts(items: ir.Table) -> ir.Table:
    """Each item's first event in each window of each subject, numbered in order of time.

    `items` has subject, subject_type, item, at, event_id; the result adds window, bucket (start,
    seconds) and ordinal (1-based). Order inside a second is by event id, not by arrival.
    """
    parts = []
    for window in WINDOWS:
        placed = items.mutate(
            window=ibis.literal(window, "int64"), bucket=items["at"] - items["at"] % window
        )
        order = [placed["at"], placed.event_id]
        again = ibis.row_number().over(
            group_by=[placed.subject, placed.subject_type, placed.bucket, placed.item],
            order_by=order,
        )
        once = placed.mutate(again=again)
        parts.append(once.filter(once.again == 0).drop("again"))
    each = ibis.union(*parts)
    ordinal = ibis.row_number().over(
        group_by=[each.subject, each.subject_type, each.window, each.bucket],
        order_by=[each["at"], each.event_id],
    )
    return each.mutate(ordinal=(ordinal + 1).cast("int64"))


@dataclass(frozen=True)
class Counting:
    """The profiles, thresholds and candidates of one counted thing.

    `metric` names it in tables, `items` is the relation to count (see `firsts`), `floors` the
    count per window below which it never alarms, `min_history_days` how long an organization's
    log must be before it speaks.
    """

    metric: str
    items: ir.Table
    floors: Mapping[int, int]
    share: float
    min_history_days: int = 3
    steps: tuple[Step, ...] = field(init=False)
    profiles: tuple[Profile, ...] = field(init=False)

    def __post_init__(self) -> None:
        each = Step(f"{self.metric}_firsts", firsts(self.items))
        units = each.table.group_by("subject", "subject_type", "window", "bucket").aggregate(
            value=each.table.count().cast("int64")
        )
        object.__setattr__(self, "steps", (each, Step(f"{self.metric}_units", units)))
        own = (self._counts(), self._histogram(), self._ladder(), self._peaks())
        object.__setattr__(self, "profiles", (people, *own))

    @property
    def first_events(self) -> ir.Table:
        """The unbound table of each item's first event in each window (see `firsts`)."""
        return self.steps[0].table

    @property
    def units(self) -> ir.Table:
        """Rows (subject, subject_type, window, bucket, value): active windows and their counts."""
        return self.steps[1].table

    # profiles -------------------------------------------------------------------------------

    def _counts(self) -> Profile:
        units = self.units.mutate(value=lambda u: ibis.least(u.value, LARGEST_LOG))
        joined = units.join(logs, "value")
        summary = joined.group_by("subject", "subject_type", "window").aggregate(
            units=(joined.count() * th.UNIT).cast("int64"),
            sum_y=(joined.y.sum() * th.UNIT).cast("int64"),
            sum_y2=((joined.y * joined.y).sum() * th.UNIT).cast("int64"),
        )
        return Profile(f"counts_{self.metric}", 1, COUNTS, summary.select(*COUNTS), _fold_counts)

    def _histogram(self) -> Profile:
        units = self.units
        summary = units.group_by("subject_type", "window", "value").aggregate(
            units=(units.count() * th.UNIT).cast("int64")
        )
        return Profile(
            f"histogram_{self.metric}", 1, HISTOGRAM, summary.select(*HISTOGRAM), _fold_histogram
        )

    def _ladder(self) -> Profile:
        joined = self.units.join(self.parameters_table, ["subject", "subject_type", "window"])
        reached = {
            f"reached_{i}": ((joined.value >= joined[f"level_{i}"]).sum() * th.UNIT).cast("int64")
            for i in range(1, len(LEVELS) + 1)
        }
        summary = joined.group_by("stratum", "window").aggregate(
            units=(joined.count() * th.UNIT).cast("int64"), **reached
        )
        return Profile(f"ladder_{self.metric}", 1, LADDER, summary.select(*LADDER), _fold_ladder)

    def _peaks(self) -> Profile:
        """Days on which a subject came at least half-way to the floor, by height."""
        units = self.units
        floor = ibis.cases(*((units.window == w, floor) for w, floor in self.floors.items()))
        high = units.filter(units.value * 2 >= floor)
        highest = high.group_by("subject", "subject_type", "window").aggregate(
            value=ibis.least(high.value.max(), LARGEST_LOG)
        )
        summary = highest.join(logs, "value").cross_join(today)
        summary = summary.mutate(
            step=summary.y // th.STEP,
            first_day=summary.day_start,
            last_day=summary.day_start,
            days=ibis.literal(1, "int64"),
        )
        return Profile(f"peaks_{self.metric}", 1, PEAKS, summary.select(*PEAKS), _fold_peaks)

    # thresholds -----------------------------------------------------------------------------

    @cached_property
    def parameters_table(self) -> ir.Table:
        """The unbound table of this metric's thresholds."""
        return table(f"{self.metric}_parameters", PARAMETERS)

    @cached_property
    def candidates(self) -> ir.Table:
        """The events at which a count reached its threshold."""
        keys = ["subject", "subject_type", "window"]
        joined = self.first_events.join(self.parameters_table, keys)
        return joined.filter(joined.ordinal == joined.threshold)

    @cached_property
    def _active(self) -> ir.Table:
        """Everybody with an item today, and since when and where from they were known before."""
        active = self.first_events.select("subject", "subject_type").distinct()
        return _with_home(active, "first_at")

    @cached_property
    def _sums(self) -> ir.Table:
        return _with_home(self.profiles[1].table)

    @cached_property
    def _habits(self) -> ir.Table:
        """The highest peak of each subject and window that is a habit (see HABIT_DAYS)."""
        peaks = self.profiles[4].table
        keys = ["subject", "subject_type", "window"]
        higher = ibis.window(
            group_by=[peaks[key] for key in keys], order_by=peaks.step.desc(), following=0
        )
        reached = peaks.mutate(
            days=peaks.days.sum().over(higher),
            first_day=peaks.first_day.min().over(higher),
            last_day=peaks.last_day.max().over(higher),
        )
        habits = reached.filter(
            (reached.days >= HABIT_DAYS) & (reached.last_day - reached.first_day >= HABIT_SECONDS)
        )
        return habits.group_by(*keys).aggregate(step=habits.step.max())

    def parameters(self, context: DayContext) -> pa.Table | None:
        """Thresholds of everybody who is active today, from state of the day's start."""
        if context.history_days < self.min_history_days:
            return None
        frozen = Frozen(
            subjects=context.read(self._active),
            counts=context.read(self._sums),
            histogram=context.read(self.profiles[2].table),
            ladder=context.read(self.profiles[3].table),
            habits=context.read(self._habits),
            day_start=context.day_start,
        )
        alarms = context.share_per_subject_day(self.share) / len(WINDOWS)
        # apps are not peers of people: one export of an app would be everybody's usual
        return pa.concat_tables(
            limits(frozen.of(kind), window, alarms, self.floors[window])
            for kind in SUBJECT_TYPES
            for window in WINDOWS
        )


def _with_home(subjects: ir.Table, *more: str) -> ir.Table:
    """`subjects` with `home`, the workspace they were known in before today (null: unknown)."""
    known = people.table.select("subject", "subject_type", *more, home=people.table.team)
    joined = subjects.left_join(known, ["subject", "subject_type"])
    return joined.drop("subject_right", "subject_type_right")


def _fold_counts(before: ir.Table, new: ir.Table) -> ir.Table:
    old = before.mutate(**{c: _decayed(before[c]) for c in ("units", "sum_y", "sum_y2")})
    both = old.filter(old.units > 0).union(new)
    return (
        both.group_by("subject", "subject_type", "window")
        .aggregate(**{c: both[c].sum().cast("int64") for c in ("units", "sum_y", "sum_y2")})
        .select(*COUNTS)
    )


def _fold_histogram(before: ir.Table, new: ir.Table) -> ir.Table:
    old = before.mutate(units=_decayed(before.units))
    both = old.filter(old.units > 0).union(new)
    return (
        both.group_by("subject_type", "window", "value")
        .aggregate(units=both.units.sum().cast("int64"))
        .select(*HISTOGRAM)
    )


def _fold_ladder(before: ir.Table, new: ir.Table) -> ir.Table:
    sums = [c for c in LADDER if c not in ("stratum", "window")]
    old = before.mutate(**{c: _decayed(before[c]) for c in sums})
    both = old.union(new)
    return (
        both.group_by("stratum", "window")
        .aggregate(**{c: both[c].sum().cast("int64") for c in sums})
        .select(*LADDER)
    )


def _fold_peaks(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    merged = both.group_by("subject", "subject_type", "window", "step").aggregate(
        first_day=both.first_day.min(),
        last_day=both.last_day.max(),
        days=both.days.sum().cast("int64"),
    )
    kept = merged.cross_join(today)
    kept = kept.filter(kept.last_day >= kept.day_start - FORGET_DAYS * DAY_SECONDS)
    return kept.select(*PEAKS)
