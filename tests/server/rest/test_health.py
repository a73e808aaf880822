"""Health of the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from gridtrail.collect.slack_api.storing import COLLECTOR_STATES
from gridtrail.collect.slack_api.streams import Stream
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


def test_a_collector_that_fails_spoils_the_health_of_its_organization(api: Any) -> None:
    """It is said with why, to nobody else; the checks are those of `verify`."""
    row = {"org": "E0OTHER", "stream": Stream.of("E0OTHER", ()).name, "actions": [], "since": 5}
    row |= {"state": "failing", "why": "no answer", "refused_actions": []}
    rows = pa.Table.from_pylist(
        [row | {"updated_at": datetime.now(UTC)}], schema=COLLECTOR_STATES.schema
    )
    api.data.lake.write(COLLECTOR_STATES, rows)
    theirs = api.call("GET", "/health", token=api.other).json()
    assert theirs["ok"] is False
    assert [(one["state"], one["why"]) for one in theirs["collected"]] == [("failing", "no answer")]
    assert "problem" in {check["state"] for check in theirs["checks"]}
    mine = api.get("/health")
    assert (mine["ok"], mine["collected"]) == (True, [])
    api.data.lake.write(COLLECTOR_STATES, rows.slice(0, 0), replace={})
