"""The evidence under `details.gridtrail`: what a person needs to check an anomaly alone.

Text and integers only, so that the bytes are the same whichever engine or run made them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gridtrail.detect.contract import Detector
from gridtrail.detect.emission import Verdict

SMALLEST_P = 1e-300
_CONTROL = re.compile(r"([\x00-\x1f\x7f-\x9f\u2028\u2029])")


def score_millinats(p_value: float) -> int:
    """−ln p in thousandths of a natural unit, rounded."""
    return round(-math.log(max(p_value, SMALLEST_P)) * 1000)


def p_text(p_value: float) -> str:
    """A p-value as text with two digits, such as `4.1e-06`."""
    return f"{max(p_value, SMALLEST_P):.1e}"


def sql_text(value: str) -> str:
    """`value` as an SQL string expression for the query shown to people: one line whatever it
    holds, control characters spelt as `chr(10)`."""
    parts = [
        f"chr({ord(part)})" if _CONTROL.fullmatch(part) else "'" + part.replace("'", "''") + "'"
        for part in _CONTROL.split(value)
        if part
    ]
    return parts[0] if len(parts) == 1 else f"({' || '.join(parts)})" if parts else "''"


def evidence(verdict: Verdict, detector: Detector) -> Mapping[str, Any]:
    """The mapping placed under `details.gridtrail` (contract in docs/design.md)."""
    anomaly = verdict.candidate.anomaly
    return {
        "detector": detector.name,
        "version": detector.version,
        "fidelity": detector.fidelity,
        "subject": verdict.candidate.subject,
        "score_millinats": score_millinats(anomaly.p_value),
        "p_value": p_text(anomaly.p_value),
        "threshold": anomaly.threshold,
        "observed": dict(anomaly.observed),
        "usual": dict(anomaly.usual),
        "deciding_events": list(anomaly.deciding_events),
        "words": anomaly.words,
        "query": anomaly.query,
        "silent_if": anomaly.silent_if,
        "occurrences": verdict.occurrences,
    }
