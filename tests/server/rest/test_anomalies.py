"""Anomalies of the API."""

from __future__ import annotations

from typing import Any


def test_anomalies_have_their_evidence(api: Any) -> None:
    """Newest first, the rows of `logs`, with what our detector says as an object."""
    rows = api.get("/anomalies")["anomalies"]
    told = api.cli("logs", "--org", "E0ACME", "--action", "anomaly")
    assert [{k: v for k, v in row.items() if k != "evidence"} for row in rows] == told
    assert [row["id"] for row in rows] == ["anomaly-slack", "anomaly-ours"]
    assert rows[0]["evidence"] is None  # a stranger's number stands where an object should
    assert rows[1]["evidence"]["words"] == "So many."


def test_the_filters_are_those_of_events(api: Any) -> None:
    """A reason only few have, and an action that is none."""
    found = api.get("/anomalies", reason="excessive_downloads")["anomalies"]
    assert [row["id"] for row in found] == ["anomaly-ours"]
    assert api.get("/anomalies", actor="W0NOBODY00")["anomalies"] == []


def test_one_anomaly_comes_with_the_events_that_decided_it(api: Any) -> None:
    """Oldest first; what it names besides and is not there is left out."""
    found = api.get("/anomalies/anomaly-ours")
    assert found["anomaly"] == api.get("/anomalies")["anomalies"][1]
    assert [row["id"] for row in found["deciding"]] == ["plain-001", "plain-003"]
    assert api.get("/anomalies/anomaly-slack")["deciding"] == []


def test_an_event_that_is_no_anomaly_is_not_there(api: Any) -> None:
    """Nor is one of another organization."""
    assert api.call("GET", "/anomalies/plain-001").status_code == 404
    assert api.call("GET", "/anomalies/anomaly-ours", token=api.other).status_code == 404


def test_reading_anomalies_leaves_a_trail(api: Any) -> None:
    """As in the console."""
    api.get("/anomalies")
    api.get("/anomalies/anomaly-slack")
    kept = api.trail()
    assert "audit_logs_records_searched_anomaly" in {one["action"] for one in kept}
    read = [one for one in kept if one["action"] == "gridtrail_event_read"]
    assert "anomaly-slack" in {one["entity"]["audit_event"]["id"] for one in read}
