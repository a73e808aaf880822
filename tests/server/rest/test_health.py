"""Health of the API."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from gridtrail.collect.slack_api.storing import COLLECTOR_STATES
from gridtrail.collect.slack_api.streams import Stream
from gridtrail.forward.delivery import Fare
from gridtrail.forward.source import Lag
from gridtrail.notify.store import ChannelFacts
from gridtrail.server.checks import collector_rows, detector_rows
from gridtrail.server.forwarding import Forwarding
from gridtrail.server.notifying import Notifying
from gridtrail.server.rest.health import Target, failing, fares_of
from gridtrail.server.work import Work, WorkStatus
from gridtrail.settings import Settings


def test_health_is_of_the_organization_alone(api: Any) -> None:
    """Its events, its quarantine, the checks that `verify` prints of it."""
    found = api.get("/health")
    assert found["ok"] is True
    assert found["quarantine"] == {"not_json": 1}
    assert found["events"]["rows"] >= 35
    assert found["events"]["first"] == 1_700_049_600
    parts = ("collector", "detection", "response", "notifications")
    assert [found[name]["state"] for name in parts] == ["off"] * 4
    assert found["forwarding"] == []
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


TARGETS: list[dict[str, Any]] = [
    {"name": "siem", "to": "files", "directory": "out"},
    {"name": "theirs", "to": "files", "directory": "out", "orgs": ["E0OTHER"]},
]


def test_all_work_counts(tmp_path: Path) -> None:
    """The automatic response, each target with its lag, and the channels are a part of health; an
    organization hears only of targets that get its records."""
    work = Work(Settings.model_validate({"data": tmp_path, "forward": TARGETS}))
    work.responding.now("failing", "The brake is on.")
    work.notifying.now("working")
    work.notified = Notifying(work.settings, threading.Event())
    work.notified.facts = [
        ChannelFacts("chat", 3, 50, 0, 0, None, ""),
        ChannelFacts("pager", 1, 40, 0, 9, 60, "No answer."),
    ]
    work.forwarded = Forwarding(work.settings, threading.Event())
    for one in TARGETS:
        work.forwarding[one["name"]] = WorkStatus()
        work.forwarded.fares[one["name"]] = Fare()
    work.forwarding["siem"].now("failing", "It answers 503.")
    work.forwarded.fares["siem"].saw(Lag(7, time.time() - 100))
    found = fares_of(work, "E0ACME")
    assert (found["response"]["state"], found["response"]["why"]) == ("failing", "The brake is on.")
    sending = found["notifications"]
    assert (sending["state"], sending["since"]) == ("failing", 60)
    assert "pager takes nothing: No answer." in sending["why"]
    (siem,) = found["forwarding"]
    assert (siem["name"], siem["state"], siem["behind_records"]) == ("siem", "failing", 7)
    assert siem["behind_seconds"] >= 100
    Target.model_validate(siem, strict=True)
    assert [one["name"] for one in fares_of(work, "E0OTHER")["forwarding"]] == ["siem", "theirs"]
    assert failing(found)
    work.notified.facts = []
    work.responding.now("working")
    assert failing(fares_of(work, "E0ACME"))
    work.forwarding["siem"].now("working")
    assert not failing(fares_of(work, "E0ACME"))
