"""`gridtrail responses run`, `automatic` and `release`, against a simulated Slack over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SETTINGS = """
[respond]
automatic_mode = "act"
automatic_people_an_hour = 1

[[respond.automatic]]
name = "scraping"
reasons = ["unexpected_scraping"]
"""


@pytest.fixture
def flagged(data: Path, slack: Any, gridtrail: Any, store: Callable[..., None]) -> list[str]:
    """The ids of two people who are flagged for scraping, with rules for it in the settings."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "gridtrail.toml").write_text(SETTINGS)
    with slack.lock:
        now, organization = slack.catch_up(), slack.organization
        people = [o for o in organization.world.people[5:] if organization.active_sessions(o, now)]
    at = int(time.time()) - 120
    for number, one in enumerate(people[:2]):
        user = {"id": one.id, "name": one.name, "email": one.email}
        store([{
            "id": f"flagged-{number}",
            "date_create": at + number,
            "action": "anomaly",
            "actor": {"type": "user", "user": user},
            "entity": {"type": "user", "user": user},
            "context": {"session_id": None},
            "details": {"reason": ["unexpected_scraping"]},
        }])  # fmt: skip
    assert gridtrail("detect").code == 0
    return [one.id for one in people[:2]]


def test_rules_are_followed_listed_and_braked(gridtrail: Any, flagged: list[str]) -> None:
    """Tried first, then done; the brake holds the second person and is said until released."""
    tried = gridtrail("responses", "run", "--dry-run", "--format", "json")
    assert [row["state"] for row in tried.json] == ["recorded", "held"]
    assert gridtrail("responses", "--format", "json").json == []
    listed = gridtrail("responses", "automatic", "--format", "json")
    assert [row["state"] for row in listed.json] == ["held", "stopped", "recorded"]
    recorded = listed.json[2]
    mine = gridtrail("responses", "automatic", "--user", recorded["person"], "--format", "json")
    assert mine.json == [recorded]
    finding = gridtrail("finding", recorded["finding_id"]).text
    assert "Would be responded to automatically (dry run)" in " ".join(finding.split())
    assert gridtrail("responses", "automatic", "--state", "doen").code == 2
    assert gridtrail("responses", "release", "--reason", "a drill").code == 0
    again = gridtrail("responses", "release")
    assert "not on" in again.err


def test_the_brake_is_an_exit_code(
    gridtrail: Any, flagged: list[str], store: Callable[..., None]
) -> None:
    """`run` ends with 1 while it is on; one person was signed out, on the record and the trail."""
    run = gridtrail("responses", "run", "--format", "json")
    assert run.code == 1
    assert [row["state"] for row in run.json] == ["done", "held"]
    assert "is stopped since" in run.err
    (response,) = gridtrail("responses", "--format", "json").json
    assert response["asked_by"] == "Gridtrail"
    assert gridtrail("responses", "automatic").err.count("is stopped since") == 1
    assert gridtrail("responses", "release").code == 0
    assert gridtrail("responses", "run").code == 0


def test_somebody_stops_it(gridtrail: Any, flagged: list[str]) -> None:
    """Nobody is signed out while it is stopped by hand; who did it and why is said."""
    stopped = gridtrail("responses", "stop", "--reason", "a drill")
    assert stopped.code == 0
    assert "a drill" in stopped.err
    assert "responses release" in stopped.err
    assert "on already" in gridtrail("responses", "stop").err
    run = gridtrail("responses", "run", "--format", "json")
    assert {row["state"] for row in run.json} == {"held"}
    assert gridtrail("responses", "--format", "json").json == []
    assert gridtrail("responses", "release").code == 0


def test_off_is_said(gridtrail: Any) -> None:
    """Without settings nothing is done, and the next step is said."""
    result = gridtrail("responses", "run")
    assert result.code == 0
    assert "set respond.automatic_mode" in result.err
