"""A small Acme Corp in a real lake, and the anomalies of its salesperson Matt."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.settings import Settings
from gridtrail.triage.finding import Finding
from gridtrail.triage.run import triage

NOON = 1_790_078_400  # 2026-09-22 12:00:00 UTC
DAY = 86_400
DESKTOP = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Slack/4.46.101 Chrome/140.0.7339.80 Electron/38.1.0 Safari/537.36 Sonic Slack_SSB/4.46.101"
)

Event = dict[str, Any]
MakeEvent = Callable[..., Event]
Acme = Callable[..., "list[Finding]"]


def event(event_id: str, at: int, action: str = "user_login", **columns: Any) -> Event:
    """A row of EVENTS about Matt; any column overridden, `details` given as an object."""
    row: Event = dict.fromkeys(EVENTS.names)
    row |= {
        "org": "E0ACME",
        "id": event_id,
        "date_create": at,
        "action": action,
        "actor_type": "user",
        "actor_id": "W0MATT",
        "actor_name": "Matt Salesman",
        "actor_email": "matt@acme.example",
        "ua": DESKTOP,
        "ip": "198.51.100.20",
        "session_id": "1001",
        "raw": "{}",
        "source": "slack",
        "ingested_at": datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC),
    } | columns
    if isinstance(row["details"], dict):
        row["details"] = json.dumps(row["details"], separators=(",", ":"))  # as the lake has it
    row["day"] = datetime.date(1970, 1, 1) + datetime.timedelta(row["date_create"] // DAY)
    return row


def download(event_id: str, at: int, name: str, **columns: Any) -> Event:
    """A download of the file called `name`."""
    file: Event = {"entity_type": "file", "entity_id": f"F-{name}", "entity_name": name}
    return event(event_id, at, "file_downloaded", **(file | columns))


def anomaly(event_id: str, at: int, *reasons: str, **columns: Any) -> Event:
    """An anomaly event about Matt with these reasons."""
    return event(event_id, at, "anomaly", reasons=list(reasons), **columns)


def usual(days: int = 20) -> list[Event]:
    """`days` days before NOON: Matt downloads 1, 2, 3, 1, 2, 3 … files a day, Ann always 5."""
    ann: Event = {"actor_id": "W0ANN", "actor_name": "Ann", "ip": "198.51.100.21"}
    ann["session_id"] = "1002"
    rows = []
    for back in range(1, days + 1):
        at = NOON - back * DAY
        for n in range(1 + back % 3):
            name = f"report {back} {n}.pdf"
            rows.append(download(f"m{back}-{n}", at + n, name))
            rows.append(download(f"r{back}-{n}", at + n + 5, name))  # watched twice
        rows += [download(f"a{back}-{n}", at + n, f"report {n}.pdf", **ann) for n in range(5)]
    return rows


def scraping(ua: str = "Scrapers Inc", **columns: Any) -> list[Event]:
    """What Matt's client took today: forty files, one of them three times, and a look around."""
    own: Event = {"ua": ua} | columns
    names = [f"report {n}.pdf" for n in range(39)] + ["Glengarry-Leads.xlsx"]
    rows = [download(f"t{n}", NOON + 5 * n, name, **own) for n, name in enumerate(names)]
    rows += [download(f"again{n}", NOON + 300 + n, "report 7.pdf", **own) for n in range(2)]
    channel: Event = {"entity_type": "channel", "entity_id": "C1", "entity_name": "sales"}
    rows.append(event("look", NOON + 400, "public_channel_preview", **(channel | own)))
    return rows


def two_anomalies(ua: str = "Scrapers Inc", **columns: Any) -> list[Event]:
    """The two anomaly events of Matt's story."""
    own: Event = {"ua": ua} | columns
    return [
        anomaly("x1", NOON + 250, "unexpected_scraping", "user_agent", **own),
        anomaly("x2", NOON + 320, "excessive_downloads", **own),
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an installation in this test's directory."""
    return Settings(data=tmp_path / "data", threads=1)


@pytest.fixture
def engine(settings: Settings) -> Iterator[DuckDB]:
    """A session of the engine."""
    session = DuckDB(threads=1)
    yield session
    session.close()


@pytest.fixture
def lake(settings: Settings, engine: DuckDB) -> Lake:
    """An empty lake."""
    return Lake(settings.data / "lake", engine)


@pytest.fixture
def append(lake: Lake, engine: DuckDB) -> Callable[[Sequence[Event]], None]:
    """Puts event rows into the lake."""

    def put(rows: Sequence[Event]) -> None:
        engine.register("incoming", pa.Table.from_pylist(list(rows), schema=EVENTS))
        lake.append_events("incoming")
        engine.unregister("incoming")

    return put


@pytest.fixture
def triaged(
    lake: Lake, engine: DuckDB, settings: Settings, append: Callable[[Sequence[Event]], None]
) -> Acme:
    """Appends events, if any, and returns the findings."""

    def run(rows: Sequence[Event] = (), **bounds: Any) -> list[Finding]:
        if rows:
            append(rows)
        return triage(lake, engine, settings, **bounds)

    return run


class Makers:
    """The makers above, for tests to ask for: test files import nothing of each other."""

    NOON = NOON
    DAY = DAY
    DESKTOP = DESKTOP
    event = staticmethod(event)
    download = staticmethod(download)
    anomaly = staticmethod(anomaly)
    usual = staticmethod(usual)
    scraping = staticmethod(scraping)
    two_anomalies = staticmethod(two_anomalies)


@pytest.fixture(scope="session")
def acme() -> type[Makers]:
    """Makers of Acme's events."""
    return Makers
