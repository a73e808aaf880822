"""A message of the outbox, and what of a finding goes into it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gridtrail.triage.finding import Finding

Kind = Literal["created", "raised", "several", "updated", "digest", "work", "test"]
"""News of one finding (that it is there, that it is worse than was told) or of several together, a
notice brought up to date, the account of a day, how Gridtrail itself fares, a test."""

NOTICES: tuple[Kind, ...] = ("created", "raised", "several")
"""Kinds that say something new of findings; they are grouped, limited, and updated in place."""

State = Literal["waiting", "sent", "dead", "joined"]
"""`joined`: another message, `joined_to`, tells it."""

_LEFT_OUT = ("context", "history", "event_ids", "session_ids")


@dataclass(frozen=True, slots=True)
class Message:
    """One row of the outbox; times in seconds since the epoch, see the table.

    `body` of notices and updates: `findings` (in the order of showing), `news` (id -> created or
    raised; of an update: updated). Of digest, work and test: `title` and `lines`.
    """

    id: str
    number: int
    channel: str
    kind: Kind
    state: State
    joined_to: str | None
    about: str | None
    finding_ids: tuple[str, ...]
    severity_rank: int
    body: Mapping[str, Any]
    created_at: int
    due_at: int
    attempts: int
    done_at: int | None
    said: str
    reference: str | None

    @property
    def fresh(self) -> bool:
        """It never left, so that what it says may still change under its id."""
        return self.state == "waiting" and self.attempts == 0

    @property
    def findings(self) -> Sequence[Mapping[str, Any]]:
        """The findings that it shows."""
        found: Sequence[Mapping[str, Any]] = self.body.get("findings", ())
        return found


def told_of(finding: Finding, merged_into: str | None, *, whole: bool) -> dict[str, Any]:
    """What a message holds of a finding: the contract, or (unless `whole`) what people are shown.

    Both have `merged_into`, `anomalies` and `files` (numbers) beside it.
    """
    body = finding.to_json()
    if not whole:
        body = {name: value for name, value in body.items() if name not in _LEFT_OUT}
    files = finding.context.get("files") or {}
    return {
        **body,
        "anomalies": len(finding.event_ids),
        "files": int(files.get("distinct") or 0),
        "merged_into": merged_into,
    }


def digest_of(finding: Finding, merged_into: str | None) -> str:
    """Changes when something changes that is worth an update. Score, history and the narrative's
    comparisons move with other people's days, and alone are not."""
    files = (finding.context.get("files") or {}).get("distinct")
    facts = [
        finding.title, finding.severity, finding.status, finding.verdict, finding.assignee,
        finding.reasons, finding.rules, finding.actor_ids, finding.ips, len(finding.event_ids),
        files, merged_into,
    ]  # fmt: skip
    text = json.dumps(facts)  # escapes what is no text, such as half a surrogate pair
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def worst_first(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Told findings in the order in which they are shown."""
    return sorted(findings, key=lambda one: (-one["score"], -one["last_seen"], one["id"]))
