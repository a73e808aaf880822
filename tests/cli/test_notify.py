"""`gridtrail notify`."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingStore

CHANNEL = '[[notify.channels]]\nname = "{}"\nkind = "webhook"\nurl = "{}"\nsecret = "s3cret"\n'


class Far:
    """A receiver: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.status = 204
        far = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                far.got.append(json.loads(body))
                self.send_response(far.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture
def far(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    """A receiver that the settings name as the channel siem."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = Far()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    data.mkdir()
    (data / "gridtrail.toml").write_text(CHANNEL.format("siem", made.url))
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def save(data: Path, number: int) -> None:
    """Triage made a finding just now."""
    now = int(time.time())
    name = f"F{number}"
    finding = Finding(
        name, "E0ACME", "Title", "Story.", 30.0, "high", first_seen=now, last_seen=now
    )
    with FindingStore(data / "state.db") as store, store.update() as update:
        update.save(finding)


def test_a_test_says_whether_it_got_through(gridtrail: Any, far: Far) -> None:
    """Through is 0, not through is 3 with the reason; an unknown channel is named."""
    sent = gridtrail("notify", "test")
    assert (sent.code, sent.err) == (0, "siem: sent\n")
    assert far.got[0]["type"] == "test"
    far.status = 404
    failed = gridtrail("notify", "test", "siem")
    assert failed.code == 3
    assert "siem: not sent: It answered with HTTP 404." in failed.err
    unknown = gridtrail("notify", "test", "sock")
    assert unknown.code == 2
    assert "There is no channel 'sock': there is siem." in unknown.err


def test_what_is_new_is_sent_once(gridtrail: Any, far: Far, data: Path) -> None:
    """Sending tells what changed, listing says what waits and why; it is told when it works."""
    save(data, 1)
    sent = gridtrail("notify", "send")
    assert (sent.code, sent.err) == (0, "1 message sent.\n")
    far.status = 500
    save(data, 2)
    failed = gridtrail("notify", "send")
    assert failed.code == 3
    assert "siem does not take messages (It answered with HTTP 500):" in failed.err
    waits = gridtrail("notify", "list", "--format", "json")
    (row,) = waits.json
    assert (row["kind"], row["state"], row["finding_ids"]) == ("created", "waiting", ["F2"])
    assert "siem: 1 message waits since" in waits.err
    assert "failing since" in waits.err
    every = gridtrail("notify", "list", "--all", "--format", "json")
    assert [one["state"] for one in every.json] == ["waiting", "sent"]


def test_dead_letters_are_sent_again(gridtrail: Any, far: Far, data: Path) -> None:
    """What was refused is listed with the reason and goes again, one or all."""
    far.status = 422
    save(data, 1)
    assert gridtrail("notify", "send").code == 0
    dead = gridtrail("notify", "dead", "--format", "json")
    (row,) = dead.json
    assert row["said"] == "It does not take the message (HTTP 422)."
    assert gridtrail("notify", "resend").code == 2
    assert gridtrail("notify", "resend", row["id"][:10]).code == 3
    far.status = 204
    again = gridtrail("notify", "resend", "--all")
    assert (again.code, again.err) == (0, "siem: sent\n")
    assert len({one["id"] for one in far.got}) == 1
    assert "There is no dead letter." in gridtrail("notify", "resend", "--all").err


def test_without_a_channel_the_next_step_is_said(gridtrail: Any, data: Path) -> None:
    """Sending without a channel is a wrong setting; listing says that there is none."""
    assert "name one in notify.channels" in gridtrail("notify", "send").err
    assert gridtrail("notify", "test").code == 2
    assert "There is no channel" in gridtrail("notify", "list").err
