"""Detectors that count: distinct items per subject in windows of ten minutes, an hour and a day.

The alarm stands on an integer r* per subject and window, fixed when the day begins. The deciding
event is the one that makes the count reach r*: `ordinal = r*` in batch is `counter reaches r*` in
a stream. Calibration is learned the same way: each day it is counted how many windows reached
their thresholds at three nominal levels, and the next days' level is corrected by what was
realised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridtrail.detect import thresholds as th
from gridtrail.detect.contract import (
    DAY_SECONDS,
    DayContext,
    Profile,
    Step,
    arrow_schema,
    table,
)
from gridtrail.detect.profiles import people

WINDOWS = (600, 3600, DAY_SECONDS)
SUBJECT_TYPES = ("user", "app")
LEVELS = (0.1, 0.01, 0.001)
NEW_DAYS = 14
LARGEST_LOG = 100_000

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
PARAMETERS = {
    "subject": "string",
    "window": "int64",
    "stratum": "string",
    "threshold": "int64",  # r*: the count that raises the alarm
    "level_1": "int64",
    "level_2": "int64",
    "level_3": "int64",
    "p_value": "float64",  # of the threshold
    "typical": "int64",  # this subject's middle active window
    "high": "int64",  # 99 of 100 of its active windows stay below
    "windows_seen": "int64",  # active windows behind these, decayed
    "peer_typical": "int64",
    "organization_typical": "int64",
    "organization_high": "int64",  # 99 of 100 windows of the organization stay below
    "organization_windows": "int64",
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
            group_by=[placed.subject, placed.bucket, placed.item], order_by=order
        )
        once = placed.mutate(again=again)
        parts.append(once.filter(once.again == 0).drop("again"))
    each = ibis.union(*parts)
    ordinal = ibis.row_number().over(
        group_by=[each.subject, each.window, each.bucket], order_by=[each["at"], each.event_id]
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
    active: ir.Table = field(init=False)
    profiles: tuple[Profile, ...] = field(init=False)

    def __post_init__(self) -> None:
        each = Step(f"{self.metric}_firsts", firsts(self.items))
        units = each.table.group_by("subject", "subject_type", "window", "bucket").aggregate(
            value=each.table.count().cast("int64")
        )
        object.__setattr__(self, "steps", (each, Step(f"{self.metric}_units", units)))
        object.__setattr__(self, "active", _active_subjects(each.table))
        own = (self._counts(), self._histogram(), self._ladder())
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
        joined = self.units.join(self.parameters_table, ["subject", "window"])
        reached = {
            f"reached_{i}": ((joined.value >= joined[f"level_{i}"]).sum() * th.UNIT).cast("int64")
            for i in range(1, len(LEVELS) + 1)
        }
        summary = joined.group_by("stratum", "window").aggregate(
            units=(joined.count() * th.UNIT).cast("int64"), **reached
        )
        return Profile(f"ladder_{self.metric}", 1, LADDER, summary.select(*LADDER), _fold_ladder)

    # thresholds -----------------------------------------------------------------------------

    @property
    def parameters_table(self) -> ir.Table:
        """The unbound table of this metric's thresholds."""
        return table(f"{self.metric}_parameters", PARAMETERS)

    @property
    def candidates(self) -> ir.Table:
        """The events at which a count reached its threshold."""
        joined = self.first_events.join(self.parameters_table, ["subject", "window"])
        return joined.filter(joined.ordinal == joined.threshold)

    def parameters(self, context: DayContext) -> pa.Table | None:
        """Thresholds of everybody who is active today, from state of the day's start."""
        if context.history_days < self.min_history_days:
            return None
        subjects = context.read(self.active).sort_by([("subject", "ascending")])
        counts = context.read(self.profiles[1].table).sort_by(
            [("window", "ascending"), ("subject", "ascending")]
        )
        histogram = context.read(self.profiles[2].table)
        ladder = context.read(self.profiles[3].table).to_pylist()
        alarms = context.share_per_subject_day(self.share) / len(WINDOWS)
        parts = []
        # apps are not peers of people: one export of an app would be everybody's usual
        for kind in SUBJECT_TYPES:
            of_kind = pc.field("subject_type") == kind
            frozen = _Frozen(
                subjects.filter(of_kind),
                counts.filter(of_kind),
                histogram.filter(of_kind),
                ladder,
                context.day_start,
            )
            parts += [_of_window(w, frozen, alarms, self.floors[w]) for w in WINDOWS]
        return pa.concat_tables(parts)


def _active_subjects(first_events: ir.Table) -> ir.Table:
    """Rows (subject, subject_type, team, first_at, home) of everybody with an item today."""
    active = first_events.group_by("subject", "subject_type").aggregate(
        team=first_events.team.max()
    )
    tenure = people.table.select("subject", "first_at", home=people.table.team)
    return active.left_join(tenure, "subject").drop("subject_right")


@dataclass(frozen=True, slots=True)
class _Frozen:
    """What thresholds are made of, as of the day's start."""

    subjects: pa.Table  # subject, subject_type, team, first_at, home; ordered by subject
    counts: pa.Table
    histogram: pa.Table
    ladder: list[dict[str, Any]]
    day_start: int

    def strata(self) -> list[str]:
        """`app`, `new` (less than 14 days since the first event) or `member` for each row."""
        young = self.day_start - NEW_DAYS * DAY_SECONDS
        columns = (self.subjects[c].to_pylist() for c in ("subject_type", "first_at"))
        return [
            "app" if kind == "app" else "new" if first is None or first > young else "member"
            for kind, first in zip(*columns, strict=True)
        ]

    def windows_a_day(self, window: int) -> float:
        """Active windows of this length on an active day of a subject, on average (at least 1)."""
        totals = {w: pc.sum(_where(self.histogram, w)["units"]).as_py() or 0 for w in WINDOWS}
        days = totals[DAY_SECONDS]
        return max(totals[window] / days, 1.0) if days else 1.0

    def levels(self, window: int, alarms: float, strata: list[str]) -> th.Floats:
        """P-value at which each row alarms: `alarms` per subject and day over the windows that an
        active day has, corrected by the rate that was realised in its stratum."""
        nominal = alarms / self.windows_a_day(window)
        rows = {row["stratum"]: row for row in self.ladder if row["window"] == window}
        corrections = {s: _correction(nominal, rows.get(s)) for s in set(strata)}
        return np.array([nominal / corrections[s] for s in strata], dtype=np.float64)


def _where(rows: pa.Table, window: int) -> pa.Table:
    return rows.filter(pc.field("window") == window)


def _of_window(window: int, frozen: _Frozen, alarms: float, floor: int) -> pa.Table:
    """Rows of PARAMETERS for one window length."""
    counts, histogram = _where(frozen.counts, window), _where(frozen.histogram, window)
    everybody = th.Sums.of(*(_ints(counts, c) for c in ("units", "sum_y", "sum_y2")))
    prior = th.organization_prior(everybody)
    tail = th.organization_tail(_ints(histogram, "value"), _ints(histogram, "units"))
    own = _aligned(frozen.subjects, counts)
    peer_mean = th.peer_means(_peer_numbers(frozen.subjects), own, prior)
    expected = th.predictive(own, peer_mean, prior)
    strata = frozen.strata()
    levels = frozen.levels(window, alarms, strata)
    threshold = np.maximum(_by_level(levels, expected, tail), floor)
    size = frozen.subjects.num_rows
    middle, high = _quantiles(tail)
    return pa.table(
        {
            "subject": frozen.subjects["subject"],
            "window": np.full(size, window, dtype=np.int64),
            "stratum": pa.array(strata, pa.string()),
            "threshold": threshold,
            **{
                f"level_{i}": th.smallest_reaching(nominal, expected, tail)
                for i, nominal in enumerate(LEVELS, 1)
            },
            "p_value": th.p_values(threshold.astype(np.float64), expected, tail),
            "typical": _rounded(np.exp(expected.location)),
            "high": _rounded(expected.quantile(0.99)),
            "windows_seen": np.rint(own.weight).astype(np.int64),
            "peer_typical": _rounded(np.exp(peer_mean)),
            "organization_typical": np.full(size, middle, dtype=np.int64),
            "organization_high": np.full(size, high, dtype=np.int64),
            "organization_windows": np.full(size, round(tail.total), dtype=np.int64),
        }
    ).cast(arrow_schema(PARAMETERS))


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


def _ints(rows: pa.Table, column: str) -> th.Integers:
    values: th.Integers = rows[column].to_numpy().astype(np.int64)
    return values


def _aligned(subjects: pa.Table, counts: pa.Table) -> th.Sums:
    """Sums in the order of `subjects`, zero for those without a window so far."""
    place = pc.index_in(subjects["subject"], value_set=counts["subject"])
    columns = []
    for column in ("units", "sum_y", "sum_y2"):
        taken = pc.fill_null(counts[column].combine_chunks().take(place), 0)
        columns.append(taken.to_numpy(zero_copy_only=False).astype(np.int64))
    return th.Sums.of(*columns)


def _peer_numbers(subjects: pa.Table) -> th.Integers:
    home = pc.coalesce(subjects["home"], subjects["team"], pa.scalar(""))
    group = pc.binary_join_element_wise(subjects["subject_type"], home, "/")
    encoded = group.combine_chunks().dictionary_encode()
    numbers: th.Integers = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers


def _correction(nominal: float, row: Mapping[str, int] | None) -> float:
    """Realised over nominal alarm rate of a stratum, at the strictest level that has had a chance
    of ten alarms, shrunk to 1 and bounded to [1/4, 8]."""
    if row is None:
        return 1.0
    correction = 1.0
    for i, level in enumerate(LEVELS, 1):
        expected = row["units"] / th.UNIT * level
        if level < nominal or expected < 10:
            break
        correction = (row[f"reached_{i}"] / th.UNIT + 3.0) / (expected + 3.0)
    return min(max(correction, 0.25), 8.0)


def _by_level(levels: th.Floats, expected: th.Predictive, tail: th.Tail) -> th.Integers:
    result = np.zeros(levels.shape, dtype=np.int64)
    for level in np.unique(levels):
        chosen = levels == level
        part = th.Predictive(
            expected.location[chosen], expected.scale[chosen], expected.degrees[chosen]
        )
        result[chosen] = th.smallest_reaching(float(level), part, tail)
    return result


def _rounded(values: th.Floats) -> th.Integers:
    counts: th.Integers = np.rint(np.minimum(values, float(th.LARGEST))).astype(np.int64)
    return np.maximum(counts, 1)


def _quantiles(tail: th.Tail) -> tuple[int, int]:
    """The organization's middle window and the count below which 99 of 100 stay."""
    if not tail.values.size:
        return 0, 0
    middle = tail.values[np.flatnonzero(tail.survival >= 0.5)[-1]]
    high = np.flatnonzero(tail.survival <= 0.01)
    return int(middle), int(tail.values[high[0]] if high.size else tail.values[-1])
