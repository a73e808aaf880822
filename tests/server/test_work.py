"""The collector and detection beside the server, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gridtrail.lake.only_one import only_one
from gridtrail.respond.decisions import decisions_since
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.serving import Serving, served_beside
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.triage.store import FindingStore

FAILING = "gridtrail_work_failing"


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackState]:
    """A simulated Slack with a story, which the settings in the environment name."""
    present = int(time.time()) - 3600
    serving = Serving(
        present, people=25, days=16, seed=3, stories=(Story("stolen_session", days_before_end=1),)
    )
    state = SlackState(serving.plan(), present, speed=0, calls_per_minute=0)
    with served_beside(state) as url:
        monkeypatch.setenv("GRIDTRAIL_COLLECT__TOKEN", state.named_tokens["reader"].secret)
        monkeypatch.setenv("GRIDTRAIL_COLLECT__BASE_URL", f"{url}/audit/v1/")
        monkeypatch.setenv("GRIDTRAIL_COLLECT__ORG", "E0ACME")
        monkeypatch.setenv("GRIDTRAIL_COLLECT__POLL_SECONDS", "1")
        yield state
    state.close()


def eventually(true: Callable[[], Any], what: str) -> Any:
    """What `true` returns once it is something; fails after five minutes."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError(f"Not within five minutes: {what}")


def metric(server: Any, name: str, work: str) -> float:
    """A number of /metrics."""
    with server.client() as client:
        text = client.get("/metrics").text
    line = next(one for one in text.splitlines() if one.startswith(f'{name}{{work="{work}"}}'))
    return float(line.split()[-1])


def test_what_happens_at_slack_becomes_a_finding(
    data: Any, serve: Any, slack: SlackState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One process collects, detects, makes findings and decides what to do about them, serves
    meanwhile, and ends with 0."""
    monkeypatch.setenv("GRIDTRAIL_RESPOND__AUTOMATIC_MODE", "record")
    monkeypatch.setenv("GRIDTRAIL_RESPOND__AUTOMATIC", '[{"name": "any", "severity": "low"}]')
    monkeypatch.setenv("GRIDTRAIL_RESPOND__AUTOMATIC_FRESH_HOURS", "720")
    server = serve(data, detect_seconds=1)

    def findings() -> Any:
        with FindingStore(data.path / "state.db") as store:
            return store.select()

    found = eventually(findings, "a finding")
    assert {"E0ACME"} == {finding.org for finding in found}
    decided = eventually(lambda: decisions_since(data.path / "state.db", 0), "a decision")
    assert {one.mode for one in decided} == {"record"}
    with server.client(data.token()) as client:
        page = client.get("/audit/v1/logs", params={"limit": 10}).json()
    assert len(page["entries"]) >= 10
    assert metric(server, FAILING, "collector") == 0
    assert metric(server, "gridtrail_work_last_done_timestamp_seconds", "detection") > 0
    assert server.stop() == 0


def test_failing_work_is_loud_and_the_server_serves(
    data: Any, serve: Any, make_event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When Slack is gone and another process detects, metrics and log say so; reading goes on."""
    monkeypatch.setenv("GRIDTRAIL_COLLECT__BASE_URL", "http://127.0.0.1:9/audit/v1/")
    data.fill([make_event("a")])
    with only_one(data.lake.home, "detect", "taken"):
        server = serve(data, detect_seconds=1)
        eventually(lambda: metric(server, FAILING, "collector") == 1, "the collector fails")
        eventually(lambda: metric(server, FAILING, "detection") == 1, "detection fails")
        with server.client(data.token()) as client:
            assert len(client.get("/audit/v1/logs").json()["entries"]) == 1
    told = [line.get("reason", "") for line in server.log() if line["level"] == "error"]
    assert any("Another process detects" in reason for reason in told)
    assert server.stop() == 0
