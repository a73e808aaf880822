"""Lakes that grow, and receivers of every kind that fail as a test wants."""

from __future__ import annotations

import datetime
import gzip
import json
import re
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
import trustme

from gridtrail.engine.duckdb import DuckDB
from gridtrail.forward.record import Sendable
from gridtrail.forward.store import ForwardStore
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.settings_forward import ForwardSettings

MIDNIGHT = 1_790_035_200  # 2026-09-22 00:00:00 UTC


class Grower:
    """A lake to which events are added."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.engine = DuckDB(threads=1, memory_limit="512MiB", spill=home / "spill")
        self.lake = Lake(home / "lake", self.engine)

    def add(self, ids: Sequence[str], second: int = 0, **columns: Any) -> set[str]:
        """One commit with these events, a second apart from `second` after midnight on."""
        rows = [self._row(one, second + number, columns) for number, one in enumerate(ids)]
        self.engine.register("given", pa.Table.from_pylist(rows, schema=EVENTS))
        self.lake.append_events("given")
        self.engine.unregister("given")
        return set(ids)

    def _row(self, event_id: str, second: int, columns: dict[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = dict.fromkeys(EVENTS.names)
        row |= {
            "org": "E0",
            "id": event_id,
            "date_create": MIDNIGHT + second,
            "action": "user_login",
            "source": "import",
            "ingested_at": datetime.datetime.now(datetime.UTC),
        } | columns
        row["day"] = datetime.date(1970, 1, 1) + datetime.timedelta(row["date_create"] // 86400)
        kept = {key: row[key] for key in ("id", "date_create", "action")}
        row["raw"] = columns.get("raw") or json.dumps(kept)
        return row


@pytest.fixture
def grower(tmp_path: Path) -> Iterator[Grower]:
    """An empty lake in the data directory `tmp_path`."""
    made = Grower(tmp_path)
    yield made
    made.engine.close()


@pytest.fixture(scope="session")
def _state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty state database with all tables, to be copied: making one takes a second."""
    path = tmp_path_factory.mktemp("state") / "state.db"
    ForwardStore(path).close()
    return path


@pytest.fixture
def state(_state: Path, tmp_path: Path) -> Path:
    """The state database of the data directory `tmp_path`."""
    return Path(shutil.copy(_state, tmp_path / "state.db"))


@pytest.fixture(scope="session")
def records() -> Callable[[int], list[Sendable]]:
    """So many records, r0 and on."""
    return lambda count: [
        Sendable("E0", f"r{n}", MIDNIGHT + n, json.dumps({"id": f"r{n}"})) for n in range(count)
    ]


@pytest.fixture(scope="session")
def settings() -> Callable[..., ForwardSettings]:
    """The settings of a target named `t`."""
    return lambda to, **fields: ForwardSettings(name="t", to=to, **fields)


def hang_up(connection: socket.socket) -> None:
    """Reset the connection, as a process does that dies with something unread."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class HttpReceiver:
    """Keeps what is posted to it; `moods` are taken one a request: a status, `hang`, `cut` (after
    reading), `early` (before reading), `slow`, or a function of the lines that gives a status."""

    def __init__(self, trusted: ssl.SSLContext | None) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.moods: list[Any] = []
        self.usual: Any = 200
        self.said = b'{"text":"said"}'
        self.released = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else the answer's body waits 40 ms for its head

            def do_POST(self) -> None:
                receiver.take(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing: clients go away in these tests."""

        self.server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if trusted is not None:
            self.server.socket = trusted.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        mood = self.moods.pop(0) if self.moods else self.usual
        if mood == "early":
            hang_up(handler.connection)
            handler.close_connection = True
            return
        body = handler.rfile.read(int(handler.headers["content-length"]))
        if handler.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if callable(mood):
            mood = mood(body)
        if mood == "hang":
            self.released.wait(60)
            mood = 503
        if mood == "slow":
            self.released.wait(0.2)
            mood = 200
        if mood == "cut":
            handler.wfile.write(b"HTTP/1.1 200 O")
            handler.close_connection = True
            return
        if mood == 200:
            self.bodies.append(body)
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            self.paths.append(handler.path)
        self._answer(handler, mood)

    def _answer(self, handler: BaseHTTPRequestHandler, status: int) -> None:
        said = self.said
        handler.send_response(status)
        if status == 429:
            handler.send_header("retry-after", "7")
        handler.send_header("content-length", str(len(said)))
        handler.end_headers()
        handler.wfile.write(said)

    @property
    def ids(self) -> list[str]:
        """The id of each record that it answered 200 for."""
        found = [re.findall(rb'"id": ?"([^"]+)"', body) for body in self.bodies]
        return [one.decode() for ids in found for one in ids]

    def stop(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class SyslogReceiver:
    """Keeps the messages of connections that ended well; `moods` are taken one a connection:
    `cut` (in the middle), `deaf` (never reads), `plain` (no last word of TLS at the end)."""

    def __init__(self, trusted: ssl.SSLContext) -> None:
        self.messages: list[bytes] = []
        self.moods: list[str] = []
        self._trusted = trusted
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._ended = threading.Event()
        self.thread = threading.Thread(target=self._work)
        self.thread.start()

    def _work(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            if self._ended.is_set():
                connection.close()
                return
            mood = self.moods.pop(0) if self.moods else "good"
            try:
                self._take(connection, mood)
            except OSError:
                pass
            finally:
                connection.close()

    def _take(self, connection: socket.socket, mood: str) -> None:
        if mood == "deaf":
            while not self._ended.is_set() and not _closed(connection):
                time.sleep(0.01)
            return
        with self._trusted.wrap_socket(connection, server_side=True) as encrypted:
            data = b""
            while piece := encrypted.recv(1000 if mood == "cut" else 65536):
                data += piece
                if mood == "cut":
                    hang_up(encrypted)
                    return
            self.messages += unframed(data)
            if mood != "plain":
                encrypted.unwrap().close()

    def stop(self) -> None:
        self._ended.set()
        with socket.create_connection(("127.0.0.1", self.port)):
            self.thread.join()
        self._socket.close()


def _closed(connection: socket.socket) -> bool:
    """Whether the other side has gone, without taking its data off the line."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    return True


def unframed(data: bytes) -> list[bytes]:
    """The messages in a stream framed by length; fails unless they fill it."""
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        assert len(rest) >= int(length)
        found.append(rest[: int(length)])
        data = rest[int(length) :]
    return found


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Who signs the receivers' certificates."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trusted(authority: trustme.CA) -> ssl.SSLContext:
    """A receiver's certificate for 127.0.0.1, signed by the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """The authority's own certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def http() -> Iterator[HttpReceiver]:
    """A receiver without encryption."""
    receiver = HttpReceiver(None)
    yield receiver
    receiver.stop()


@pytest.fixture
def https(trusted: ssl.SSLContext) -> Iterator[HttpReceiver]:
    """A receiver with TLS."""
    receiver = HttpReceiver(trusted)
    yield receiver
    receiver.stop()


@pytest.fixture
def syslog(trusted: ssl.SSLContext) -> Iterator[SyslogReceiver]:
    """A syslog receiver with TLS."""
    receiver = SyslogReceiver(trusted)
    yield receiver
    receiver.stop()


class ObjectStore:
    """Object storage that speaks S3, a process of its own, and somebody else's client of it."""

    def __init__(self) -> None:
        code = (
            "from werkzeug.serving import make_server; "
            "from moto.server import DomainDispatcherApplication, create_backend_app; "
            "app = DomainDispatcherApplication(create_backend_app); "
            "server = make_server('127.0.0.1', 0, app, threaded=True); "
            "print(server.port, flush=True); server.serve_forever()"
        )
        command = [sys.executable, "-c", code]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        self.client: Any = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name="us-east-1",
        )

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """Object storage with the bucket `logs`."""
    store = ObjectStore()
    store.client.create_bucket(Bucket="logs")
    yield store
    store.stop()
