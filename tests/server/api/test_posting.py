"""Posted events into the lake."""

from __future__ import annotations

import json
from typing import Any

from gridtrail.lake.query import EventFilter
from gridtrail.lake.schema import QUARANTINE_TABLE
from gridtrail.slack.event import read_event


def test_stored_as_they_came(data: Any, make_event: Any) -> None:
    """A stored event has its bytes, the columns of the reference reader, and its source."""
    raw = json.dumps(make_event("a", 7), indent=1).encode()
    receipt = data.fill([raw])
    assert (receipt.stored, receipt.already_there, receipt.quarantined) == (1, 0, ())
    row = data.lake.event("a", org="E0ACME")
    assert (row["raw"].encode(), row["source"]) == (raw, "post")
    fields = read_event(raw)
    for name in ("action", "actor_id", "entity_id", "date_create", "ip", "session_id", "ua"):
        assert row[name] == getattr(fields, name)


def test_again(data: Any, make_event: Any) -> None:
    """Sending a body again stores nothing; a new event among old ones is stored."""
    events = [make_event("a"), make_event("b")]
    data.fill(events)
    receipt = data.fill([*events, make_event("c")])
    assert (receipt.stored, receipt.already_there) == (1, 2)


def test_bad_records(data: Any, make_event: Any) -> None:
    """Bad records are told by place and reason, kept in the quarantine, and hold up no others."""
    records = [b"nonsense", make_event("a"), b"[1]", make_event("b", date_create="never")]
    receipt = data.fill(records)
    told = [(bad.position, bad.reason) for bad in receipt.quarantined]
    assert told == [("[0]", "not_json"), ("[2]", "not_an_object"), ("[3]", "bad_time")]
    assert receipt.stored == 1
    assert receipt.answer()["quarantined"] == 3
    data.lake.view(QUARANTINE_TABLE, "q")
    kept = data.lake.engine.rows("SELECT raw, source, position, org FROM q ORDER BY position")
    assert kept.to_pylist()[0] == {
        "raw": b"nonsense",
        "source": "post",
        "position": "[0]",
        "org": "E0ACME",
    }
    assert kept.num_rows == 3


def test_nothing_good(data: Any) -> None:
    """A body of bad records alone makes no table of events."""
    assert data.fill([b"1", b"2"]).answer()["quarantined"] == 2
    assert data.lake.newest(EventFilter(), 1).num_rows == 0


def test_conflicts(data: Any, make_event: Any) -> None:
    """Another event under a known id goes to the quarantine and is told with its place."""
    data.fill([make_event("a"), make_event("b")])
    changed = make_event("a", action="user_login")
    receipt = data.fill([make_event("c"), changed, make_event("b"), changed])
    assert (receipt.stored, receipt.already_there) == (1, 1)
    told = [(bad.position, bad.reason) for bad in receipt.quarantined]
    assert told == [("[1]", "id_conflict"), ("[3]", "id_conflict")]
    assert data.lake.event("a")["action"] == "file_downloaded"


def test_organizations_apart(data: Any, make_event: Any) -> None:
    """The same id in two organizations is two events."""
    assert data.fill([make_event("a")], "E0ACME").stored == 1
    assert data.fill([make_event("a")], "E0OTHER").stored == 1
