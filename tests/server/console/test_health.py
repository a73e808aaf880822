"""The page of health shows how far the log is complete, and what is not seen."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from gridtrail.server.console.health import HOURS, shown_hours
from gridtrail.server.console.health_facts import health_of
from gridtrail.server.console.per_file import FileCounts
from gridtrail.settings import EnrichSettings

ORG = "E0HEALTH"


@pytest.fixture(scope="module")
def odd(desk: Any, make_event: Any, attack: str) -> Any:
    """An organization with a silent morning and records that are no events."""
    hours = [h for h in range(24 * 10) if h != 24 * 6 + 3]
    data = desk.data
    data.fill([make_event(f"{h}-{n}", h * 3600 + n) for h in hours for n in range(12)], ORG)
    data.fill([b'{"id": 1', f'{{"{attack[:9]}": 1}}'.encode()], ORG)
    return desk


def test_the_facts_come_from_logs_and_small_tables(odd: Any, noon: int) -> None:
    """Counts, ends, gaps and quarantine are those of the organization."""
    found = health_of(odd.data.lake, EnrichSettings(), FileCounts(), ORG)
    events = found.events
    assert events.rows == sum(events.hours.values()) == (24 * 10 - 1) * 12
    assert (events.first, events.last) == (noon, noon + (24 * 10 - 1) * 3600 + 11)
    (gap,) = events.gaps
    assert (gap.first, gap.last) == (noon + (24 * 6 + 3) * 3600, noon + (24 * 6 + 4) * 3600 - 1)
    assert found.quarantine.total == 2 == len(found.quarantine.newest)
    assert found.decided_to is None
    assert found.files_missing == found.files_wrong == []
    assert health_of(odd.data.lake, EnrichSettings(), FileCounts(), "E0NONE").events.rows == 0


def test_the_page_says_what_is_wrong(odd: Any) -> None:
    """Problems at the top, the gap shaded, the quarantine with its reasons."""
    page = odd.get(f"/status?org={ORG}").text
    assert "nothing was looked at" in page
    assert "No collector ever ran" in page
    assert "where about 12 are usual" in page
    assert page.count('class="reach gap"') == 1
    assert "2 records" in page
    assert "neither collects nor detects" in page


def test_a_viewer_sees_health_without_ways_into_the_logs(odd: Any) -> None:
    """Whether silence is peace concerns everybody; strangers' records do not."""
    page = odd.get(f"/status?org={ORG}", "viewer").text
    assert "nothing was looked at" in page
    assert 'href="/logs' not in page
    assert 'href="/detectors' not in page
    assert "What is wrong</th>" not in page


def test_damage_is_seen_and_the_rest_is_counted(new_data: Any, make_event: Any) -> None:
    """A file that was cut, one with other bytes and one that is gone are told by name."""
    data = new_data()
    for name in "abc":
        data.fill([make_event(name, 0)])
    files = sorted((data.path / "lake" / "events").rglob("part-*.parquet"))
    cut, spoilt, _whole = files
    cut.write_bytes(cut.read_bytes()[:-10])
    spoilt.write_bytes(bytes(spoilt.stat().st_size))
    counts = FileCounts()
    found = health_of(data.lake, EnrichSettings(), counts, "E0ACME")
    assert [name.endswith(cut.name) for name in found.files_wrong] == [True]
    assert [name.endswith(spoilt.name) for name in found.files_damaged] == [True]
    assert sum(found.events.hours.values()) == 1
    cut.unlink()
    again = health_of(data.lake, EnrichSettings(), counts, "E0ACME")
    assert [name.endswith(cut.name) for name in again.files_missing] == [True]
    assert again.files_wrong == []


def test_the_chart_reaches_to_now_while_the_log_is_young(odd: Any) -> None:
    """Silence until now is a part of the picture; a log of long ago is shown at its end."""
    found = health_of(odd.data.lake, EnrichSettings(), FileCounts(), ORG)
    last = found.events.last
    assert last is not None
    assert shown_hours(found)[1] == last // 3600
    young = replace(found, now=last + 5 * 86_400)
    first, now = shown_hours(young)
    assert now == young.now // 3600
    assert now - first == HOURS - 1
    assert abs(found.now - time.time()) < 600


def test_lists_are_told_with_their_age(odd: Any, tmp_path: Any) -> None:
    """A list of the settings has a size and an age; one that is not there has none."""
    (tmp_path / "tor.txt").write_text("192.0.2.1\n")
    enrich = EnrichSettings(tor_lists=[tmp_path / "tor.txt"], vpn_lists=[tmp_path / "gone.txt"])
    tor, gone = health_of(odd.data.lake, enrich, FileCounts(), ORG).sources
    assert (tor.setting, tor.size) == ("enrich.tor_lists", 10)
    assert tor.age is not None
    assert gone.age is None
