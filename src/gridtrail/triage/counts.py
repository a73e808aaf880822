"""How many anomalies and hits of one kind a person had in some days, against all that was before.

Two probabilities are given. `probability` is that of this person: the predictive distribution of a
Poisson count whose rate is Gamma-distributed around the person's own, shrunk to the organization's
(a negative binomial). `organization_probability` assumes no model: the share of person-days before
on which anybody had as many, (k + 1) / (person-days + 1).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from scipy.special import betainc

from gridtrail.triage.anomaly import Raised
from gridtrail.triage.rates import NOMINAL_PER_USER_DAY, NOMINAL_USER_DAYS, ORGANIZATION_DAYS
from gridtrail.triage.reasons import family_of
from gridtrail.triage.rule_hits import NOMINAL_PER_USER_DAY as NOMINAL_OF_LEVEL

WINDOWS = (1, 7)
"""Days that are counted in every finding: a day and a week."""

MOST_ROWS = 30


class Looked(Protocol):
    """How long and on how many people the log has been looking (`Exposure`)."""

    def days(self, day: int) -> int: ...
    def own_days(self, actor: str | None, day: int) -> int: ...
    def users(self, day: int) -> int: ...


class Counts:
    """What was raised in one organization by kind (a reason, or `rule:` and a name), person and
    UTC day; days are numbers since the epoch."""

    def __init__(self, raised: Iterable[Raised]) -> None:
        found: dict[str, dict[str, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
        self._nominal: dict[str, float] = {}
        for one in raised:
            for kind in one.kinds if one.actor is not None else ():
                found[kind][one.actor or ""][one.day] += 1
                self._nominal[kind] = (
                    NOMINAL_OF_LEVEL[one.level]
                    if one.level
                    else NOMINAL_PER_USER_DAY[family_of(kind)]
                )
        self._found: Mapping[str, Mapping[str, Counter[int]]] = found

    def rows(
        self, group: Sequence[Raised], looked: Looked, windows: Sequence[int] = WINDOWS
    ) -> list[dict[str, Any]]:
        """One JSON row for each person, kind and window of the finding `group` (oldest first), the
        most unlikely first; everything before is before the finding's first day.

        {actor, reason, days, count, person_most, organization_most, as_many_before, person_days,
        first_ever, probability, organization_probability}
        """
        first, last = group[0].day, group[-1].day
        wanted = {(one.actor, kind) for one in group if one.actor for kind in one.kinds}
        rows = [
            self._row(actor or "", kind, window, (first, last), looked)
            for actor, kind in sorted(wanted, key=str)
            for window in windows
        ]
        rows.sort(key=lambda row: (row["probability"], row["reason"], row["actor"], row["days"]))
        return rows[:MOST_ROWS]

    def _row(
        self, actor: str, kind: str, window: int, bounds: tuple[int, int], looked: Looked
    ) -> dict[str, Any]:
        first, last = bounds
        people = self._found[kind]
        own = people[actor]
        count = max(_ending(own, end, window) for end in range(first, last + 1))
        most, as_many = 0, 0
        for other in people.values():
            for sums in _windows(other, window, first):
                most = max(most, sums)
                as_many += sums >= count
        person_days = looked.users(first) * looked.days(first)
        total = sum(n for other in people.values() for day, n in other.items() if day < first)
        rate = (total + self._nominal[kind] * NOMINAL_USER_DAYS) / (person_days + NOMINAL_USER_DAYS)
        mine = sum(n for day, n in own.items() if day < first)
        shape = mine + ORGANIZATION_DAYS * rate
        days = looked.own_days(actor, first) + ORGANIZATION_DAYS
        return {
            "actor": actor,
            "reason": kind,
            "days": window,
            "count": count,
            "person_most": max(_windows(own, window, first), default=0),
            "organization_most": most,
            "as_many_before": as_many,
            "person_days": person_days,
            "first_ever": person_days > 0 and as_many == 0,
            "probability": _rounded(float(betainc(count, shape, window / (days + window)))),
            "organization_probability": _rounded((as_many + 1) / (person_days + 1)),
        }


def _ending(days: Counter[int], end: int, window: int) -> int:
    return sum(n for day, n in days.items() if end - window < day <= end)


def _windows(days: Counter[int], window: int, before: int) -> list[int]:
    """The sums of the windows that end on each day before `before` that has any."""
    ordered = sorted(day for day in days if day < before)
    sums, running, start = [], 0, 0
    for day in ordered:
        running += days[day]
        oldest = bisect_left(ordered, day - window + 1)
        while start < oldest:
            running -= days[ordered[start]]
            start += 1
        sums.append(running)
    return sums


def _rounded(probability: float) -> float:
    return float(f"{min(max(probability, 0.0), 1.0):.4g}")
