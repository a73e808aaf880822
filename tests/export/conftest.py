"""Events of every action for the converters, and what hostile ones look like."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.export.record import Record, record
from gridtrail.slack.catalogue import ACTIONS

Event = dict[str, Any]
SECOND = 1_790_000_000

_THINGS: dict[str, Event] = {
    "message": {"channel": "C0GENERAL1", "team": "T0KESTREL1", "timestamp": "1790000000.000100"},
    "user": {"id": "W0JONASAB2", "name": "Jonas Abel", "email": "jonas@kestrel.example"},
}


@pytest.fixture(scope="session")
def event() -> Callable[..., Event]:
    """An event of the action, about the entity that the catalogue names for it."""

    def make(action: str, **changes: Any) -> Event:
        known = ACTIONS.get(action)
        kind = ((known.entity if known else None) or "workspace").split("|")[0]
        thing = _THINGS.get(kind, {"id": "X0THING0001", "name": "thing"})
        person = {"id": "W0MIRAQ7X1", "name": "Mira Quinn", "email": "mira@kestrel.example"}
        return {
            "id": f"event-of-{action}",
            "date_create": SECOND,
            "action": action,
            "actor": {"type": "user", "user": {**person, "team": "T0KESTREL1"}},
            "entity": {"type": kind, kind: thing},
            "context": {
                "location": {"type": "enterprise", "id": "E0KESTREL1", "domain": "kestrel"},
                "ua": "Mozilla/5.0 (X11; Linux x86_64)",
                "ip_address": "203.0.113.140",
                "session_id": 847288190092,
                "app": {"id": "A0APP00001", "name": "Exporter"},
            },
            "details": {"new_value": {"type": ["ADMINS"]}, "reason": ["tor", "asn", "ip_address"]},
            **changes,
        }

    return make


@pytest.fixture(scope="session")
def read() -> Callable[[Event], Record]:
    """The event as the converters get it."""

    def parse(value: Event) -> Record:
        raw = json.dumps(value)
        return record("E0KESTREL1", str(value["id"]), SECOND, str(value["action"]), raw)

    return parse


@pytest.fixture(scope="session")
def finding() -> Event:
    """A finding in the contract's shape."""
    return {
        "id": "F0123456789abcdef",
        "org": "E0KESTREL1",
        "title": "A session was used from two places",
        "narrative": "Mira's session came from a hosting network.",
        "score": 21.5,
        "severity": "high",
        "status": "open",
        "verdict": None,
        "actor_ids": ["W0MIRAQ7X1"],
        "session_ids": ["847288190092"],
        "ips": ["203.0.113.140", "not an address"],
        "reasons": ["session_fingerprint", "asn"],
        "rules": ["Passkey added"],
        "first_seen": SECOND,
        "last_seen": SECOND + 60,
        "event_ids": ["a1", "a2"],
        "context": {"files": 12},
        "history": {"downloads": 1.5},
        "advice": ["Sign the person out.", "Ask them."],
        "assignee": None,
        "verdict_reason": None,
    }
