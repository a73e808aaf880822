"""Findings in the order of their changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gridtrail.forward.findings import FindingSource
from gridtrail.forward.position import Position
from gridtrail.forward.store import ForwardStore
from gridtrail.settings_forward import ForwardSettings
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingStore

SECOND = 1_790_035_200


@pytest.fixture
def findings(state: Path) -> Iterator[FindingStore]:
    """The findings of a data directory."""
    with FindingStore(state) as store:
        yield store


@pytest.fixture
def source(state: Path, findings: FindingStore) -> Iterator[Any]:
    """A source with these settings over the findings."""
    with ForwardStore(state) as store:

        def make(**fields: Any) -> FindingSource:
            fields = {"name": "t", "to": "files", "directory": "d", "what": "findings", **fields}
            return FindingSource(store.engine, ForwardSettings(**fields))

        yield make


def save(findings: FindingStore, finding_id: str, **fields: Any) -> None:
    """Make or change a finding."""
    made: dict[str, Any] = {"org": "E0", "title": "t", "narrative": "n", "score": 1.0}
    made |= {"severity": "high", "last_seen": SECOND, **fields}
    with findings.update() as update:
        update.save(Finding(finding_id, **made))


def through(source: FindingSource, position: Position) -> tuple[list[Any], Position]:
    """The findings after `position`, and the position behind them."""
    found = []
    for step in source.steps(position):
        position = step.after
        if step.record is not None:
            found.append(json.loads(step.record.line))
    return found, position


def test_changes_are_sent(source: Any, findings: FindingStore) -> None:
    """A finding comes when it is made, when it grows, and when people decide."""
    save(findings, "Fold")
    follower = source()
    position = follower.beginning()
    save(findings, "F1")
    assert follower.lag(position).rows == 1
    found, position = through(follower, position)
    assert [one["id"] for one in found] == ["F1"]
    assert through(follower, position)[0] == []
    findings.decide("F1", verdict="true_positive")
    save(findings, "F2")
    found, position = through(follower, position)
    assert [(one["id"], one["status"]) for one in found] == [("F1", "closed"), ("F2", "open")]
    assert follower.lag(position).rows == 0


def test_the_past(source: Any, findings: FindingStore) -> None:
    """Everything, or findings since a day, come when that is wanted; organizations are chosen."""
    save(findings, "F1", last_seen=SECOND - 1)
    save(findings, "F2")
    save(findings, "F3", org="E1")
    for fields, wanted in (
        ({"since": "everything"}, ["F1", "F2", "F3"]),
        ({"since": "2026-09-22"}, ["F2", "F3"]),
        ({"since": "everything", "orgs": ["E1"]}, ["F3"]),
        ({}, []),
    ):
        follower = source(**fields)
        assert [one["id"] for one in through(follower, follower.beginning())[0]] == wanted


def test_merged(source: Any, findings: FindingStore) -> None:
    """A finding that became part of another is told as closed, with where it went."""
    follower = source(since="everything")
    save(findings, "F1")
    save(findings, "F2")
    _, position = through(follower, follower.beginning())
    with findings.update() as update:
        update.merge("F1", "F2")
    found, _ = through(follower, position)
    told = {one["id"]: one.get("merged_into") for one in found}
    assert told == {"F1": "F2", "F2": None}


def test_formats(source: Any, findings: FindingStore) -> None:
    """A decided finding is an Update or a Close in OCSF, an alert in ECS."""
    save(findings, "F1")
    findings.assign("F1", "ada")
    follower = source(format="ocsf", since="everything")
    found, position = through(follower, follower.beginning())
    assert found[0]["activity_name"] == "Update"
    findings.decide("F1", verdict="expected")
    assert through(follower, position)[0][0]["activity_name"] == "Close"
    ecs = source(format="ecs", since="everything")
    assert through(ecs, ecs.beginning())[0][0]["event"]["kind"] == "alert"
