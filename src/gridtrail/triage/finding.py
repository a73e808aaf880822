"""A finding: what happened around one actor's anomalies, in the one shape that everyone reads.

The command line, the API and the webhook all show `Finding.to_json()`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

SEVERITIES = ("low", "medium", "high", "critical")
"""Mildest first; the position is the rank."""

STATUSES = ("open", "investigating", "closed")
VERDICTS = ("true_positive", "expected", "false_positive")
"""What a person decided: harmful, real but allowed here, or not what it seemed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Anomalies that belong together, explained. Times are seconds since the epoch, UTC.

    `score` is in nats (higher is worse, see `score`), `event_ids` the anomaly events that made
    it, oldest first. `status`, `verdict`, its reason and `assignee` (who looks after it) are what
    people said. `context`, `history` are JSON objects described in `context` and `history`.
    """

    id: str
    org: str
    title: str
    narrative: str
    score: float
    severity: str
    status: str = "open"
    verdict: str | None = None
    actor_ids: tuple[str, ...] = ()
    session_ids: tuple[str, ...] = ()
    ips: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    first_seen: int = 0
    last_seen: int = 0
    event_ids: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)
    advice: tuple[str, ...] = ()
    assignee: str | None = None
    verdict_reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The contract's JSON object: lists for the sequences, everything else as it is."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Finding:
        """The finding that `to_json` made; unknown keys are ignored."""
        known = {one.name for one in fields(cls)}
        values: dict[str, Any] = {
            name: tuple(item) if isinstance(item, list) else item
            for name, item in value.items()
            if name in known
        }
        return cls(**values)


def severity_rank(severity: str) -> int:
    """Position of `severity` in SEVERITIES."""
    return SEVERITIES.index(severity)


def worst_first(finding: Finding) -> tuple[int, float, int, str]:
    """Sort key of every listing: severity, then score, then the newest, then id.

    Severity stands before the score because it also knows the pattern: a stolen session of few
    reasons stands above a louder finding of a person's own doing.
    """
    return (-severity_rank(finding.severity), -finding.score, -finding.last_seen, finding.id)


def derived_id(org: str, actor: str, first_event: str) -> str:
    """The id of a finding that starts with the anomaly `first_event`: the same at every run."""
    text = "\0".join((org, actor, first_event)).encode("utf-8", "backslashreplace")
    return "F" + hashlib.sha256(text).hexdigest()[:16]
