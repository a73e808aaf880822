"""Log lines and request ids."""

from __future__ import annotations

import time
from typing import Any


def line_of(server: Any, request_id: str) -> dict[str, Any]:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for line in server.log():
            if line.get("request_id") == request_id:
                found: dict[str, Any] = line
                return found
        time.sleep(0.02)
    raise AssertionError(f"no log line of {request_id}")


def test_log_line(acme: Any) -> None:
    """Each request has one line with its facts: who, what, how long, how many events."""
    with acme.server.client(acme.token) as client:
        answer = client.get("/audit/v1/logs", params={"limit": 1}, headers={"X-Request-Id": "r-1"})
    assert answer.headers["x-request-id"] == "r-1"
    line = line_of(acme.server, "r-1")
    facts = ("event", "method", "path", "status", "org", "events", "client", "level")
    assert [line[name] for name in facts] == [
        "request", "GET", "/audit/v1/logs", 200, "E0ACME", 3, "127.0.0.1", "info",
    ]  # fmt: skip
    assert line["token"].startswith("U")
    assert line["milliseconds"] > 0


def test_no_secret(acme: Any) -> None:
    """Neither a token nor a query string gets into the log."""
    with acme.server.client(acme.token) as client:
        answer = client.get("/audit/v1/logs", params={"actor": "W0SECRETIVE", "token": acme.token})
    line_of(acme.server, answer.headers["x-request-id"])
    text = acme.server.log_file.read_text()
    assert acme.token not in text
    assert "W0SECRETIVE" not in text


def test_ids_of_our_own(acme: Any) -> None:
    """An id that is no plain word is replaced, and each request has another."""
    given = ["", "a b", "x" * 65, "é", '"}', "${jndi}"]
    with acme.server.client() as client:
        ids = {
            client.get("/health", headers={"X-Request-Id": text.encode()}).headers["x-request-id"]
            for text in given
        }
    assert len(ids) == len(given)
    assert not ids & set(given)


def test_hostile_path(acme: Any) -> None:
    """A path cannot break its log line, move a terminal or make it long."""
    with acme.server.client() as client:
        path = "/%0A%1B%5B31m{%22event%22:1}%E2%80%AE" + "x" * 5000
        answer = client.get(path)
    assert answer.status_code == 404
    line = line_of(acme.server, answer.headers["x-request-id"])
    assert line["path"].startswith("/\n\x1b[31m{")
    assert len(line["path"]) == 200
    text = acme.server.log_file.read_bytes()
    assert text.isascii()
    assert b"\x1b" not in text
