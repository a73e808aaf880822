"""A real collector process against a real server: killed, started again, and other far sides."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("collecting.py")
NOW = 1_790_000_000
DAY = 86_400
KILLS = 12

Site = Any
Serve = Callable[[Any], AbstractContextManager[str]]


@pytest.mark.slow
def test_killed_collector_loses_and_doubles_nothing(site: Site, serve: Serve) -> None:
    """Killed 12 times at random moments and started again, while time goes on and events appear
    late, a collector ends with every event once and claims that are true."""
    for number in range(1_500):
        late = 20_000.0 if number % 50 == 0 else 0.0
        site.slack.add(number, NOW - DAY + number * 110, late=late)
    site.slack.call_seconds = 60  # of the far side's time
    site.slack.pause = 0.05  # so that no machine is done before it is killed
    with serve(site.slack) as url:
        done = subprocess.run(
            [sys.executable, str(PROGRAM), url, str(site.lake.home), str(KILLS)],
            capture_output=True,
            timeout=120,
            check=False,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {"killed": KILLS, "status": 0}
    found, there = site.coverage(), site.ids()
    assert len(there) == len(set(there))
    assert found.complete_from == NOW - DAY
    on_time = [e.id for e in site.slack.entries if e.visible_at == e.second + 1]
    seconds = {e.id: e.second for e in site.slack.entries}
    assert {i for i in on_time if seconds[i] <= found.complete_to} <= set(there)
    assert len(there) > 700, "it hardly read between the kills; the test shows nothing"
    site.slack.call_seconds = 0.05
    site.clock.advance(3 * DAY)
    site.once(since=NOW - DAY)
    assert site.ids() == site.slack.ids()
    assert site.coverage().late_events >= 1
    assert site.lake.verify().ok


def test_over_a_real_connection(site: Site, serve: Serve) -> None:
    """Through a socket the same bytes arrive, compressed or not."""
    for number in range(300):
        site.slack.add(number, NOW - 2 * DAY + number * 500)
    with serve(site.slack) as url:
        site.real = True
        result = site.once(base_url=url, limit=50)
    assert site.raws() == {entry.id: entry.raw for entry in site.slack.entries}
    assert result.counts.stored == 300
