"""The account of a day."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect.blindness import DetectorState, write_states
from gridtrail.detect.state import SILENCED
from gridtrail.lake.lake import Lake
from gridtrail.notify.digest import last_hour
from gridtrail.settings_notify import DigestSettings
from gridtrail.triage.store import FindingStore

Make = Callable[..., Any]


def seconds(text: str) -> int:
    """A time, UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("now", "zone", "due"),
    [
        ("2026-11-20T08:00", "UTC", "2026-11-20T08:00"),
        ("2026-11-20T07:59", "UTC", "2026-11-19T08:00"),
        ("2026-11-20T07:00", "Europe/Berlin", "2026-11-20T07:00"),
        ("2026-11-20T06:59", "Europe/Berlin", "2026-11-19T07:00"),
        ("2026-03-29T06:30", "Europe/Berlin", "2026-03-29T06:00"),  # summer time began
    ],
)
def test_the_hour_of_the_place(now: str, zone: str, due: str) -> None:
    """The last such hour up to now, in the zone of the settings."""
    settings = DigestSettings(channels=["siem"], hour=8, time_zone=zone)
    assert last_hour(settings, seconds(now)) == seconds(due)


def silence(lake: Lake, at: int, whys: list[str]) -> None:
    """Anomalies of that second were silenced for these reasons."""
    rows = [
        {"org": "E0ACME", "day": date(2026, 11, 20), "at": at, "detector": "tor", "why": why}
        for why in whys
    ]
    lake.write(SILENCED, pa.Table.from_pylist(rows, schema=SILENCED.schema))


def test_a_day_is_told_once_and_short(
    install: Make, far: Any, hook: Make, finding: Make, lake: Lake
) -> None:
    """Findings, what is blind and what was silenced since the last one; one of several missed."""
    now = int(time.time())  # the store notes when a finding was made
    hour = datetime.fromtimestamp(now, UTC).hour
    rules = [{"channels": ["siem"], "severity": "critical"}]
    channel = hook(far.url, work=False)
    home = install(channel, rules=rules, digest={"channels": ["siem"], "hour": hour})
    home.now = now
    with home.notifier() as notifier:
        notifier.round(lake)
        assert far.got == []  # it begins with the next hour
        home.save(finding(1), finding(2, severity="low"), finding(3), finding(4))
        with FindingStore(home.settings.state) as store:
            store.decide("F0003", verdict="false_positive")
            store.decide("F0004", status="investigating")
        silence(lake, now + 60, ["allow: office", "allow: office", "budget"])
        silence(lake, now - 86_400, ["long ago"])
        write_states(lake, "E0ACME", [DetectorState("tor", "blind", "no list", 5)])
        for day in (1, 1, 3):
            home.now = now + day * 86_400
            notifier.round(lake)
    first, second = (one.json for one in far.taken)
    title = "Matt Salesman's Slack is being scraped with Scrapers Inc"
    assert first["type"] == "digest"
    assert first["lines"] == [
        "New findings: 3 high, 1 low.",
        "Open: 2 high, 1 low; 1 of them are being investigated.",
        "Decided: 1 false positive.",
        f"Open, high: {title}",
        f"Open, low: {title}",
        "Silenced anomalies: 2 by allow: office and 1 by budget.",
        "Blind: tor of E0ACME, for no list.",
    ]
    assert second["lines"][0] == "New findings: none."
