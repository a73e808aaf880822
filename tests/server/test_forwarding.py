"""Sending on beside the server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

SETTINGS = """
[[forward]]
name = "archive"
to = "files"
directory = "out"
since = "everything"
wait_seconds = 0

[[forward]]
name = "gone"
to = "webhook"
url = "http://127.0.0.1:{port}/hidden"
format = "ocsf"
since = "everything"
"""


def eventually(true: Callable[[], Any], what: str) -> Any:
    """What `true` returns once it is something; fails after two minutes."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"Not within two minutes: {what}")


class Busy(BaseHTTPRequestHandler):
    """Has no time for anybody."""

    def do_POST(self) -> None:
        """Answer one call."""
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(503)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def busy() -> Iterator[int]:
    """The port of a receiver that answers 503."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_targets_of_the_settings(data: Any, serve: Any, make_event: Any, busy: int) -> None:
    """The server sends on what it has and what is posted; a target that fails holds up nobody,
    is loud, and its distance is in the metrics."""
    (data.path / "gridtrail.toml").write_text(SETTINGS.format(port=busy))
    data.fill([make_event("a"), make_event("b", 1)])
    server = serve(data, detect_seconds=0)
    out = data.path / "out"

    def arrived() -> set[str]:
        files = out.glob("*.ndjson") if out.is_dir() else ()
        return {json.loads(line)["id"] for one in files for line in one.read_text().splitlines()}

    def metrics() -> dict[str, float]:
        with server.client() as client:
            lines = client.get("/metrics").text.splitlines()
        found = [line.rsplit(" ", 1) for line in lines if line.startswith("gridtrail_forward_")]
        return {name: float(value) for name, value in found}

    eventually(lambda: arrived() == {"a", "b"}, "what was there")
    data.fill([make_event("late", -90_000)])
    eventually(lambda: arrived() == {"a", "b", "late"}, "what came later")
    eventually(
        lambda: metrics().get('gridtrail_forward_behind_records{target="gone"}') == 3, "the lag"
    )
    found = metrics()
    assert found['gridtrail_forward_failing{target="gone"}'] == 1
    assert found['gridtrail_forward_behind_seconds{target="gone"}'] > 0
    eventually(
        lambda: metrics()['gridtrail_forward_behind_records{target="archive"}'] == 0, "no lag"
    )
    assert metrics()['gridtrail_forward_sent{target="archive"}'] == 3
    assert server.stop() == 0
    said = server.log_file.read_text()
    assert "The target gone answers 503" in said
    assert "hidden" not in said
