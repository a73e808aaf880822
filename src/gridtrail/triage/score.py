"""How bad a finding is: the sum of surprises of its reason families, and the pattern they make.

The sum counts each family once, at most MOST_NATS, and adds the pattern's bonus. Severity is the
sum's band, kept between the pattern's floor and ceiling: how surprising a thing is and how much
harm it means are two questions, and the pattern answers the second. The score is the sum brought
into the band of its severity, so that whoever sorts by score alone gets the order of severities.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from gridtrail.triage.anomaly import Anomaly
from gridtrail.triage.finding import SEVERITIES
from gridtrail.triage.patterns import Pattern
from gridtrail.triage.reasons import family_of

MOST_NATS = 14.0
"""A family's surprise is cut here (one in 1.2 million user-days): no model holds beyond it."""

BANDS = MappingProxyType({"low": 0.0, "medium": 15.0, "high": 25.0, "critical": 40.0})
"""Score from which each severity starts, in nats.

One family alone, however surprising (at most 14), stays low: harmless bursts and journeys are the
commonest cause. Two families reach medium when both are rare, and high only close to their
bounds. Critical without a pattern takes three families at their most surprising.
"""


@dataclass(frozen=True, slots=True)
class Score:
    """`value` orders findings, `nats` is the plain sum, `families`, `bonuses` and `impact` are its
    parts; three decimals."""

    value: float
    nats: float
    severity: str
    families: Mapping[str, float]
    bonuses: Mapping[str, float]
    impact: Mapping[str, float] = field(default_factory=dict)


def evidence_nats(anomalies: Sequence[Anomaly]) -> dict[str, float]:
    """Family -> the largest −ln p-value that our own evidence gives it, at most MOST_NATS.

    A p-value speaks for the family of its detector, or, when the detector is not named after a
    reason, for every family of the event.
    """
    found: dict[str, float] = {}
    for anomaly in anomalies:
        evidence = anomaly.evidence
        if evidence is None or evidence.p_value is None:
            continue
        nats = MOST_NATS if evidence.p_value == 0 else min(MOST_NATS, -math.log(evidence.p_value))
        about = {family_of(evidence.detector)} & anomaly.raised.families
        for family in about or anomaly.raised.families:
            found[family] = max(found.get(family, 0.0), nats)
    return found


def score(
    surprises: Mapping[str, float],
    evidence: Mapping[str, float],
    patterns: Sequence[Pattern],
    moves: Mapping[str, float] = MappingProxyType({}),
    impact: Mapping[str, float] = MappingProxyType({}),
) -> Score:
    """The score of `surprises` (family -> nats) and `evidence` with the bonuses of `patterns`.

    `moves` is what other systems and the policy say (see `judgement`, `policy`), by family: it
    lowers a family where there is one, and raises it in any case. `impact` is added as it is: the
    expected loss is a probability times a harm, a sum in nats.
    """
    families = {
        family: round(min(MOST_NATS, max(nats, evidence.get(family, 0.0))), 3)
        for family, nats in sorted(surprises.items())
    }
    for family, nats in sorted(moves.items()):
        if nats > 0 or family in families:
            moved = families.get(family, 0.0) + nats
            families[family] = round(min(MOST_NATS, max(0.0, moved)), 3)
    bonuses = {pattern.name: pattern.bonus for pattern in patterns if pattern.bonus}
    added = {name: round(nats, 3) for name, nats in sorted(impact.items()) if nats}
    parts = (*families.values(), *bonuses.values(), *added.values())
    # thousandths are summed as whole numbers, so that no order of families changes the last digit
    total = sum(round(1_000 * nats) for nats in parts) / 1_000
    severity = _severity(total, patterns)
    return Score(_in_band(total, severity), total, severity, families, bonuses, added)


def _severity(nats: float, patterns: Sequence[Pattern]) -> str:
    ceiling = max(SEVERITIES.index(pattern.ceiling) for pattern in patterns)
    floor = max(SEVERITIES.index(pattern.floor) for pattern in patterns)
    return SEVERITIES[max(floor, min(_band(nats), ceiling))]


def _band(nats: float) -> int:
    return max(rank for rank, name in enumerate(SEVERITIES) if nats >= BANDS[name])


def _in_band(nats: float, severity: str) -> float:
    """`nats` where they lie in the band of `severity`; else just above its start or just below
    its end, in the order of nats."""
    rank = SEVERITIES.index(severity)
    if _band(nats) == rank:
        return nats
    if _band(nats) < rank:
        return round(BANDS[severity] + nats / 1_000, 3)
    end = BANDS[SEVERITIES[rank + 1]]
    return round(end - 0.5 / (1 + nats - end), 3)
