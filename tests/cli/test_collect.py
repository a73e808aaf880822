"""`gridtrail collect` as people call it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

START = 1_790_000_000
SECRET = "xoxp-only-for-the-far-side"


class FarSide(BaseHTTPRequestHandler):
    """One page of events for whoever has the token."""

    events: list[dict[str, Any]] = []  # noqa: RUF012 - filled by the test
    asked = threading.Event()

    def do_GET(self) -> None:
        """Answer one call."""
        asked = parse_qs(urlsplit(self.path).query)
        bounds = [int(asked.get(k, [d])[0]) for k, d in (("oldest", "0"), ("latest", str(2**40)))]
        found = [e for e in self.events if bounds[0] <= e["date_create"] <= bounds[1]]
        body = json.dumps({"entries": found, "response_metadata": {"next_cursor": ""}}).encode()
        known = self.headers.get("Authorization") == f"Bearer {SECRET}"
        refused = "no_such_action" in asked.get("action", [""])[0]
        self.send_response(401 if not known else 400 if refused else 200)
        self.send_header("Content-Length", str(len(body) if known else 0))
        self.end_headers()
        self.wfile.write(body if known else b"")
        if "oldest" in asked:
            self.asked.set()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def far_side(event: Callable[..., dict[str, Any]]) -> Iterator[str]:
    """The address of a far side with 20 events."""
    FarSide.events = [event(number) for number in reversed(range(20))]
    FarSide.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), FarSide)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/audit/v1/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDTRAIL_COLLECT__TOKEN", SECRET)


def test_once_collects_all_and_says_how_far(gridtrail: Any, far_side: str) -> None:
    """What was collected and up to when it is complete is data; a second run stores nothing new."""
    asked = ("collect", "--once", "--base-url", far_side, "--since", "2026-09-01", "--org", "E0K")
    first = gridtrail(*asked, "--format", "ndjson")
    assert first.code == 0, first.err
    (row,) = first.rows
    assert (row["org"], row["stored"], row["state"], row["gaps"]) == ("E0K", 20, "working", [])
    assert row["complete_from"] == "2026-09-01T00:00:00Z"
    again = gridtrail(*asked)
    assert again.code == 0
    assert "E0K" in again.text
    found = gridtrail("logs", "--format", "ndjson")
    assert len(found.rows) == 20
    assert "detect" in again.err
    assert SECRET not in first.text + first.err + again.text + again.err


def test_a_wrong_token_ends_with_2(
    gridtrail: Any, far_side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused token is one sentence with the next step, and exit code 2."""
    monkeypatch.setenv("GRIDTRAIL_COLLECT__TOKEN", "xoxp-wrong")
    result = gridtrail("collect", "--once", "--base-url", far_side)
    assert result.code == 2
    assert "auditlogs:read" in result.err
    assert "xoxp-wrong" not in result.err + result.text


def test_verify_says_how_far_it_was_collected(
    gridtrail: Any, far_side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify` tells up to when the log is complete, and a collector that was refused is a
    problem."""
    asked = ("collect", "--once", "--base-url", far_side, "--since", "2026-09-01", "--org", "E0K")
    gridtrail(*asked)
    found = gridtrail("verify", "--format", "ndjson")
    assert found.code == 0
    told = {row["check"]: row for row in found.rows}
    assert told["collected"]["text"].startswith("working, complete 2026-09-01T00:00:00Z to ")
    assert told["not collected yet"]["count"] == told["came late"]["count"] == 0
    monkeypatch.setenv("GRIDTRAIL_COLLECT__TOKEN", "xoxp-wrong")
    gridtrail(*asked)
    refused = gridtrail("verify", "--format", "ndjson")
    assert refused.code == 1
    told = {row["check"]: row for row in refused.rows}
    assert told["collected"]["state"] == "problem"
    assert "xoxp-wrong" not in refused.text


def test_no_token_ends_with_2(gridtrail: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token Slack is not called, and how to give one is said."""
    monkeypatch.delenv("GRIDTRAIL_COLLECT__TOKEN")
    result = gridtrail("collect", "--once")
    assert result.code == 2
    assert "GRIDTRAIL_COLLECT__TOKEN" in result.err


def test_an_unknown_organization_is_named(gridtrail: Any, data: Path) -> None:
    """--org must be one of those in the settings, which are listed."""
    data.mkdir()
    (data / "gridtrail.toml").write_text('[[collect.sources]]\norg = "E0A"\n')
    result = gridtrail("collect", "--org", "E0B")
    assert result.code == 2
    assert "E0A" in result.err


def test_sigterm_ends_a_service_well(data: Path, far_side: str) -> None:
    """Following ends with SIGTERM and exit code 0; what a service tells is JSON lines."""
    command = [sys.executable, "-c", "from gridtrail.cli.main import run; run()"]
    asked = ["--data", str(data), "collect", "--base-url", far_side, "--since", "2026-09-01"]
    process = subprocess.Popen(
        [*command, *asked, "--action", "user_login,no_such_action"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"GRIDTRAIL_COLLECT__POLL_SECONDS": "1"},
        text=True,
    )
    asked_it = FarSide.asked.wait(120)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert asked_it, err
    assert process.returncode == 0, err
    assert SECRET not in err
    told = [json.loads(line) for line in err.splitlines() if line.startswith("{")]
    assert [one["event"] for one in told if one.get("org") == "default"]
    assert all("no_such_action" in one["event"] for one in told), "one line a call is too much"
