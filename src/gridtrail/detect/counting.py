"""Detectors that count: items per subject in windows of ten minutes, an hour and a day.

The alarm stands on an integer r* per subject and window, fixed when the day begins (`limits`). The
deciding event is the one that makes the count reach r*: `ordinal = r*` in batch is `counter reaches
r*` in a stream. Calibration is learned the same way: each day it is counted how many windows
reached their thresholds at three nominal levels, and the next days' level is corrected by what was
realised. What is too little for any window and too much for weeks is `sequential`.

Windows lie in one another, so each is counted from the items of the next shorter one by hashing
alone; events are put in order only where a count reached its threshold.
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
from gridtrail.detect.limits import (
    LEVELS,
    NEW_DAYS,
    PARAMETERS,
    SUBJECT_TYPES,
    Frozen,
    limits,
    newcomer_limit,
)
from gridtrail.detect.profiles import FORGET_DAYS, people
from gridtrail.detect.sequential import SLOW_PARAMETERS, Slow, slow_limits

LARGEST_LOG = 100_000
HABIT_DAYS, HABIT_SECONDS = 2, 3 * DAY_SECONDS
"""A peak is a habit when it was reached on two days that are three days apart, so that one raid
over two days makes none."""

PLACE = ("subject", "subject_type", "lane")
UNITS = (*PLACE, "window", "bucket", "value")

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


def windows_of(
    items: ir.Table, name: str, windows: tuple[int, ...], *, repeats: bool
) -> tuple[Step, ...]:
    """One step a window, shortest first: the distinct items of each bucket (start, seconds) or,
    with `repeats`, how many rows it has (`value`)."""
    steps: list[Step] = []
    for window in windows:
        source = steps[-1].table if steps else items
        start = source.bucket if steps else source["at"]
        placed = source.mutate(bucket=start - start % window)
        if not repeats:
            placed = placed.select(*PLACE, "bucket", "item").distinct()
        else:
            value = placed.value.sum() if steps else placed.count()
            placed = placed.group_by(*PLACE, "bucket").aggregate(value=value.cast("int64"))
        steps.append(Step(f"{name}_in_{window}", placed))
    return tuple(steps)


def counted(steps: tuple[Step, ...], windows: tuple[int, ...]) -> ir.Table:
    """Rows (subject, subject_type, lane, window, bucket, value) from the steps of `windows_of`."""
    parts = []
    for window, step in zip(windows, steps, strict=True):
        rows = step.table
        if "item" in rows.columns:
            rows = rows.group_by(*PLACE, "bucket").aggregate(value=rows.count().cast("int64"))
        parts.append(rows.mutate(window=ibis.literal(window, "int64")).select(*UNITS))
    return ibis.union(*parts)


def ordinals(items: ir.Table, over: ir.Table, windows: tuple[int, ...]) -> ir.Table:
    """Each item's first event in each window of `over` (subject, subject_type, lane, window,
    bucket, …), numbered in order of time: the result adds `ordinal` (1-based).

    Order inside a second is by event id, not by arrival.
    """
    parts = []
    for window in windows:
        bucket = items["at"] - items["at"] % window
        placed = items.mutate(window=ibis.literal(window, "int64"), bucket=bucket)
        parts.append(placed.join(over, [*PLACE, "window", "bucket"]))
    placed = ibis.union(*parts)
    order = [placed["at"], placed.event_id]
    place = [placed[c] for c in (*PLACE, "window", "bucket")]
    again = ibis.row_number().over(group_by=[*place, placed.item], order_by=order)
    each = placed.mutate(again=again)
    each = each.filter(each.again == 0).drop("again")
    ordinal = ibis.row_number().over(
        group_by=[each[c] for c in (*PLACE, "window", "bucket")],
        order_by=[each["at"], each.event_id],
    )
    return each.mutate(ordinal=(ordinal + 1).cast("int64"))


@dataclass(frozen=True)
class Counting:
    """The profiles, thresholds and candidates of one counted thing.

    `metric` names it in tables. `items` is the relation to count: subject, subject_type, item, at,
    event_id, what `explain` reads, and maybe `lane` (text), within which a subject's items are
    counted. `floors` holds the windows (seconds; each divides the next, the last is a day) and the
    count below which each never alarms, `min_history_days` how long an organization's log must be
    before it speaks. With `slow_share` a share of the budget goes to sequences of days. With
    `repeats` every row counts: items are then all different (event ids).
    """

    metric: str
    items: ir.Table
    floors: Mapping[int, int]
    share: float
    min_history_days: int = 3
    slow_share: float = 0.0
    repeats: bool = False
    steps: tuple[Step, ...] = field(init=False)
    profiles: tuple[Profile, ...] = field(init=False)

    def __post_init__(self) -> None:
        if "lane" not in self.items.columns:
            object.__setattr__(self, "items", self.items.mutate(lane=ibis.literal("")))
        distinct = windows_of(self.items, self.metric, self.windows, repeats=self.repeats)
        units = Step(f"{self.metric}_units", counted(distinct, self.windows))
        object.__setattr__(self, "steps", (*distinct, units))
        own = (self._counts(), self._histogram(), self._ladder(), self._peaks())
        slow = (self.slow.profile, self.slow.crossings) if self.slow else ()
        object.__setattr__(self, "profiles", (people, *own, *slow))

    @property
    def windows(self) -> tuple[int, ...]:
        """The windows' lengths in seconds, shortest first."""
        return tuple(sorted(self.floors))

    @property
    def units(self) -> ir.Table:
        """Rows (subject, subject_type, lane, window, bucket, value): active windows and their
        counts."""
        return self.steps[-1].table

    @cached_property
    def slow(self) -> Slow | None:
        """The sequence of days of each subject, when it is watched."""
        if not self.slow_share:
            return None
        return Slow(self.metric, self.units, self.parameters_table)

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

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """Columns of the thresholds."""
        return {**PARAMETERS, **(SLOW_PARAMETERS if self.slow_share else {})}

    @cached_property
    def parameters_table(self) -> ir.Table:
        """The unbound table of this metric's thresholds."""
        return table(f"{self.metric}_parameters", self.parameter_schema)

    @cached_property
    def late_steps(self) -> tuple[Step, ...]:
        """The windows whose count reached a threshold: on most days there is none, and then their
        events need not be looked for."""
        return (Step(f"{self.metric}_over", self._over()),)

    def _over(self) -> ir.Table:
        limit = self.parameters_table
        if self.slow_share:
            columns = [*PARAMETERS, *Slow.shown]
            limit = limit.select(*columns).mutate(
                lowest=ibis.least(limit.threshold, limit.slow_threshold)
            )
        else:
            limit = limit.mutate(lowest=limit.threshold)
        over = self.units.join(limit, ["subject", "subject_type", "window"])
        return over.filter(over.value >= over.lowest).drop("value", "lowest")

    @cached_property
    def candidates(self) -> ir.Table:
        """The events at which a count reached its threshold."""
        first = ordinals(self.items, self.late_steps[0].table, self.windows)
        decides = first.ordinal == first.threshold
        if self.slow_share:
            decides = decides | (first.ordinal == first.slow_threshold)
        return first.filter(decides)

    @cached_property
    def _active(self) -> ir.Table:
        """Everybody with an item today, and since when and where from they were known before."""
        active = self.units.select("subject", "subject_type").distinct()
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
        alarms = context.share_per_subject_day(self.share) / len(self.windows)
        people_alone = frozen.of("user")
        newcomers = {}
        if context.history_days >= NEW_DAYS:  # before that everything is new to the log
            newcomers = {
                window: newcomer_limit(people_alone, window, alarms, floor)
                for window, floor in self.floors.items()
            }
        # apps are not peers of people: one export of an app would be everybody's usual
        rows = pa.concat_tables(
            limits(frozen.of(kind), window, alarms, self.floors[window], newcomers.get(window))
            for kind in SUBJECT_TYPES
            for window in self.windows
        )
        if self.slow is None:
            return rows
        sequences = context.read(self.slow.profile.table)
        crossings = context.read(self.slow.crossings.table)
        nominal = context.share_per_subject_day(self.slow_share)
        return pa.concat_tables(
            slow_limits(frozen.of(kind), sequences, crossings, rows, nominal)
            for kind in SUBJECT_TYPES
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
