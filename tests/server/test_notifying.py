"""Notifications beside the server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from gridtrail.server.notifying import conditions
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingStore


@dataclass
class Status:
    """How some work fares."""

    state: str
    why: str = ""


@pytest.fixture
def received() -> Iterator[tuple[str, list[Any]]]:
    """The address of a receiver, and what it got."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", got
    server.shutdown()
    server.server_close()
    thread.join()


def eventually(true: Callable[[], Any], what: str) -> Any:
    """What `true` returns once it is something."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"Not within two minutes: {what}")


def metric(server: Any, name: str) -> float | None:
    """A number of /metrics."""
    with server.client() as client:
        lines = client.get("/metrics").text.splitlines()
    found = [line for line in lines if line.startswith(f"gridtrail_notify_{name}{{")]
    return float(found[0].split()[-1]) if found else None


def test_a_finding_is_told_while_the_server_runs(
    data: Any, serve: Any, received: tuple[str, list[Any]]
) -> None:
    """`gridtrail serve` tells what changes in the findings, counts what waits, and ends with 0."""
    url, got = received
    (data.path / "gridtrail.toml").write_text(
        f'[notify]\npoll_seconds = 1\n[[notify.channels]]\nname = "siem"\nkind = "webhook"\n'
        f'url = "{url}"\nsecret = "s3cret"\n'
    )
    server = serve(data)
    now = int(time.time())
    finding = Finding(
        "F1", "E0ACME", "Title", "Story.", 30.0, "high", first_seen=now, last_seen=now
    )
    with FindingStore(data.path / "state.db") as store, store.update() as update:
        update.save(finding)
    eventually(lambda: got, "the finding is told")
    assert (got[0]["type"], got[0]["findings"][0]["id"]) == ("finding.created", "F1")
    eventually(lambda: metric(server, "waiting") == 0, "nothing waits")
    assert metric(server, "dead") == 0
    assert server.stop() == 0


def test_what_the_server_does_itself_is_told() -> None:
    """Work that fails is a condition with its reason; what only begins says nothing yet."""
    parts = {"collecting": Status("failing", "Slack is gone."), "detecting": Status("working")}
    found = conditions({**parts, "notifying": Status("starting")})
    assert [(one.subject, one.bad, one.text) for one in found] == [
        ("server's collector", True, "The server's collector fails (Slack is gone)"),
        ("server's detection", False, "The server's detection fails ()"),
    ]
