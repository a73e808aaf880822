"""The server as a process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_graceful(data: Any, serve: Any, make_event: Any, number: int) -> None:
    """Told to stop, it finishes the request it is at, notes who was there, and ends with 0."""
    data.fill([make_event(f"id{n}", n) for n in range(50)])
    server, token = serve(data), data.token("auditlogs:read", "auditlogs:write")
    answers = []
    sent = threading.Event()

    def slowly() -> Any:
        yield b'[{"id":"late","action":"x","date_create":1700000000}'
        sent.set()
        stopping.wait(10)
        yield b"]"

    def post() -> None:
        with server.client(token) as client:
            answers.append(client.post("/audit/v1/logs", content=slowly()).json())

    stopping = threading.Event()
    thread = threading.Thread(target=post)
    thread.start()
    assert sent.wait(10)
    server.process.send_signal(number)
    stopping.set()
    thread.join(30)
    assert server.process.wait(30) == 0
    assert [answer["stored"] for answer in answers] == [1]
    assert data.lake.event("late") is not None
    from gridtrail.server.tokens import TokenStore

    with TokenStore(data.path / "state.db") as store:
        assert [token.last_used_at is not None for token in store.list()] == [True]
    assert server.log()[-1]["event"] == "stopped"


def test_killed_after_the_answer(data: Any, serve: Any, make_event: Any) -> None:
    """What was answered as stored is there after the process is killed."""
    server = serve(data)
    with server.client(data.token("auditlogs:write")) as client:
        assert client.post("/audit/v1/logs", json=make_event("a")).json()["stored"] == 1
        server.process.kill()
    server.process.wait(10)
    assert data.lake.event("a") is not None


def test_port_taken(data: Any) -> None:
    """A taken port is one sentence and exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-c", "from gridtrail.cli.main import run; run()"]
        command += ["--data", str(data.path), "serve", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"Cannot listen on 127.0.0.1 port {port}" in done.stderr
    assert "Traceback" not in done.stderr
