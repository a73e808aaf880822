"""From frozen sums to each subject's limits: which count in which window raises the alarm.

Everything here is read as of the day's start; of the day itself only the names of those who are
active in it. So the limits are the same whenever in the day they are computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gridtrail.detect import thresholds as th
from gridtrail.detect.contract import DAY_SECONDS, arrow_schema

SUBJECT_TYPES = ("user", "app")
LEVELS = (0.1, 0.01, 0.001)
NEW_DAYS = 14
UNKNOWN_APP_DAYS = 3
"""An app known for less, or that never did this before, must not do more than a person would."""
UNKNOWN_FLOORS = 10
"""Of whom nothing is known a wide prior allows thousands: not more than so many floors, or than
what one in a thousand windows of the organization's people exceeds."""

PARAMETERS = {
    "subject": "string",
    "subject_type": "string",
    "window": "int64",
    "stratum": "string",
    "threshold": "int64",  # r*: the count that raises the alarm
    "level_1": "int64",
    "level_2": "int64",
    "level_3": "int64",
    "p_value": "float64",  # of the threshold
    "typical": "int64",  # this subject's middle active window
    "high": "int64",  # 99 of 100 of its active windows stay below
    "habit": "int64",  # reached on several days before; 0 when there is no such peak
    "windows_seen": "int64",  # active windows behind these, decayed
    "peer_typical": "int64",
    "organization_typical": "int64",
    "organization_high": "int64",  # 99 of 100 windows of the organization stay below
    "organization_windows": "int64",
}


@dataclass(frozen=True, slots=True)
class Frozen:
    """What limits are made of, as of the day's start (columns beside subject, subject_type)."""

    subjects: pa.Table  # first_at, home: of those active today; null when not known before
    counts: pa.Table  # window, units, sum_y, sum_y2, home
    histogram: pa.Table  # window, value, units
    ladder: pa.Table  # stratum, window, units, reached_1, reached_2, reached_3
    habits: pa.Table  # window, step
    day_start: int
    subject_type: str = ""  # of all rows, once `of` has chosen

    def of(self, subject_type: str) -> Frozen:
        """The part of one type of subjects; rows in a fixed order."""
        by_name = [("window", "ascending"), ("subject", "ascending")]
        return replace(
            self,
            subject_type=subject_type,
            subjects=_of(self.subjects, subject_type).sort_by([("subject", "ascending")]),
            counts=_of(self.counts, subject_type).sort_by(by_name),
            histogram=_of(self.histogram, subject_type),
            habits=_of(self.habits, subject_type),
        )

    def strata(self) -> list[str]:
        """`app`, `new` (less than 14 days since the first event) or `member` for each subject."""
        young = self.day_start - NEW_DAYS * DAY_SECONDS
        columns = (self.subjects[c].to_pylist() for c in ("subject_type", "first_at"))
        return [
            "app" if kind == "app" else "new" if first is None or first > young else "member"
            for kind, first in zip(*columns, strict=True)
        ]

    def windows_a_day(self, window: int) -> float:
        """Active windows of this length on an active day of a subject, on average (at least 1)."""
        days, those = (
            pc.sum(_where(self.histogram, w)["units"]).as_py() or 0 for w in (DAY_SECONDS, window)
        )
        return max(those / days, 1.0) if days else 1.0

    def levels(self, window: int, alarms: float, strata: list[str]) -> th.Floats:
        """P-value at which each row alarms: `alarms` per subject and day over the windows that an
        active day has, corrected by the rate that was realised in its stratum."""
        nominal = alarms / self.windows_a_day(window)
        corrections = {s: correction(nominal, self.ladder_row(window, s)) for s in set(strata)}
        return np.array([nominal / corrections[s] for s in strata], dtype=np.float64)

    def ladder_row(self, window: int, stratum: str) -> Mapping[str, Any] | None:
        """What a stratum's windows reached so far; None when it has had none."""
        rows = _where(self.ladder, window)
        found = rows.filter(pc.equal(rows["stratum"], stratum)).to_pylist()
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of each active subject's next window, and what that stands on."""

    own: th.Sums
    peer_mean: th.Floats
    predictive: th.Predictive
    tail: th.Tail


def expectation(frozen: Frozen, window: int) -> Expectation:
    """The predictive distribution of each of `frozen.subjects` (one type) in one window."""
    counts, histogram = _where(frozen.counts, window), _where(frozen.histogram, window)
    everybody = _sums(counts)
    prior = th.organization_prior(everybody)
    tail = th.organization_tail(_ints(histogram, "value"), _ints(histogram, "units"))
    own = _sums(counts, pc.index_in(frozen.subjects["subject"], value_set=counts["subject"]))
    peer_mean = _peer_means(frozen, counts, everybody, prior)
    return Expectation(own, peer_mean, th.predictive(own, peer_mean, prior), tail)


def newcomer_limit(people: Frozen, window: int, alarms: float, floor: int) -> int:
    """r* of somebody of whom nothing is known, by the people of the organization alone."""
    counts, histogram = _where(people.counts, window), _where(people.histogram, window)
    prior = th.organization_prior(_sums(counts))
    tail = th.organization_tail(_ints(histogram, "value"), _ints(histogram, "units"))
    nothing = th.Sums(*(np.zeros(1) for _ in range(3)))
    expected = th.predictive(nothing, np.array([prior.mean]), prior)
    limit = th.smallest_reaching(people.levels(window, alarms, ["new"]), expected, tail)[0]
    return int(min(limit, max(UNKNOWN_FLOORS * floor, tail.quantile(0.999) + 1)))


def limits(
    frozen: Frozen, window: int, alarms: float, floor: int, newcomer: int | None = None
) -> pa.Table:
    """Rows of PARAMETERS for the active subjects of one type and one window length.

    `alarms` is the nominal number of alarms per subject and day, `floor` the count below which
    there is none, `newcomer` the most that an unknown subject may have (see `newcomer_limit`).
    """
    if not frozen.subjects.num_rows:
        return arrow_schema(PARAMETERS).empty_table()
    known = expectation(frozen, window)
    expected, tail = known.predictive, known.tail
    strata = frozen.strata()
    habit = _habits(frozen, window)
    ladder = np.repeat(np.array(LEVELS)[:, None], len(strata), axis=1)
    levels = np.vstack([frozen.levels(window, alarms, strata), ladder])
    reached = th.smallest_reaching(levels, expected, tail)
    limit = reached[0]
    if newcomer is not None:
        limit = np.where(_unknown(frozen, known), np.minimum(limit, newcomer), limit)
    threshold = np.maximum(np.maximum(limit, floor), habit)
    size = frozen.subjects.num_rows
    middle, high = tail.quantile(0.5), tail.quantile(0.99)
    p_value = th.p_values(threshold.astype(np.float64), expected, tail)
    # a limit for the unknown is as rare as its level says, by the yardstick of people
    p_value = np.where(limit < reached[0], levels[0], p_value)
    return pa.table(
        {
            "subject": frozen.subjects["subject"],
            "subject_type": frozen.subjects["subject_type"],
            "window": np.full(size, window, dtype=np.int64),
            "stratum": pa.array(strata, pa.string()),
            "threshold": threshold,
            **{f"level_{i}": reached[i] for i in range(1, len(LEVELS) + 1)},
            "p_value": p_value,
            "typical": _rounded(np.exp(expected.location)),
            "high": _rounded(expected.quantile(0.99)),
            "habit": habit,
            "windows_seen": np.rint(known.own.weight).astype(np.int64),
            "peer_typical": _rounded(np.exp(known.peer_mean)),
            "organization_typical": np.full(size, middle, dtype=np.int64),
            "organization_high": np.full(size, high, dtype=np.int64),
            "organization_windows": np.full(size, round(tail.total), dtype=np.int64),
        }
    ).cast(arrow_schema(PARAMETERS))


def _unknown(frozen: Frozen, known: Expectation) -> npt.NDArray[np.bool_]:
    """Who had no window before today, and apps first seen less than UNKNOWN_APP_DAYS ago."""
    young = frozen.day_start - UNKNOWN_APP_DAYS * DAY_SECONDS
    columns = (frozen.subjects[c].to_pylist() for c in ("subject_type", "first_at"))
    new = [kind == "app" and (at is None or at > young) for kind, at in zip(*columns, strict=True)]
    unknown: npt.NDArray[np.bool_] = np.array(new) | (known.own.weight == 0)
    return unknown


def correction(nominal: float, row: Mapping[str, Any] | None) -> float:
    """Realised over nominal alarm rate of a stratum, at the strictest level that has had a chance
    of ten alarms, shrunk to 1 and bounded to [1/4, 8].

    Below 1 only at the strictest level: counts are whole numbers, so a loose level is realised
    less often than it says without the strict one being so.
    """
    if row is None:
        return 1.0
    found = 1.0
    for i, level in enumerate(LEVELS, 1):
        expected = row["units"] / th.UNIT * level
        if level < nominal or expected < 10:
            break
        found = (row[f"reached_{i}"] / th.UNIT + 3.0) / (expected + 3.0)
        if level > LEVELS[-1]:
            found = max(found, 1.0)
    return min(max(found, 0.25), 8.0)


def correction_at(level: float, row: Mapping[str, Any] | None) -> float:
    """Realised over nominal rate at any level, at least 1 and at most 8: between the levels of the
    ladder in proportion to ln level, 1 at level 1."""
    if row is None or not row["units"]:
        return 1.0
    known = [(0.0, 0.0)]
    for i, nominal in enumerate(LEVELS, 1):
        expected = row["units"] / th.UNIT * nominal
        if expected >= 3:
            ratio = (row[f"reached_{i}"] / th.UNIT + 3.0) / (expected + 3.0)
            known.append((-np.log(nominal), min(max(np.log(ratio), 0.0), np.log(8.0))))
    places, factors = zip(*known, strict=True)
    return float(np.exp(np.interp(-np.log(level), places, factors)))


def _of(rows: pa.Table, subject_type: str) -> pa.Table:
    return rows.filter(pc.equal(rows["subject_type"], subject_type))


def _where(rows: pa.Table, window: int) -> pa.Table:
    return rows.filter(pc.equal(rows["window"], window))  # few rows: an expression is slower


def _ints(rows: pa.Table, column: str) -> th.Integers:
    values: th.Integers = rows[column].to_numpy().astype(np.int64)
    return values


def _sums(counts: pa.Table, places: pa.ChunkedArray | None = None) -> th.Sums:
    """The sums of all rows, or of the rows at `places` (zero where a place is null)."""
    columns = []
    for name in ("units", "sum_y", "sum_y2"):
        column = counts[name].combine_chunks()
        if places is not None:
            column = pc.fill_null(column.take(places), 0)
        columns.append(column.to_numpy(zero_copy_only=False).astype(np.int64))
    return th.Sums.of(*columns)


def _peer_means(frozen: Frozen, counts: pa.Table, everybody: th.Sums, prior: th.Prior) -> th.Floats:
    """Prior mean for each active subject: that of its workspace, over everybody known there."""
    homes = counts["home"].combine_chunks().dictionary_encode()
    groups = pc.fill_null(homes.indices, len(homes.dictionary))
    means = th.peer_means(groups.to_numpy(zero_copy_only=False), everybody, prior)
    firsts = pc.index_in(frozen.subjects["home"].combine_chunks(), value_set=counts["home"])
    known = frozen.subjects["home"].combine_chunks().is_valid().to_numpy(zero_copy_only=False)
    place = pc.fill_null(firsts, -1).to_numpy(zero_copy_only=False)
    return np.where(known & (place >= 0), np.append(means, prior.mean)[place], prior.mean)


def _habits(frozen: Frozen, window: int) -> th.Integers:
    """The count above the highest habitual peak of each active subject; 0 where there is none."""
    habits = _where(frozen.habits, window)
    place = pc.index_in(frozen.subjects["subject"], value_set=habits["subject"]).combine_chunks()
    steps = pc.fill_null(habits["step"].combine_chunks().take(place), -1)
    step = steps.to_numpy(zero_copy_only=False)
    above = np.ceil(np.exp((step + 1) * (th.STEP / th.LOG_SCALE)))
    counts: th.Integers = np.where(step < 0, 0, above).astype(np.int64)
    return counts


def _rounded(values: th.Floats) -> th.Integers:
    counts: th.Integers = np.rint(np.minimum(values, float(th.LARGEST))).astype(np.int64)
    return np.maximum(counts, 1)
