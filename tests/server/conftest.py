"""Lakes with events in Slack's shape, and the real server over them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.server.api.posting import Receipt, store
from gridtrail.server.api.records import Posted
from gridtrail.server.tokens import TokenStore

NOON = 1_700_049_600  # 2023-11-15 12:00:00 UTC
PATIENCE = 120  # seconds for anything that a process does; the machine may be busy

Event = dict[str, Any]
MakeEvent = Callable[..., Event]
Fill = Callable[..., Receipt]


@pytest.fixture(scope="session")
def make_event() -> MakeEvent:
    """An event in Slack's shape: its id, its second (counted from a noon), who and what."""

    def make(
        event_id: str,
        second: int = 0,
        *,
        action: str = "file_downloaded",
        actor: str = "W0MATTHEW1",
        entity: str = "F0GLENGARRY",
        **more: Any,
    ) -> Event:
        user = {"id": actor, "name": "Matt", "email": "matt@acme.example", "team": "E0ACME"}
        file = {"id": entity, "name": "Glengarry-Leads.xlsx", "filetype": "xlsx", "title": "Leads"}
        place = {"type": "workspace", "id": "T0ACME", "name": "Acme", "domain": "acme"}
        return {
            "id": event_id,
            "date_create": NOON + second,
            "action": action,
            "actor": {"type": "user", "user": user},
            "entity": {"type": "file", "file": file},
            "context": {
                "location": place,
                "ua": "Scrapers Inc/1.0",
                "ip_address": "203.0.113.7",
                "session_id": 12177102026566,
            },
        } | more

    return make


@pytest.fixture(scope="session")
def noon() -> int:
    """The second that `make_event` counts from."""
    return NOON


@dataclass
class Data:
    """A data directory with a lake and tokens in it."""

    path: Path
    lake: Lake

    def fill(self, events: Sequence[Event | bytes], org: str = "E0ACME") -> Receipt:
        """Put events (or their raw bytes) into the lake."""
        raw = [e if isinstance(e, bytes) else json.dumps(e).encode() for e in events]
        return store(self.lake, org, [Posted(f"[{i}]", text) for i, text in enumerate(raw)])

    def token(self, *scopes: str, org: str = "E0ACME", **options: Any) -> str:
        """The plaintext of a new token."""
        with TokenStore(self.path / "state.db") as tokens:
            name = f"test {time.time_ns()}"
            chosen = scopes or ("auditlogs:read",)
            return tokens.create(name, org=org, scopes=chosen, **options)[1]


@pytest.fixture(scope="session")
def new_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Data]]:
    """Makes data directories."""
    engines: list[DuckDB] = []

    def new() -> Data:
        engine = DuckDB(threads=1, memory_limit="512MiB")
        engines.append(engine)
        path = tmp_path_factory.mktemp("data")
        return Data(path, Lake(path / "lake", engine))

    yield new
    for engine in engines:
        engine.close()


@pytest.fixture
def data(new_data: Callable[[], Data]) -> Data:
    """An empty data directory."""
    return new_data()


@dataclass(eq=False)
class Server:
    """A running `gridtrail serve`."""

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def audit(self) -> str:
        """What Slack's clients take as `base_url` of the Audit Logs API."""
        return f"{self.url}/audit/v1/"

    def client(self, token: str | None = None) -> httpx.Client:
        """An HTTP client that sends `token`."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE)

    def log(self) -> list[dict[str, Any]]:
        """The log lines so far; one that is being written is not there yet."""
        whole, _, _ = self.log_file.read_text("ascii").rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def stop(self) -> int:
        """End it with SIGTERM; its exit code. One that does not end is killed, and fails."""
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


Serve = Callable[..., Server]


@pytest.fixture(scope="session", autouse=True)
def _no_proxy() -> Iterator[None]:
    """Slack's clients would send even loopback requests through a proxy of the environment."""
    names = [f"{kind}_proxy" for kind in ("http", "https", "all")]
    kept = {n: os.environ.pop(n) for m in names for n in (m, m.upper()) if n in os.environ}
    yield
    os.environ.update(kept)


def _start(data: Data, log_file: Path, settings: dict[str, Any]) -> Server:
    command = [sys.executable, "-c", "from gridtrail.cli.main import run; run()"]
    command += ["--data", str(data.path), "serve", "--port", "0"]
    settings = {"detect_seconds": 0} | settings
    given = {f"GRIDTRAIL_SERVER__{name.upper()}": str(v) for name, v in settings.items()}
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env=os.environ | given)
    return Server(_told_url(process, log_file), process, log_file)


def _told_url(process: subprocess.Popen[bytes], log_file: Path) -> str:
    """The address that the server tells when it listens: from then on connections wait for it. It
    has all the time that it needs, as long as it lives; other lines may come before."""
    while True:
        code = process.poll()
        lines = log_file.read_bytes()
        for line in lines.splitlines(keepends=True):
            if line.startswith(b"{") and line.endswith(b"\n"):
                told = json.loads(line)
                if told["event"] == "serving":
                    return str(told["url"])
        assert code is None, f"It ended with {code}: {lines.decode()}"
        time.sleep(0.02)


@contextmanager
def _starting(directory: Path) -> Iterator[Serve]:
    running: list[Server] = []

    def start(data: Data, **settings: Any) -> Server:
        running.append(_start(data, directory / f"server{len(running)}.log", settings))
        return running[-1]

    yield start
    codes = {one: one.stop() for one in running if one.process.poll() is None}
    failed = [(code, one.log_file.read_text("ascii")) for one, code in codes.items() if code != 0]
    assert not failed


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts `gridtrail serve` on a free port; settings by name, such as `workers=1`. It
    detects nothing unless `detect_seconds` is given."""
    with _starting(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """As `serve`, for servers that a module's tests share."""
    with _starting(tmp_path_factory.mktemp("servers")) as started:
        yield started


@dataclass
class Acme:
    """A running server over a lake of 600 events, newest first; nobody writes to it."""

    data: Data
    server: Server
    token: str
    events: list[Event]


@pytest.fixture(scope="session")
def acme(
    new_data: Callable[[], Data], make_event: MakeEvent, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Acme]:
    """600 events of 7 people over 200 seconds, 57 of them in one second."""
    data = new_data()
    actions = ("user_login", "file_downloaded", "acme_own_action")
    seconds = [n // 3 for n in range(543)] + [100] * 57
    events = [
        make_event(
            f"00000000-0000-4000-8000-{n:012}",
            second,
            action=actions[n % 3],
            actor=f"W0PERSON{n % 7:02}",
            entity=f"F0FILE{n % 5:04}",
        )
        for n, second in enumerate(seconds)
    ]
    events[17] |= {"action": "anomaly", "details": {"reason": ["asn", "ip_address"]}}
    for start in range(0, len(events), 200):
        data.fill(events[start : start + 200])
    data.fill([make_event("somebody-elses")], "E0OTHER")
    events.sort(key=lambda e: (e["date_create"], e["id"]), reverse=True)
    server = _start(data, tmp_path_factory.mktemp("acme") / "server.log", {})
    yield Acme(data, server, data.token(), events)
    assert server.stop() == 0
    failed = [line for line in server.log() if line["level"] not in {"info", "warning"}]
    assert not failed


_organizations = count(1)


@dataclass
class Tenant:
    """An organization of its own on the shared server."""

    data: Data
    server: Server
    org: str

    def fill(self, events: Sequence[Event | bytes]) -> Receipt:
        """Put events into the lake."""
        return self.data.fill(events, self.org)

    def token(self, *scopes: str, **options: Any) -> str:
        """The plaintext of a new token of this organization."""
        return self.data.token(*scopes, org=self.org, **options)


@pytest.fixture
def tenant(acme: Acme) -> Tenant:
    """An organization without events on the shared server."""
    return Tenant(acme.data, acme.server, f"E0TENANT{next(_organizations)}")
