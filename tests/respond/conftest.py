"""A small simulated Slack over HTTP, and ways to it that break."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pyarrow as pa
import pytest
from pydantic import SecretStr

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.respond.automatic import Automatic, Ran
from gridtrail.respond.decisions import Decision, DecisionStore
from gridtrail.sandbox.ledger import Search
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.serving import Serving, served_beside
from gridtrail.sandbox.slack_state import CallFaults, SlackState
from gridtrail.settings import Settings
from gridtrail.settings_respond import AutomaticRule, RespondSettings
from gridtrail.slack.event import read_event
from gridtrail.triage.run import triage

PRESENT = 1_795_132_800 + 15 * 3_600
"""A Friday afternoon (2026-11-20, 15:00 UTC)."""


@dataclass
class Far:
    """The far side: its state, its address, and what reached it by way of `through`."""

    state: SlackState
    url: str
    through: str = ""
    cut: int = 0  # so many calls of `through` are cut after Slack did them
    rewrite: Callable[[str, bytes], bytes] | None = None  # what happens to bodies on the way
    calls: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)

    def settings(self, token: str = "owner", **more: Any) -> RespondSettings:
        """Settings that reach it with the token of that name (or any text)."""
        known = self.state.named_tokens.get(token)
        secret = token if known is None else known.secret
        given = {"token": secret, "base_url": f"{self.through}/api/", "org": "E0ACME"} | more
        return RespondSettings(**given)

    def people(self) -> list[Any]:
        """Its people; the primary owner is the second."""
        return list(self.state.organization.world.people)

    def advance(self, seconds: int) -> None:
        """Let simulated time go on."""
        self.state.clock.advance(seconds)
        with self.state.lock:
            self.state.catch_up()

    def plant(self, kind: Any) -> Any:
        """A story that begins now; its planted form."""
        with self.state.lock:
            return self.state.organization.plant(Story(kind), self.state.catch_up())

    def log(self, oldest: int = 0, **search: Any) -> list[dict[str, Any]]:
        """Events of the log, newest first."""
        with self.state.lock:
            self.state.catch_up()
            wanted = Search(oldest=oldest, **search)
            page = self.state.organization.ledger.page(wanted, 100_000)
            return [orjson.loads(one) for one in page.events]


class _Way(BaseHTTPRequestHandler):
    """Hands calls on to the simulated Slack; cuts the answer when told to."""

    far: Far

    def do_POST(self) -> None:
        """Any method of the Web API."""
        far, method = self.far, self.path.rpartition("/")[2]
        far.calls[method] += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if far.rewrite is not None:
            body = far.rewrite(method, body)
        parts = urlsplit(far.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=120)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "content-length"}
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if far.cut > 0:
            far.cut -= 1
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() in ("content-type", "retry-after"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing: stderr belongs to what is tested."""


@pytest.fixture(scope="module")
def _far() -> Iterator[Far]:
    plan = Serving(PRESENT, people=25, days=4, seed=3).plan()
    state = SlackState(plan, PRESENT, speed=0, calls_per_minute=0)
    with served_beside(state) as url:
        far = Far(state, url)
        way = ThreadingHTTPServer(("127.0.0.1", 0), type("Way", (_Way,), {"far": far}))
        far.through = f"http://127.0.0.1:{way.server_address[1]}"
        along = threading.Thread(target=way.serve_forever, args=(0.05,))
        along.start()
        yield far
        way.shutdown()
        way.server_close()
        along.join()
    state.close()


@pytest.fixture
def far(_far: Far) -> Far:
    """The simulated Slack (one for all tests of a file, time goes on) without faults and counts."""
    _far.state.faults = CallFaults()
    _far.state.calls_per_minute = 0
    _far.cut, _far.rewrite = 0, None
    _far.calls.clear()
    _far.waits.clear()
    _far.state.organization.detection.allowed.write([], [])
    return _far


@dataclass
class Log:
    """A lake that collects from the far side, or is given events."""

    lake: Lake

    def collect(self, far: Far, oldest: int, **search: Any) -> None:
        """Take in what the far side logged since that second."""
        self.put(far.log(oldest=oldest, **search))

    def put(self, events: list[dict[str, Any]], source: str = "slack") -> None:
        """Take in events of E0ACME."""
        rows = [_row(orjson.dumps(one).decode(), source) for one in events]
        self.lake.engine.register("_given", pa.Table.from_pylist(rows, schema=EVENTS))
        self.lake.append_events("_given")
        self.lake.engine.unregister("_given")


def _row(raw: str, source: str) -> dict[str, Any]:
    fields = asdict(read_event(raw.encode()))
    moment = datetime.fromtimestamp(fields["date_create"], UTC)
    own = {"org": "E0ACME", "day": moment.date(), "raw": raw, "source": source}
    return {**fields, **own, "ingested_at": moment}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """An empty lake."""
    engine = DuckDB(threads=1)
    yield Log(Lake(tmp_path / "lake", engine))
    engine.close()


@dataclass
class Desk:
    """One installation: a lake, the settings, and the automatic response over them."""

    far: Any
    log: Any
    data: Path
    database: SecretStr | None = None

    def settings(self, **more: Any) -> Settings:
        """Settings that act on scraping, unless told else."""
        given = {
            "automatic_mode": "act",
            "automatic": [AutomaticRule(name="scraping", reasons=["unexpected_scraping"])],
        } | more
        respond = self.far.settings(**given)
        return Settings(data=self.data, database=self.database, respond=respond)

    @property
    def place(self) -> Path | str:
        """Where its state is."""
        return self.settings().state

    def put(self, *events: dict[str, Any]) -> None:
        """Take in these events, and make findings of them."""
        self.log.put(list(events))
        triage(self.log.lake, self.log.lake.engine, self.settings())

    def look(self, oldest: int, **search: Any) -> None:
        """Collect what Slack logged since, and make findings of it."""
        self.log.collect(self.far, oldest, **search)
        triage(self.log.lake, self.log.lake.engine, self.settings())

    def automatic(self, **more: Any) -> Automatic:
        """The automatic response with those settings."""
        settings, waits = self.settings(**more), self.far.waits
        clock = self.far.state.clock.now
        return Automatic(self.log.lake, settings, clock=clock, sleep=waits.append)

    def run(self, **more: Any) -> Ran:
        """One run of it."""
        return self.automatic(**more).run()

    def flagged(
        self, person: Any, at: int, *reasons: str, session: int | None = None
    ) -> dict[str, Any]:
        """Slack's anomaly about somebody who lately did something at that second."""
        user = {"id": person.id, "name": person.name, "email": person.email, "team": "T1"}
        return {
            "id": f"{person.id}-{at}-{reasons[0]}",
            "date_create": at,
            "action": "anomaly",
            "actor": {"type": "user", "user": user},
            "entity": {"type": "user", "user": user},
            "context": {
                "ua": "Go-http-client/2.0",
                "ip_address": "192.0.2.9",
                "session_id": session,
            },
            "details": {"action_timestamp": at * 1_000_000, "reason": list(reasons)},
        }

    def login(self, person: Any, at: int) -> dict[str, Any]:
        """They sign in at that second."""
        return {**self.flagged(person, at, "login"), "action": "user_login", "details": {}}

    def active(self, count: int) -> list[Any]:
        """So many members with active sessions."""
        found, far = [], self.far
        with far.state.lock:
            now = far.state.catch_up()
            organization = far.state.organization
            for one in far.people()[5:]:
                if organization.active_sessions(one, now):
                    found.append(one)
        assert len(found) >= count
        return found[:count]

    def decisions(self) -> list[Decision]:
        """All of them, the newest first."""
        with DecisionStore(self.settings().state) as store:
            return store.select()


@pytest.fixture
def desk(far: Any, log: Any, tmp_path: Path) -> Desk:
    """An empty installation."""
    return Desk(far, log, tmp_path)
