"""What people do in Gridtrail is in the lake, once, in Slack's shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import EXPORTED, SIGNED_IN, Doer, Trail
from gridtrail.slack import catalogue

ANN = Doer("UANN0000001", "Ann", "ann@acme.example", "203.0.113.9", "Firefox", "5e55")


def _kept(log: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = log.lake.newest(EventFilter(org="E0ACME")).to_pylist()
    return rows


def test_what_was_put_is_moved_into_the_lake_once(log: Any, tmp_path: Path) -> None:
    """An event waits in the database until it is moved; then it is in the lake alone."""
    with Trail(tmp_path / "state.db") as trail:
        trail.put("E0ACME", SIGNED_IN, ANN)
        trail.put("E0ACME", EXPORTED["csv"], ANN, ("finding", "F1", "A <b>"), {"by": "W1", "b": ""})
        assert _kept(log) == []
        assert trail.move(log.lake) == 2
        assert trail.move(log.lake) == 0
    found = {row["action"]: row for row in _kept(log)}
    signed_in, exported = found["user_login"], found["audit_logs_export_csv_started"]
    assert signed_in["source"] == "gridtrail"
    assert signed_in["actor_id"] == signed_in["entity_id"] == "UANN0000001"
    assert (signed_in["ip"], signed_in["ua"]) == ("203.0.113.9", "Firefox")
    assert signed_in["session_id"] == "5e55"
    assert (exported["entity_type"], exported["entity_name"]) == ("finding", "A <b>")
    assert exported["details"] == '{"by":"W1","application":"gridtrail"}'


def test_an_event_moved_twice_is_stored_once(log: Any, tmp_path: Path) -> None:
    """A crash between the lake's commit and the forgetting does no harm."""
    with Trail(tmp_path / "state.db") as trail:
        trail.put("E0ACME", SIGNED_IN, ANN)
    before = (tmp_path / "state.db").read_bytes()
    with Trail(tmp_path / "state.db") as trail:
        assert trail.move(log.lake) == 1
    for file in tmp_path.glob("state.db*"):
        file.unlink()
    (tmp_path / "state.db").write_bytes(before)
    with Trail(tmp_path / "state.db") as trail:
        assert trail.move(log.lake) == 1
    assert len(_kept(log)) == 1


def test_slacks_own_names_are_used() -> None:
    """Signing in and exporting are called as Slack calls them."""
    assert all(catalogue.is_known(name) for name in (SIGNED_IN, *EXPORTED.values()))
