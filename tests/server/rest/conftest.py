"""The API over a small lake, with what a stranger sends in it, and the command line beside it."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import uvicorn

from gridtrail.cli.main import main
from gridtrail.lake.query import EventFilter
from gridtrail.respond.responses import Asked, ResponseStore
from gridtrail.respond.trail import Trail
from gridtrail.server.app import create_app
from gridtrail.settings import Settings
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingStore

ATTACK = "<script>alert(1)</script>\"'; DROP TABLE events;--\u202e\u200b{{7*7}}%00../"


class _OfThisThread(io.TextIOWrapper):
    """Takes what the thread that made it writes: the server's log lines are others'."""

    def __init__(self, buffer: io.BytesIO, encoding: str) -> None:
        super().__init__(buffer, encoding=encoding)
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        return super().write(text) if threading.get_ident() == self._thread else len(text)


@dataclass
class Api:
    """The API, tokens by scope, and the data behind it."""

    client: httpx.Client
    data: Any
    settings: Settings
    reads: str
    changes: str
    other: str  # reads and changes, of another organization
    url: str

    def call(
        self, method: str, path: str, *, token: str | None = None, **more: Any
    ) -> httpx.Response:
        """The answer to a request with the token (by default one that reads, or changes)."""
        chosen = token or (self.reads if method == "GET" else self.changes)
        headers = {"authorization": f"Bearer {chosen}"}
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a good answer."""
        found = self.call("GET", path, params=query)
        assert found.status_code == 200, found.text
        return found.json()

    def cli(self, *words: str) -> Any:
        """The JSON that the command line prints over the same data."""
        held = io.BytesIO()
        out = _OfThisThread(held, encoding="utf-8")
        arguments = ["--data", str(self.settings.data), *words, "--format", "json"]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            main(arguments)
        out.flush()
        return json.loads(held.getvalue())

    def trail(self) -> list[dict[str, Any]]:
        """Gridtrail's own audit events so far; those of one second in any order."""
        with Trail(self.settings.state) as trail:
            trail.move(self.data.lake)
        own = EventFilter(source="gridtrail", org="E0ACME")
        rows = self.data.lake.newest(own, 5000, columns=["raw"]).to_pylist()
        return [json.loads(row["raw"]) for row in reversed(rows)]


@contextlib.contextmanager
def _serving(settings: Settings) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(settings), log_config=None))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def serving() -> Callable[[Settings], contextlib.AbstractContextManager[str]]:
    """Serves in a thread; gives the address."""
    return _serving


@pytest.fixture(scope="session")
def attack() -> str:
    """The text that strangers send."""
    return ATTACK


@pytest.fixture(scope="session")
def finding() -> Finding:
    """A finding about what `api` holds."""
    return Finding(
        id="F0123456789abcdef",
        org="E0ACME",
        title=f"Matt {ATTACK} is being scraped",
        narrative="It came.",
        score=12.5,
        severity="high",
        actor_ids=("W0MATTHEW1",),
        session_ids=("77",),
        ips=("203.0.113.7",),
        reasons=("excessive_downloads", "user_agent"),
        first_seen=1_700_049_600,
        last_seen=1_700_049_900,
        event_ids=("anomaly-ours", "anomaly-slack"),
        context={"counts": {"file_downloaded": 3}},
        history={"score": {"nats": 12.5, "families": {"client": 12.5}}, "by_reason": []},
        advice=("Ask them.",),
    )


def _hostile(make_event: Any) -> list[dict[str, Any]]:
    place = {"type": ATTACK, "id": ATTACK, "name": ATTACK, "domain": ATTACK}
    found = []
    for number, kind in enumerate(("file", "user", "unheard_of")):
        event = make_event(f"{ATTACK}{number}", number, action=ATTACK, actor=ATTACK, entity=ATTACK)
        context = {"location": place, "ua": ATTACK, "ip_address": ATTACK, "session_id": ATTACK}
        entity = {"type": kind, kind: {"id": ATTACK, "name": ATTACK}}
        found.append(event | {"context": context, "entity": entity, "details": {ATTACK: 10**30}})
    return found


def _anomalies(make_event: Any) -> list[dict[str, Any]]:
    ours = {
        "detector": "excessive_downloads",
        "words": "So many.",
        "silent_if": "fewer",
        "deciding_events": ["plain-003", "plain-001", 7, "not there"],
        "observed": {"count": 3},
    }
    details = {"reason": ["excessive_downloads", "user_agent"], "gridtrail": ours}
    slack = {"reason": ["user_agent"], "previous_ua": ATTACK, "gridtrail": 1}
    return [
        make_event("anomaly-ours", 100, action="anomaly") | {"details": details},
        make_event("anomaly-slack", 200, action="anomaly") | {"details": slack},
    ]


def _decided(settings: Settings, finding: Finding) -> None:
    with FindingStore(settings.state) as findings, findings.update() as update:
        for number in range(5):
            other = replace(finding, id=f"F{number:016x}", score=3.0 + number, severity="medium")
            update.save(replace(other, event_ids=(f"x{number}",)))
        update.save(finding)
        update.save(replace(finding, id="Fffffffffffffffff", org="E0OTHER", event_ids=("y",)))
    with ResponseStore(settings.state) as responses:
        for org in ("E0ACME", "E0OTHER"):
            people = (("W0MATTHEW1", ATTACK),)
            asked = Asked(org, "admin.users.session.reset", people, "all", None, "a@b", "why", None)
            responses.ask(asked, approval=True)


@pytest.fixture(scope="session")
def api(new_data: Any, make_event: Any, finding: Finding) -> Iterator[Api]:
    """The API over 35 events of an organization, one of another one, findings and responses."""
    data = new_data()
    data.fill([make_event(f"plain-{n:03}", n // 3) for n in range(30)])
    data.fill([*_hostile(make_event), *_anomalies(make_event), b"no event"])
    data.fill([make_event("somebody-elses", actor="W0ELSEWHERE")], "E0OTHER")
    settings = Settings(data=data.path, org="E0ACME")
    _decided(settings, finding)
    everything = ("auditlogs:read", "admin")
    with _serving(settings) as url, httpx.Client(base_url=url, timeout=120) as client:
        yield Api(
            client, data, settings, data.token("auditlogs:read"), data.token("admin"),
            data.token(*everything, org="E0OTHER"), url,
        )  # fmt: skip
