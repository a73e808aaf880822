"""What was wrongly said: of planted traps, and of ordinary life.

Ordinary life is what belongs to no planted story. Its rates leave out the first WARMUP_DAYS of each
log, and count every person of the organization, active or not.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gridtrail.detect.contract import DAY_SECONDS
from gridtrail.lab.attempts import kind_order
from gridtrail.lab.intervals import Interval, bootstrap
from gridtrail.lab.organizations import WARMUP_DAYS
from gridtrail.lab.outcome import Found, Outcome, Said
from gridtrail.lab.wrong import NOTED, Wrong


@dataclass(frozen=True, slots=True)
class TrapLine:
    """One harmless story in one loudness: what was wrongly said of it."""

    kind: str
    loudness: str
    tried: int
    anomalies: int
    findings: int
    noted: int
    reasons: dict[str, int]


@dataclass(frozen=True, slots=True)
class ReasonLine:
    """Anomalies of ordinary life with a reason, per 1,000 users and day."""

    reason: str
    anomalies: int
    rate: float
    interval: Interval


def user_days(outcome: Outcome) -> int:
    """People times days after the warm-up."""
    return outcome.people * (outcome.days - WARMUP_DAYS)


def harmless_findings(outcome: Outcome) -> list[Found]:
    """Findings that no attack has a part in."""
    attacks = {place for place, story in enumerate(outcome.stories) if not story.harmless}
    return [one for one in outcome.findings if attacks.isdisjoint(one.stories)]


def trap_lines(outcomes: Iterable[Outcome]) -> list[TrapLine]:
    """A line for each kind of trap and loudness."""
    lines: dict[tuple[str, str], list[tuple[list[Said], list[Found]]]] = {}
    for outcome in outcomes:
        found = harmless_findings(outcome)
        for place, story in enumerate(outcome.stories):
            if story.harmless:
                said = [one for one in outcome.anomalies if one.story == place]
                about = [one for one in found if place in one.stories]
                lines.setdefault((story.kind, story.loudness), []).append((said, about))
    ordered = sorted(lines.items(), key=lambda pair: kind_order(*pair[0]))
    return [
        TrapLine(
            kind=kind,
            loudness=loudness,
            tried=len(tried),
            anomalies=sum(len(said) for said, _ in tried),
            findings=sum(len(found) for _, found in tried),
            noted=sum(one.severity in NOTED for _, found in tried for one in found),
            reasons=dict(Counter(r for said, _ in tried for s in said for r in s.reasons)),
        )
        for (kind, loudness), tried in ordered
    ]


def false_alarms(outcomes: Iterable[Outcome]) -> list[Wrong]:
    """Findings of note that no attack has a part in."""
    return [
        Wrong(
            outcome.seed,
            f"{one.severity}: {one.title}",
            ", ".join(one.actors),
            _told_of(outcome, one),
        )
        for outcome in outcomes
        for one in harmless_findings(outcome)
        if one.severity in NOTED
    ]


def _told_of(outcome: Outcome, finding: Found) -> str:
    kinds = sorted({outcome.stories[place].kind for place in finding.stories}) or ["ordinary life"]
    said = {one.detector for one in outcome.anomalies if one.id in set(finding.anomalies)}
    return f"{', '.join(kinds)}; by {', '.join(sorted(said))}"


def of_life(outcome: Outcome) -> list[Said]:
    """Anomalies of ordinary life after the warm-up."""
    since = outcome.start + WARMUP_DAYS * DAY_SECONDS
    return [one for one in outcome.anomalies if one.story is None and one.at >= since]


def reason_lines(outcomes: Sequence[Outcome]) -> list[ReasonLine]:
    """A line for each reason that was given in ordinary life."""
    counts = Counter(r for one in outcomes for said in of_life(one) for r in said.reasons)
    lines = []
    for reason, count in sorted(counts.items()):

        def wanted(said: Said, reason: str = reason) -> bool:
            return reason in said.reasons

        def rate(units: Sequence[Outcome], wanted: Callable[[Said], bool] = wanted) -> float:
            return life_rate(units, wanted, 1000)

        lines.append(ReasonLine(reason, count, rate(outcomes), bootstrap(outcomes, rate)))
    return lines


def life_rate(outcomes: Sequence[Outcome], wanted: Callable[[Said], bool], per_users: int) -> float:
    """Wanted anomalies of ordinary life per so many users and day."""
    count = sum(wanted(said) for one in outcomes for said in of_life(one))
    days = sum(user_days(one) for one in outcomes)
    return count / days * per_users if days else math.nan
