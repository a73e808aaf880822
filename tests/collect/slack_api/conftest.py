"""A far side that speaks Slack's Audit Logs API over a list of events, with faults on order.

It answers as the facts reference (1.2 to 1.6) says Slack does: newest first, both bounds
inclusive, a second never split over two pages, and a cursor that remembers a position in time and
nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import random
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gridtrail.collect.slack_api.coverage import Coverage, coverage
from gridtrail.collect.slack_api.lanes import BackfillProgress, Result, Source, Told
from gridtrail.collect.slack_api.running import Surroundings, collect
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import GridtrailError
from gridtrail.lake.lake import Lake

NOW = 1_790_000_000  # 2026-09-21T14:13:20Z
DAY = 86_400
ORG = "E0KESTREL"

Headers = dict[str, str]


@dataclass
class FakeClock:
    """A clock that waits by moving; `offset` is by how much the wall clock is set wrong."""

    steady_time: float = 1_000.0
    start: float = float(NOW)
    offset: float = 0.0
    deadlines: list[float] = field(default_factory=list)

    def true(self) -> float:
        """What time it really is."""
        return self.start + self.steady_time - 1_000.0

    def now(self) -> float:
        return self.true() + self.offset

    def steady(self) -> float:
        return self.steady_time

    async def sleep(self, seconds: float) -> None:
        deadline = self.steady_time + seconds
        self.deadlines.append(deadline)
        try:
            turns = 0
            while self.steady_time < deadline:
                await asyncio.sleep(0)
                turns += 1
                # whoever wakes first moves time: at once when others wait too, else after giving a
                # task that is at work some turns
                if deadline == min(self.deadlines) and (len(self.deadlines) > 1 or turns > 20):
                    self.steady_time = max(self.steady_time, deadline)
        finally:
            self.deadlines.remove(deadline)

    def advance(self, seconds: float) -> None:
        """Time goes by while nobody collects."""
        self.steady_time += seconds


@dataclass(frozen=True)
class Entry:
    """An event of the far side, or what stands in an event's place."""

    raw: bytes
    id: str
    second: int
    action: str
    visible_at: float


@dataclass
class Seen:
    """A call as it arrived."""

    at: float  # true time, seconds
    parameters: dict[str, str]
    authorization: str | None
    throttled: bool = False


class Inline(Executor):
    """Does its work at once: while the lake writes, no time goes by."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except GridtrailError as error:
            done.set_exception(error)
        return done


class FakeSlack(httpx.AsyncBaseTransport):
    """The far side, reached without a socket.

    `faults` are taken one a call: a name of FAULTS, or None for none. The attributes below the
    first block change its ways for good.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.entries: list[Entry] = []
        self.calls: list[Seen] = []
        self.faults: deque[str | None] = deque()

        self.generation = 0  # cursors of an older generation are stale
        self.unsupported: set[str] = set()
        self.refusal: tuple[int, bytes, Headers] | None = None
        self.ignores_limit = False
        self.splits_seconds = False
        self.ignores_oldest_with_cursor = False
        self.ascending = False
        self.skew = 0.0
        self.sends_date = True
        self.history_begins = 0
        self.per_minute = 0  # 0: no limit
        self.call_seconds = 0.05
        self.pause = 0.0  # real seconds that a call through a socket takes

    def add(self, number: int, second: int, *, late: float = 0.0, **changes: Any) -> Entry:
        """An event that is visible `late` seconds after its own second is over."""
        raw = json.dumps(_event(number, second, **changes), separators=(",", ":")).encode()
        entry = Entry(
            raw.replace(b"/", b"\\/"),
            f"event-{number}",
            second,
            changes.get("action", "file_downloaded"),
            second + 1 + late,
        )
        self.entries.append(entry)
        return entry

    def add_raw(self, raw: bytes, second: int) -> None:
        """Something else among the events."""
        self.entries.append(Entry(raw, "", second, "", second + 1))

    def ids(self, oldest: int = 0, latest: int = 2**40) -> list[str]:
        """All ids between two seconds, each once, in order."""
        return sorted({e.id for e in self.entries if e.id and oldest <= e.second <= latest})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request; raises httpx's errors for faults of the connection."""
        self.clock.advance(self.call_seconds)
        parameters = dict(request.url.params)
        self.calls.append(Seen(self.clock.true(), parameters, request.headers.get("authorization")))
        fault = self.faults.popleft() if self.faults else None
        status, body, headers = self._answer(request, parameters, fault)
        if self.sends_date:
            headers["Date"] = formatdate(self.clock.true() + self.skew, usegmt=True)
        return httpx.Response(status, content=body, headers=headers, request=request)

    def _answer(
        self, request: httpx.Request, parameters: dict[str, str], fault: str | None
    ) -> tuple[int, bytes, Headers]:
        if self.refusal is not None:
            status, body, headers = self.refusal
            return status, body, dict(headers)
        if self._throttles():
            self.calls[-1].throttled = True
            return 429, _error("rate_limited"), {"rEtRy-aFtEr": "7"}
        if fault in CONNECTION_FAULTS:
            raise CONNECTION_FAULTS[fault](f"fault {fault}", request=request)
        if fault is not None and fault in ANSWER_FAULTS:
            status, body, headers = ANSWER_FAULTS[fault]
            return status, body, dict(headers)
        return self._page(parameters, fault)

    def _throttles(self) -> bool:
        if not self.per_minute:
            return False
        now = self.calls[-1].at
        return sum(now - 60 < s.at and not s.throttled for s in self.calls) > self.per_minute

    def _page(self, parameters: dict[str, str], fault: str | None) -> tuple[int, bytes, Headers]:
        actions = [a for a in parameters.get("action", "").split(",") if a]
        if len(actions) > 30 or self.unsupported.intersection(actions):
            return 400, _error("invalid_action"), {}
        oldest, latest = (int(parameters.get(k, d)) for k, d in (("oldest", 0), ("latest", 2**40)))
        far_now = self.clock.true() + self.skew
        if parameters.get("oldest") and (oldest > far_now or oldest < self.history_begins):
            return 400, _error("invalid_range"), {}
        position, skip = latest, 0
        if cursor := parameters.get("cursor", ""):
            found = _position(cursor, self.generation)
            if found is None or fault == "stale":
                return 400, _error("invalid_cursor"), {}
            position, skip = min(position, found[0]), found[1]
            oldest = 0 if self.ignores_oldest_with_cursor else oldest
        if fault == "bare400":
            return 400, b"", {}
        if fault == "empty":  # nothing yet, but a way on
            return 200, _body([], _cursor(self.generation, position, skip)), {}
        entries, following = self._listing(
            oldest, position, skip, actions, int(parameters.get("limit", 200))
        )
        if fault == "repeat":
            following = cursor or _cursor(self.generation, position, skip)
        body = _body(entries, following)
        if fault == "truncated":
            body = body[: len(body) * 2 // 3]
        return 200, body, {"Content-Type": "application/json; charset=utf-8"}

    def _listing(
        self, oldest: int, latest: int, skip: int, actions: list[str], limit: int
    ) -> tuple[list[Entry], str]:
        now = self.clock.true() + min(self.skew, 0.0)
        wanted = sorted(
            (
                e
                for e in self.entries
                if oldest <= e.second <= latest
                and e.visible_at <= now
                and (not actions or e.action in actions)
            ),
            key=lambda e: (e.second, e.id),
            reverse=True,
        )[skip:]
        if self.ascending:
            return wanted[::-1], ""
        size = len(wanted) if self.ignores_limit else limit
        page = wanted[:size]
        if not self.splits_seconds:
            page += [e for e in wanted[size:] if page and e.second == page[-1].second]
        rest = wanted[len(page) :]
        if not rest:
            return page, ""
        same = [e for e in page if e.second == rest[0].second]
        if same and same[0].second == latest:  # within one second that began with `skip`
            return page, _cursor(self.generation, latest, skip + len(same))
        return page, _cursor(self.generation, rest[0].second, len(same))


def _error(code: str) -> bytes:
    return json.dumps({"ok": False, "error": code}).encode()


def _cursor(generation: int, position: int, skip: int) -> str:
    return base64.b64encode(f"{generation}:{position}:{skip}".encode()).decode()


def _position(cursor: str, generation: int) -> tuple[int, int] | None:
    try:
        made, second, skip = base64.b64decode(cursor, validate=True).decode().split(":")
    except ValueError:
        return None
    return (int(second), int(skip)) if int(made) == generation else None


def _body(entries: Iterable[Entry], cursor: str) -> bytes:
    joined = b",".join(entry.raw for entry in entries)
    metadata = json.dumps({"next_cursor": cursor}).encode()
    return b'{"entries":[' + joined + b'],"response_metadata":' + metadata + b"}"


def _event(number: int, second: int, **changes: Any) -> dict[str, Any]:
    sessions = (847288190092, "847288190092", None)
    user = {"id": f"W0MIRA{number % 5}", "name": "Mira Quinn", "email": "mira@kestrel.example"}
    return {
        "id": f"event-{number}",
        "date_create": second,
        "action": "file_downloaded",
        "actor": {"type": "user", "user": user},
        "entity": {"type": "file", "file": {"id": f"F{number}", "name": "a/b.pdf"}},
        "context": {
            "location": {"type": "workspace", "id": "T0K", "name": "K", "domain": "kestrel"},
            "ua": "Mozilla/5.0",
            "ip_address": "" if number % 4 == 0 else "203.0.113.7",
            "session_id": sessions[number % 3],
        },
        **changes,
    }


CONNECTION_FAULTS: dict[str, Callable[..., httpx.TransportError]] = {
    "reset": httpx.ReadError,
    "refused": httpx.ConnectError,
    "timeout": httpx.ReadTimeout,
    "cut": httpx.RemoteProtocolError,
}
ANSWER_FAULTS: dict[str, tuple[int, bytes, Headers]] = {
    "429": (429, _error("rate_limited"), {"RETRY-AFTER": "30"}),
    "429 bare": (429, b"", {}),
    "429 odd": (429, b"slow down", {"Retry-After": "soon"}),
    "500": (500, b"oops", {}),
    "503": (503, b"<html>busy</html>", {}),
    "html": (200, b"<html>Sign in to the network</html>", {}),
    "no entries": (200, b'{"ok": true}', {}),
    "internal": (200, _error("internal_error"), {}),
    "html401": (401, b"<html>proxy</html>", {}),
}
PAGE_FAULTS = ("stale", "repeat", "empty", "truncated", "bare400")
PASSING_FAULTS = (*CONNECTION_FAULTS, *ANSWER_FAULTS, *PAGE_FAULTS)


class Field:
    """A far side, a lake and a clock; `once` collects as `gridtrail collect --once` does."""

    def __init__(self, home: Path, engine: DuckDB) -> None:
        self.clock = FakeClock()
        self.slack = FakeSlack(self.clock)
        self.home = home
        self.engine = engine
        self.lake = Lake(home / "lake", engine)
        self.gather_bytes = 24 * 1024 * 1024
        self.real = False  # through sockets instead of the fake's own transport
        self.told: list[Told] = []
        self.progress: list[BackfillProgress] = []
        self.source = Source(
            ORG,
            token=SecretStr("xoxp-only-the-far-side-may-see-this"),
            base_url="https://slack.example/audit/v1/",
            since=NOW - 3 * DAY,
        )

    def around(self) -> Surroundings:
        """The surroundings of a collection."""
        return Surroundings(
            tell=self.told.append,
            on_progress=self.progress.append,
            writer=Inline(),
            transport=None if self.real else self.slack,
            clock=self.clock,
            chance=random.Random(7),
            gather_bytes=self.gather_bytes,
        )

    def once(self, **changes: Any) -> Result:
        """Collect until all is read; the result's `error` is raised."""
        result = self.try_once(**changes)
        if result.error is not None:
            raise result.error
        return result

    def try_once(self, **changes: Any) -> Result:
        """As `once`, and the error stays in the result."""
        source = replace(self.source, **changes)
        run = collect([source], self.lake, self.engine, once=True, surroundings=self.around())
        return asyncio.run(run)[0]

    def follow(self, seconds: float, **changes: Any) -> None:
        """Collect without an end, for so many seconds of the clock."""
        asyncio.run(self._follow(seconds, replace(self.source, **changes)))

    async def _follow(self, seconds: float, source: Source) -> None:
        end = self.clock.true() + seconds
        work = asyncio.ensure_future(
            collect([source], self.lake, self.engine, once=False, surroundings=self.around())
        )
        while self.clock.true() < end and not work.done():
            await asyncio.sleep(0)
        if work.done():
            error = work.result()[0].error
            assert error is not None
            raise error
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    def ids(self) -> list[str]:
        """The ids of the lake's events, in order; twice if they were there twice."""
        self.lake.events_view("_ids", org=ORG)
        found: list[str] = self.engine.rows("SELECT id FROM _ids ORDER BY id")["id"].to_pylist()
        return found

    def raws(self) -> dict[str, bytes]:
        """The stored bytes of each event."""
        self.lake.events_view("_raws", org=ORG)
        rows = self.engine.rows("SELECT id, raw FROM _raws").to_pylist()
        return {row["id"]: row["raw"].encode() for row in rows}

    def coverage(self, **options: Any) -> Coverage:
        """How complete the lake is."""
        return coverage(self.lake, ORG, **options)


@pytest.fixture(scope="session")
def slack_engine() -> Iterator[DuckDB]:
    """One session of the engine for all tests of this room."""
    engine = DuckDB(threads=1, memory_limit="512MiB")
    yield engine
    engine.close()


@pytest.fixture
def site(tmp_path: Path, slack_engine: DuckDB) -> Field:
    """A far side without events, an empty lake, a clock."""
    return Field(tmp_path, slack_engine)


@pytest.fixture
def make_site(
    tmp_path_factory: pytest.TempPathFactory, slack_engine: DuckDB
) -> Callable[[], Field]:
    """Makes a fresh site at each call, for tests that generate many."""
    return lambda: Field(tmp_path_factory.mktemp("site"), slack_engine)


@pytest.fixture(scope="session")
def passing_faults() -> tuple[str, ...]:
    """The names of all faults that pass."""
    return PASSING_FAULTS


@pytest.fixture
def clock() -> FakeClock:
    """A clock of its own."""
    return FakeClock()


Serve = Callable[[ASGIApp | FakeSlack], AbstractContextManager[str]]


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Serves a far side, or another ASGI application, on a socket of this machine meanwhile; the
    value is its address as a base URL."""
    return _served


@contextmanager
def _served(app: ASGIApp | FakeSlack) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        _asgi(app) if isinstance(app, FakeSlack) else app,
        log_config=None,
        lifespan="auto",
        date_header=not isinstance(app, FakeSlack),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/audit/v1/"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _asgi(slack: FakeSlack) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        url, headers = str(request.url), dict(request.headers)
        await asyncio.sleep(slack.pause)
        found = slack.answer(httpx.Request("GET", url, headers=headers))
        body = gzip.compress(found.content)
        kept = {k: v for k, v in found.headers.items() if k != "content-length"}
        answer = Response(body, found.status_code, {**kept, "Content-Encoding": "gzip"})
        await answer(scope, receive, send)

    return app
