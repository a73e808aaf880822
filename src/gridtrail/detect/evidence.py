"""The evidence under `details.gridtrail`: what a person needs to check an anomaly alone.

Text and integers only, so that the bytes are the same whichever engine or run made them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

from gridtrail.detect.contract import Detector
from gridtrail.detect.emission import Verdict
from gridtrail.detect.nominal import Nominal

SMALLEST_P = 1e-300


def score_millinats(p_value: float) -> int:
    """−ln p in thousandths of a natural unit, rounded."""
    return round(-math.log(max(p_value, SMALLEST_P)) * 1000)


def p_text(p_value: float) -> str:
    """A p-value as text with two digits, such as `4.1e-06`."""
    return f"{max(p_value, SMALLEST_P):.1e}"


def sql_text(value: str) -> str:
    """`value` as an SQL string expression for the query shown to people: one readable line
    whatever it holds, with unprintable characters spelt as `chr(10)`."""
    parts = []
    for printable, characters in itertools.groupby(value, str.isprintable):
        text = "".join(characters)
        if printable:
            parts.append("'" + text.replace("'", "''") + "'")
        else:
            parts += [f"chr({ord(character)})" for character in text]
    return parts[0] if len(parts) == 1 else f"concat({', '.join(parts)})" if parts else "''"


def evidence(verdict: Verdict, detector: Detector) -> Mapping[str, Any]:
    """The mapping placed under `details.gridtrail` (contract in docs/design.md)."""
    anomaly = verdict.candidate.anomaly
    late = {"late": True} if verdict.late else {}
    return {
        "detector": detector.name,
        "version": detector.version,
        "fidelity": detector.fidelity,
        "subject": verdict.candidate.subject,
        "score_millinats": score_millinats(anomaly.p_value),
        "p_value": p_text(anomaly.p_value),
        "threshold": anomaly.threshold,
        **_made_for(verdict.candidate.nominal),
        "observed": dict(anomaly.observed),
        "usual": dict(anomaly.usual),
        "deciding_events": list(anomaly.deciding_events),
        "words": anomaly.words,
        "query": anomaly.query,
        "silent_if": anomaly.silent_if,
        "occurrences": verdict.occurrences,
        **late,
    }


def _made_for(nominal: Nominal | None) -> Mapping[str, Any]:
    """What the threshold was made for, and who said so (see `gridtrail.detect.nominal`)."""
    if nominal is None:
        return {}
    number = f"{nominal.per_1000_users_day:.6g}"
    return {"threshold_for": {"per_1000_users_day": number, "set_by": nominal.set_by}}
