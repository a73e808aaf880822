from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gridtrail.engine.duckdb import DuckDB

Event = Callable[..., dict[str, Any]]


def _event(number: int = 0, **changes: Any) -> dict[str, Any]:
    user = {"id": f"W{number % 7}", "name": "Mira", "email": "m@k.example", "team": "T0K"}
    return {
        "id": f"event-{number}",
        "date_create": 1790000000 + number,
        "action": "file_downloaded",
        "actor": {"type": "user", "user": user},
        "entity": {"type": "file", "file": {"id": f"F{number}", "name": "a.pdf", "title": "A"}},
        "context": {
            "location": {"type": "workspace", "id": "T0K", "name": "Kestrel", "domain": "kestrel"},
            "ua": "Slack/4",
            "ip_address": "203.0.113.7",
            "session_id": 12177102026566,
        },
        **changes,
    }


@pytest.fixture(scope="session")
def event() -> Event:
    """A maker of audit events: a number, and changes to its top level."""
    return _event


@pytest.fixture(scope="session")
def line() -> Callable[..., bytes]:
    """As `event`, but a line of NDJSON."""
    return lambda number=0, **changes: json.dumps(_event(number, **changes)).encode() + b"\n"


@pytest.fixture(scope="session")
def engine() -> Iterator[DuckDB]:
    """One session of the embedded engine for all tests."""
    engine = DuckDB(threads=1, memory_limit="512MiB")
    yield engine
    engine.close()
