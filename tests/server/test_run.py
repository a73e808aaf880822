"""The server as a process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from gridtrail.server.tokens import TokenStore

PATIENCE = 120  # seconds; the machine may be busy


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_graceful(data: Any, serve: Any, make_event: Any, number: int) -> None:
    """Told to stop, it finishes the request it is at, notes who was there, and ends with 0."""
    data.fill([make_event(f"id{n}", n) for n in range(50)])
    server, token = serve(data), data.token("auditlogs:read", "auditlogs:write")
    body = b'[{"id":"late","action":"x","date_create":1700000000}]'
    with _connected(server.url) as connection:
        connection.sendall(
            b"POST /audit/v1/logs HTTP/1.1\r\nHost: gridtrail\r\nExpect: 100-continue\r\n"
            b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n" % (token.encode(), len(body))
        )
        # the server asks for the body: from here on it is at this request
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        server.process.send_signal(number)
        _wait_until_refused(server.url)
        connection.sendall(body)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["stored"] == 1
    assert server.process.wait(PATIENCE) == 0
    assert data.lake.event("late") is not None
    with TokenStore(data.path / "state.db") as store:
        assert [token.last_used_at is not None for token in store.list()] == [True]
    assert server.log()[-1]["event"] == "stopped"


_TOLD_AT_ONCE = """
import os, signal, sys
from gridtrail.server.run import serve
from gridtrail.settings import Settings
serve(Settings(data=sys.argv[1]), started=lambda _: os.kill(os.getpid(), signal.SIGTERM))
"""


def test_told_to_stop_before_it_answers(data: Any) -> None:
    """As soon as its address is known it may be told to stop, and ends with 0."""
    command = [sys.executable, "-c", _TOLD_AT_ONCE, str(data.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert "stopped" in done.stdout + done.stderr


def _connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def _wait_until_refused(url: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            _connected(url).close()
        except OSError:
            return
        time.sleep(0.02)
    raise AssertionError("It still takes connections after it was told to stop.")


def test_killed_after_the_answer(data: Any, serve: Any, make_event: Any) -> None:
    """What was answered as stored is there after the process is killed."""
    server = serve(data)
    with server.client(data.token("auditlogs:write")) as client:
        assert client.post("/audit/v1/logs", json=make_event("a")).json()["stored"] == 1
        server.process.kill()
    server.process.wait(PATIENCE)
    assert data.lake.event("a") is not None


def test_port_taken(data: Any) -> None:
    """A taken port is one sentence and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-c", "from gridtrail.cli.main import run; run()"]
        command += ["--data", str(data.path), "serve", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2
    assert f"Cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "Traceback" not in done.stderr
