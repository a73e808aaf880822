"""What an anomaly event says itself, as a person reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gridtrail.server.console.evidence import anomaly_of


def facts(ours: object) -> dict[str, str]:
    """The facts of an anomaly with this evidence, by name."""
    row: dict[str, Any] = {
        "reasons": ["tor"], "source": "gridtrail", "details": json.dumps({"gridtrail": ours}),
    }  # fmt: skip
    return dict(anomaly_of(row).facts)


@pytest.mark.parametrize(
    ("by", "shown"), [("default", "(default)"), ("settings", "(settings)"), ("a1", "(change a1)")]
)
def test_it_says_by_which_threshold_it_was_judged(by: str, shown: str) -> None:
    """The number, and by whose word it holds."""
    ours = {"threshold_for": {"per_1000_users_day": "0.6", "set_by": by}}
    assert facts(ours) == {"threshold made for": f"0.6 per 1,000 users and day {shown}"}


@pytest.mark.parametrize("ours", [None, [], {}, {"threshold_for": "x"}, {"threshold_for": {}}])
def test_a_strangers_evidence_breaks_nothing(ours: object) -> None:
    """What is not as our detectors write it is left out."""
    assert facts(ours) == {}
