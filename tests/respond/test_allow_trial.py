"""What an entry of the allow list would have silenced, and why it is risky."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect.allow import AllowEntry
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS
from gridtrail.respond.allow_trial import risks, simulate
from gridtrail.settings import Settings

NOW = 1_795_132_800
DAY = 86_400
MATT, MIRA = "W0MATTHEW1", "W0MIRAQ7X1"


def event(number: int, actor: str, at: int, app: str | None = None) -> dict[str, Any]:
    """An event of somebody; a number from 90 on is an anomaly of Slack's."""
    return {
        **dict.fromkeys(EVENTS.names),
        "org": "E0ACME",
        "id": f"e{number:03}",
        "date_create": at,
        "day": datetime.fromtimestamp(at, UTC).date(),
        "action": "anomaly" if number >= 90 else "file_downloaded",
        "actor_type": "user",
        "actor_id": actor,
        "ua": "Slack_SSB/4.50",
        "ip": "203.0.113.7",
        "app_id": app,
        "reasons": ["ip_address"] if number >= 90 else None,
        "raw": "{}",
        "source": "import",
        "ingested_at": datetime(2026, 11, 24, tzinfo=UTC),
    }


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Seven events of Matt's, two by an app, and one of Mira's; before them one of long ago, and
    two anomalies of Matt's on days apart."""
    engine = DuckDB()
    found = Lake(tmp_path_factory.mktemp("lake"), engine)
    events = [event(n, MATT, NOW - DAY + n, "A0APP00001" if n < 2 else None) for n in range(7)]
    events += [event(7, MIRA, NOW - DAY), event(8, MIRA, NOW - 60 * DAY)]
    events += [event(91, MATT, NOW - DAY), event(90, MATT, NOW - 3 * DAY)]
    engine.register("_given", pa.Table.from_pylist(events, schema=EVENTS))
    found.append_events("_given")
    yield found
    engine.close()


@pytest.mark.parametrize(
    ("entry", "share"),
    [
        (AllowEntry("person", user=MATT), "It fits 90 % of all events of the last 30 days."),
        (AllowEntry("app", app="A0APP00001"), "It fits 20 % of all events of the last 30 days."),
        (AllowEntry("other", user=MIRA), "It fits 10 % of all events of the last 30 days."),
        (AllowEntry("all", cidr="203.0.113.0/24"), "It fits 100 % of all events"),
    ],
)
def test_the_share_is_of_all_events(
    lake: Lake, tmp_path: Path, entry: AllowEntry, share: str
) -> None:
    """What an entry fits is counted against everybody's events of the last thirty days."""
    settings = Settings(data=tmp_path)
    settings.respond.risky_share_percent = 5
    assert share in " ".join(risks(lake, settings, entry, NOW))


def test_a_small_share_is_no_risk(lake: Lake, tmp_path: Path) -> None:
    """An entry for somebody who is not in the log fits nothing."""
    entry = AllowEntry("nobody", user="W0NOBODY01")
    assert risks(lake, Settings(data=tmp_path), entry, NOW) == []


def test_a_trial_names_what_it_silences_oldest_first(lake: Lake, tmp_path: Path) -> None:
    """All anomalies of the time are looked at; those that the entry fits come in order."""
    settings = Settings(data=tmp_path)
    tried = simulate(lake, settings, AllowEntry("p", user=MATT), NOW - 30 * DAY, NOW)
    assert (tried.looked_at, [row["id"] for row in tried.silenced]) == (2, ["e090", "e091"])
    none = simulate(lake, settings, AllowEntry("p", user=MIRA), NOW - 30 * DAY, NOW)
    assert (none.looked_at, none.silenced) == (2, ())
