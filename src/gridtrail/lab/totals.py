"""Numbers about everything together, and whether they are what is aimed at."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gridtrail.detect.contract import DAY_SECONDS
from gridtrail.lab.attempts import attempts
from gridtrail.lab.harmless import harmless_findings, life_rate, of_life, user_days
from gridtrail.lab.intervals import Interval, bootstrap, wilson
from gridtrail.lab.outcome import Outcome, Said
from gridtrail.lab.wrong import NOTED

TOP = 10
WEEK_SECONDS = 7 * DAY_SECONDS
MONTH_DAYS = 30
PUSHED = ("client_rollout", "client_rollback")


@dataclass(frozen=True, slots=True)
class Total:
    """One number about everything; `met` is None where nothing is aimed at."""

    name: str
    value: float
    interval: Interval
    counts: str
    aim: str
    met: bool | None


def totals(outcomes: Sequence[Outcome]) -> list[Total]:
    """The numbers about everything, those with an aim first."""
    return [
        _pushed_clients(outcomes),
        _noted_rate(outcomes),
        _emitted_rate(outcomes),
        _carriers(outcomes),
        _top_of_the_week(outcomes),
        _average_precision(outcomes),
        _mimics(outcomes),
    ]


def _pushed_clients(outcomes: Sequence[Outcome]) -> Total:
    tried = [s for one in outcomes for s in one.stories if s.kind in PUSHED]
    count = sum(
        said.story is not None
        and one.stories[said.story].kind in PUSHED
        and "user_agent" in said.reasons
        for one in outcomes
        for said in one.anomalies
    )
    return Total(
        "user-agent anomalies from roll-outs and roll-backs", count, Interval(count, count),
        f"{count} in {len(tried)} roll-outs and roll-backs", "0", count == 0,
    )  # fmt: skip


def _noted_rate(outcomes: Sequence[Outcome]) -> Total:
    def rate(units: Sequence[Outcome]) -> float:
        return _noted(units) / days(units) * 1000

    def days(units: Sequence[Outcome]) -> int:
        return sum(user_days(one) for one in units)

    value = rate(outcomes)
    return Total(
        "harmless findings of medium and above per 1,000 users and day", value,
        bootstrap(outcomes, rate), f"{_noted(outcomes)} in {days(outcomes):,} user-days",
        "at most 0.2", value <= 0.2,
    )  # fmt: skip


def _noted(outcomes: Iterable[Outcome]) -> int:
    return sum(f.severity in NOTED for one in outcomes for f in harmless_findings(one))


def _emitted_rate(outcomes: Sequence[Outcome]) -> Total:
    def rate(units: Sequence[Outcome]) -> float:
        return life_rate(units, lambda _said: True, 1000)

    count = sum(len(of_life(one)) for one in outcomes)
    value = rate(outcomes)
    return Total(
        "anomalies of ordinary life per 1,000 users and day", value, bootstrap(outcomes, rate),
        f"{count} anomalies", "at most 5, the budget", value <= 5,
    )  # fmt: skip


def _carriers(outcomes: Sequence[Outcome]) -> Total:
    def wanted(said: Said) -> bool:
        return said.detector == "ip_address" and said.network_kind == "mobile"

    def rate(units: Sequence[Outcome]) -> float:
        return life_rate(units, wanted, 10_000 * MONTH_DAYS)

    count = sum(wanted(said) for one in outcomes for said in of_life(one))
    return Total(
        "address anomalies from mobile carriers per 10,000 users and month", rate(outcomes),
        bootstrap(outcomes, rate), f"{count} anomalies", "", None,
    )  # fmt: skip


def _top_of_the_week(outcomes: Sequence[Outcome]) -> Total:
    storied = [one for one in outcomes if any(not s.harmless for s in one.stories)]

    def precision(units: Sequence[Outcome]) -> float:
        hits, shown = _in_top(units)
        return hits / shown if shown else math.nan

    hits, shown = _in_top(storied)
    return Total(
        "precision of the top ten a week, in weeks with attacks", precision(storied),
        bootstrap(storied, precision), f"{hits} of {shown} findings", "", None,
    )  # fmt: skip


def _in_top(outcomes: Iterable[Outcome]) -> tuple[int, int]:
    """Findings about attacks among the ten worst of each week, and how many those are."""
    hits = shown = 0
    for outcome in outcomes:
        harmless = {one.id for one in harmless_findings(outcome)}
        weeks: dict[int, list[bool]] = {}
        for one in outcome.findings:  # worst first
            week = weeks.setdefault((one.last_seen - outcome.start) // WEEK_SECONDS, [])
            if len(week) < TOP:
                week.append(one.id not in harmless)
        busy = _busy_weeks(outcome)
        hits += sum(sum(week) for number, week in weeks.items() if number in busy)
        shown += sum(len(week) for number, week in weeks.items() if number in busy)
    return hits, shown


def _busy_weeks(outcome: Outcome) -> set[int]:
    weeks: set[int] = set()
    for story in outcome.stories:
        if not story.harmless and not story.expected_missed and story.start and story.end:
            first, last = ((at - outcome.start) // WEEK_SECONDS for at in (story.start, story.end))
            weeks.update(range(first, last + 1))
    return weeks


def _average_precision(outcomes: Sequence[Outcome]) -> Total:
    storied = [one for one in outcomes if any(not s.harmless for s in one.stories)]

    def mean(units: Sequence[Outcome]) -> float:
        values = [average_precision(one) for one in units]
        return sum(values) / len(values) if values else math.nan

    return Total(
        "average precision of the order of findings", mean(storied), bootstrap(storied, mean),
        f"mean of {len(storied)} organizations", "", None,
    )  # fmt: skip


def average_precision(outcome: Outcome) -> float:
    """Of the findings as ordered, over findings about attacks and attacks that were not found
    (the mimic aside): 1 when all attacks are found and stand before everything else."""
    harmless = {one.id for one in harmless_findings(outcome)}
    missed = sum(one.finding is None and not one.story.expected_missed for one in attempts(outcome))
    hits, total = 0, 0.0
    for rank, one in enumerate(outcome.findings, 1):
        if one.id not in harmless:
            hits += 1
            total += hits / rank
    return total / (hits + missed) if hits + missed else math.nan


def _mimics(outcomes: Sequence[Outcome]) -> Total:
    tried = [a for one in outcomes for a in attempts(one) if a.story.expected_missed]
    missed = sum(not one.raised for one in tried)
    return Total(
        "perfect mimics that were missed, as expected", missed / len(tried) if tried else math.nan,
        wilson(missed, len(tried)), f"{missed} of {len(tried)}", "", None,
    )  # fmt: skip
