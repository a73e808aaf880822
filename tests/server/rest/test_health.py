"""Health of the API."""

from __future__ import annotations

from typing import Any

from gridtrail.server.checks import collector_rows, detector_rows


def test_health_is_of_the_organization_alone(api: Any) -> None:
    """Its events, its quarantine, the checks that `verify` prints of it."""
    found = api.get("/health")
    assert found["ok"] is True
    assert found["quarantine"] == {"not_json": 1}
    assert found["events"]["rows"] >= 35
    assert found["events"]["first"] == 1_700_049_600
    assert (found["collector"]["state"], found["detection"]["state"]) == ("off", "off")
    theirs = api.call("GET", "/health", token=api.other).json()
    assert theirs["quarantine"] == {}
    assert theirs["events"]["rows"] < found["events"]["rows"]
    lake = api.data.lake
    rows = [*collector_rows(lake), *detector_rows(lake)]
    assert found["checks"] == [row for row in rows if row["org"] in ("E0ACME", "")]


def test_verification_is_what_the_command_line_prints(api: Any) -> None:
    """`verify --format json` and the API give equal rows, of one's own organization."""
    found = api.call("GET", "/verification", token=api.changes).json()
    told = api.cli("verify")
    assert found["checks"] == [row for row in told if row["org"] in ("E0ACME", "")]
    assert found["ok"] == all(row["state"] != "problem" for row in told)
    assert any(row["org"] == "E0OTHER" for row in told)


def test_verification_is_for_those_who_may_change(api: Any) -> None:
    """It costs the server a reading of everything."""
    refused = api.call("GET", "/verification")
    assert (refused.status_code, refused.json()["error"]) == (403, "missing_scope")
