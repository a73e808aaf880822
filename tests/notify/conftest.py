"""Installations that notify, and far sides that fail in every way."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.notify.message import Message
from gridtrail.notify.running import Notifier
from gridtrail.settings import ConsoleSettings, Settings
from gridtrail.settings_notify import ChannelSettings, NotifySettings, RuleSettings
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingStore


@pytest.fixture(scope="session", autouse=True)
def _no_proxy() -> Iterator[None]:
    """Requests to this machine would go through a proxy of the environment."""
    names = [f"{kind}_proxy" for kind in ("http", "https", "all")]
    kept = {n: os.environ.pop(n) for m in names for n in (m, m.upper()) if n in os.environ}
    yield
    os.environ.update(kept)


NOW = 1_795_132_800 + 15 * 3_600
"""A Friday afternoon (2026-11-20, 15:00 UTC)."""


@dataclass
class Got:
    """A request that arrived whole."""

    path: str
    headers: dict[str, str]
    body: bytes
    taken: bool  # answered as if all were well

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A far side over HTTP: takes what comes, after `moods` are used up, one a request.

    Moods: a status such as `500`, `429 7` (Retry-After), `307 URL`, `hang`, `cut` (the request is
    read, the answer is cut in the middle), `lost` (taken, and the answer is cut), `drip`, `big`,
    `error CODE` (Slack's). Posts to Slack's chat methods are answered as Slack does.
    """

    url: str = ""
    moods: list[str] = field(default_factory=list)
    got: list[Got] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)  # Slack: ts -> message
    ending: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def taken(self) -> list[Got]:
        """What it took, doubles left out."""
        found: dict[str, Got] = {}
        for one in self.got:
            if one.taken:
                found.setdefault(one.headers["webhook-id"], one)
        return list(found.values())


class _Handler(BaseHTTPRequestHandler):
    far: Receiver

    def do_POST(self) -> None:
        """Any request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.far.lock:
            mood = self.far.moods.pop(0) if self.far.moods else "200"
            taken = mood in ("200", "204", "lost", "big")
            self.far.got.append(Got(self.path, headers, body, taken))
            answer = self._slack(body) if taken and "/api/chat." in self.path else b"{}"
        self._answer(mood, answer)

    def _slack(self, body: bytes) -> bytes:
        given = json.loads(body)
        at = given.get("ts") or f"{1_795_000_000 + len(self.far.shown)}.000100"
        self.far.shown[at] = given
        return json.dumps({"ok": True, "channel": given["channel"], "ts": at}).encode()

    def _answer(self, mood: str, body: bytes) -> None:
        word, _, more = mood.partition(" ")
        if word in ("hang", "cut", "lost", "drip"):
            self._break(word)
            return
        if word == "error":
            word, body = "200", json.dumps({"ok": False, "error": more}).encode()
        if word == "big":
            word, body = "200", b"x" * 5_000_000
        self.send_response(int(word))
        if word in ("429", "503") and more:
            self.send_header("Retry-After", more)
        if word in ("301", "307", "308"):
            self.send_header("Location", more)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def _break(self, how: str) -> None:
        self.close_connection = True
        if how == "hang":
            self.far.ending.wait(60)
            return
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")
        while how == "drip" and not self.far.ending.wait(0.05):
            try:
                self.wfile.write(b"x")
            except OSError:
                return

    def log_message(self, *_: object) -> None:
        """Nothing: stderr belongs to what is tested."""


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    """Starts far sides."""
    running: list[tuple[Receiver, ThreadingHTTPServer, threading.Thread]] = []

    def start() -> Receiver:
        far = Receiver()
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"far": far}))
        server.daemon_threads = True
        far.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((far, server, thread))
        return far

    yield start
    for far, server, thread in running:
        far.ending.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def far(receivers: Callable[[], Receiver]) -> Receiver:
    """One far side."""
    return receivers()


@dataclass
class Installation:
    """An installation whose clock is ours."""

    settings: Settings
    now: float = NOW

    def save(self, *found: Finding) -> None:
        """Triage made these."""
        with FindingStore(self.settings.state) as store, store.update() as update:
            for one in found:
                update.save(one)

    def notifier(self) -> Notifier:
        """What sends, without chance in its pauses."""
        return Notifier(self.settings, clock=lambda: self.now, jitter=lambda: 1.0)

    def round(self) -> int:
        """One round; the messages delivered."""
        with self.notifier() as notifier:
            return notifier.round()

    def until_quiet(self, rounds: int = 300, seconds: int = 60) -> None:
        """Rounds with so many seconds between them, until nothing waits."""
        with self.notifier() as notifier:
            for _ in range(rounds):
                notifier.round()
                if not any(one.waiting for one in notifier.facts()):
                    return
                self.now += seconds
        raise AssertionError("Something waits for ever.")

    def messages(self, **filters: Any) -> list[Message]:
        """The outbox, the oldest first."""
        with self.notifier() as notifier:
            return notifier.outbox.select(limit=None, **filters)[::-1]


Install = Callable[..., Installation]


@pytest.fixture
def install(state_place: Path | str, tmp_path: Path) -> Install:
    """Makes an installation with channels and rules; `more` are further settings of notify."""

    def make(
        *channels: dict[str, Any], rules: list[dict[str, Any]] | None = None, **more: Any
    ) -> Installation:
        notify = NotifySettings(
            channels=[ChannelSettings(**one) for one in channels],
            rules=[RuleSettings(**one) for one in rules or []],
            **more,
        )
        home = tmp_path / "made"
        home.mkdir(exist_ok=True)
        database = None if isinstance(state_place, Path) else SecretStr(state_place)
        console = ConsoleSettings(url="https://gridtrail.acme.example/")
        return Installation(
            Settings(data=home, org="E0ACME", database=database, notify=notify, console=console)
        )

    return make


@pytest.fixture
def hook() -> Callable[..., dict[str, Any]]:
    """Makes the settings of a webhook to a far side; patient, unless told."""

    def make(url: str, name: str = "siem", **more: Any) -> dict[str, Any]:
        url = f"{url}/hook"
        given = {"name": name, "kind": "webhook", "url": url, "secret": "s3cret"}
        return given | {"timeout_seconds": 60} | more

    return make


@pytest.fixture
def bot() -> Callable[..., dict[str, Any]]:
    """Makes the settings of a Slack conversation at a far side."""

    def make(url: str, name: str = "soc", **more: Any) -> dict[str, Any]:
        given = {"name": name, "kind": "slack", "token": "xoxb-1", "to": "C0SOC"}
        return given | {"base_url": f"{url}/api/", "timeout_seconds": 60} | more

    return make


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Makes findings: the n-th one, with what differs."""
    plain = Finding(
        id="F",
        org="E0ACME",
        title="Matt Salesman's Slack is being scraped with Scrapers Inc",
        narrative="Between 12:04 and 12:05, 2 anomalies were raised. There were 42 downloads.",
        score=29.0,
        severity="high",
        actor_ids=("W0MATT",),
        ips=("198.51.100.20",),
        reasons=("unexpected_scraping", "user_agent"),
        first_seen=NOW - 600,
        last_seen=NOW - 540,
        context={"files": {"distinct": 40}},
        history={"score": {"pattern": "scraping_tool"}},
    )

    def make(number: int = 1, **more: Any) -> Finding:
        ids = more.pop("event_ids", (f"e{number}",))
        return replace(plain, id=f"F{number:04}", event_ids=ids, **more)

    return make


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """An empty lake."""
    engine = DuckDB(threads=1)
    yield Lake(tmp_path / "lake", engine)
    engine.close()
