"""Running the command line inside the test process."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.cli.main import main
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.sandbox.serving import Serving, served_beside
from gridtrail.sandbox.slack_state import SlackState
from gridtrail.slack.event import read_event

START = 1_790_000_000  # 2026-09-21T14:13:20Z


@dataclass
class Result:
    """What a command line did; `out` is bytes as written."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """stdout as text."""
        return self.out.decode()

    @property
    def json(self) -> Any:
        """stdout as one JSON value."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[Any]:
        """stdout as NDJSON."""
        return [json.loads(line) for line in self.out.split(b"\n") if line]


Run = Callable[..., Result]
Event = dict[str, Any]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory that does not exist yet."""
    return tmp_path / "data"


@pytest.fixture
def gridtrail(
    data: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run `gridtrail --data DIR ARGUMENTS…`, with `stdin` as its standard input."""
    monkeypatch.delenv("GRIDTRAIL_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "140")

    def run(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        code = main(["--data", str(data), *arguments])
        sys.stdout.flush()
        written = capfdbinary.readouterr()
        return Result(code, written.out, written.err.decode())

    return run


@pytest.fixture(scope="session")
def event() -> Callable[..., Event]:
    """Build an event in Slack's shape; `number` makes its id and its second."""

    def build(number: int, action: str = "file_downloaded", **changes: Any) -> Event:
        user = {"id": "W0MIRAQ7X1", "name": "Mira Quinn", "email": "mira@kestrel.example"}
        context = {"ua": "Mozilla/5.0", "ip_address": "203.0.113.140", "session_id": 847288190092}
        file = {"id": f"F0LEADS{number:04}", "name": f"leads-{number}.xlsx"}
        base = {
            "id": f"event-{number:04}",
            "date_create": START + number,
            "action": action,
            "actor": {"type": "user", "user": user},
            "entity": {"type": "file", "file": file},
            "context": context,
        }
        for path, value in changes.items():
            holder: Any = base
            *parents, last = path.split("__")
            for name in parents:
                holder = holder[name]
            holder[last] = value
        return base

    return build


@pytest.fixture
def store(
    data: Path, fill: Callable[[Path, Sequence[Mapping[str, Any] | str]], None]
) -> Callable[[Sequence[Mapping[str, Any] | str]], None]:
    """Put events (objects, or raw JSON texts) into the lake of the data directory."""
    return partial(fill, data)


@pytest.fixture(scope="session")
def fill() -> Callable[[Path, Sequence[Mapping[str, Any] | str]], None]:
    """Put events into the lake of any data directory."""

    def put(data: Path, events: Sequence[Mapping[str, Any] | str]) -> None:
        raws = [e if isinstance(e, str) else json.dumps(e, ensure_ascii=False) for e in events]
        engine = DuckDB(threads=1)
        rows = pa.Table.from_pylist([_row(raw) for raw in raws], schema=EVENTS)
        engine.register("batch", rows)
        Lake(data / "lake", engine).append_events("batch")
        engine.close()

    return put


def _row(raw: str) -> dict[str, Any]:
    fields = asdict(read_event(raw.encode()))
    day = datetime.fromtimestamp(fields["date_create"], UTC).date()
    now = datetime(2026, 9, 22, tzinfo=UTC)
    return {**fields, "org": "E0KESTREL", "day": day, "raw": raw, "source": "import"} | {
        "ingested_at": now
    }


@pytest.fixture(scope="module")
def _slack() -> Iterator[tuple[SlackState, str]]:
    """A small simulated Slack whose clock is ours, and its address."""
    present = int(time.time())
    state = SlackState(
        Serving(present, people=25, days=4, seed=3).plan(), present, calls_per_minute=0
    )
    with served_beside(state) as url:
        yield state, url
    state.close()


@pytest.fixture
def slack(_slack: tuple[SlackState, str], monkeypatch: pytest.MonkeyPatch) -> SlackState:
    """The simulated Slack, which the settings in the environment name."""
    state, url = _slack
    monkeypatch.setenv("GRIDTRAIL_RESPOND__TOKEN", state.named_tokens["owner"].secret)
    monkeypatch.setenv("GRIDTRAIL_RESPOND__BASE_URL", f"{url}/api/")
    monkeypatch.setenv("GRIDTRAIL_RESPOND__ORG", "E0KESTREL")
    return state
