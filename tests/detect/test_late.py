"""Late arrivals, and an allow list that changes: what was decided stands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gridtrail.detect import stage
from gridtrail.detect import state as st
from gridtrail.detect.allow import AllowEntry
from gridtrail.detect.cases import Act, Life, act_events
from gridtrail.detect.run import DetectReport, detect
from gridtrail.detectors.excessive_downloads import DETECTOR
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings

LIFE = Life(people=3, days=4)
RAID = Act("ben", "file_downloaded", times=90, over="30m", at="14:00")
ORDINARY = list(LIFE.events(-LIFE.days, 0))
RAIDED = list(act_events(RAID, LIFE))
BEN = AllowEntry("ben's archive", user="W0BEN")

Run = Callable[..., DetectReport]


@pytest.fixture
def lake(new_lake: Callable[[], Lake]) -> Lake:
    """Four ordinary days of three people and the day after them."""
    lake = new_lake()
    stage.store(lake, ORDINARY)
    return lake


@pytest.fixture
def run(engine: DuckDB, settings: Settings) -> Run:
    """Decides a lake up to a second."""

    def decide(lake: Lake, to: int = stage.second_of(0, "23:00"), **options: Any) -> DetectReport:
        now = to + settings.detect.settle_seconds
        return detect(lake, engine, settings, detectors=[DETECTOR], now=now, **options)

    return decide


def told(report: DetectReport) -> list[dict[str, Any]]:
    """The evidence of all that was emitted."""
    return [json.loads(one.raw)["details"]["gridtrail"] for one in report.emitted]


def anomalies(lake: Lake) -> list[str]:
    """Ids of the anomaly events in the lake."""
    lake.events_view("_all")
    sql = "SELECT id FROM _all WHERE action = 'anomaly' ORDER BY id"
    found: list[str] = lake.engine.rows(sql)["id"].to_pylist()
    return found


def silenced(lake: Lake) -> set[str]:
    """Why anomalies were silenced."""
    lake.view(st.SILENCED, "_all")
    return set(lake.engine.rows("SELECT why FROM _all")["why"].to_pylist())


def learned(lake: Lake) -> list[str]:
    """The newest snapshots of all profiles, as text."""
    lines = []
    for profile in DETECTOR.profiles:
        lake.view(st.shape_of(profile), "_all")
        newest = "as_of = (SELECT max(as_of) FROM _all)"
        sql = f"SELECT to_json(p)::VARCHAR AS line FROM _all p WHERE {newest} ORDER BY line"
        lines += [f"{profile.name} {line}" for line in lake.engine.rows(sql)["line"].to_pylist()]
    return lines


def test_later_than_the_settle_lag(run: Run, lake: Lake) -> None:
    """Events of a time that is decided are decided all the same, and what they show is marked."""
    assert run(lake).emitted == []
    stage.store(lake, RAIDED)

    late = run(lake)

    assert [one["late"] for one in told(late)] == [True]
    assert late.stored == 1
    assert run(lake).organizations[0].days == 0


def test_on_days_that_are_closed(run: Run, lake: Lake, new_lake: Callable[[], Lake]) -> None:
    """Days later the same is found, of the event's own time; all that is learned since is as if
    it had come in time, and what was said of later days stays."""
    after = [*LIFE.events(1, 3), *act_events(replace(RAID, who="ann", day=2), LIFE)]
    end = stage.second_of(4)
    stage.store(lake, after)
    first = run(lake, end)
    stage.store(lake, RAIDED)
    late = run(lake, end)
    in_time = new_lake()
    stage.store(in_time, [*ORDINARY, *RAIDED, *after])
    expected = run(in_time, end)

    assert [one.subject for one in first.emitted] == ["W0ANN"]
    assert [(one.subject, one.at) for one in late.emitted] == [
        (one.subject, one.at) for one in expected.emitted if one.subject == "W0BEN"
    ]
    assert anomalies(lake) == anomalies(in_time)
    assert learned(lake) == learned(in_time)


def test_said_of_another_event(run: Run, lake: Lake) -> None:
    """When late files let the limit be reached earlier, the same raid is not said twice."""
    stage.store(lake, RAIDED)
    said = run(lake)
    stage.store(lake, act_events(replace(RAID, times=5, over="1m", at="14:00:01"), LIFE))
    late = run(lake)

    assert len(said.emitted) == 1
    assert late.emitted == []
    assert "said already" in silenced(lake)


def test_an_increment_says_only_what_is_new(run: Run, lake: Lake) -> None:
    """What an earlier run of the same day said is neither said again nor marked late."""
    stage.store(lake, [*RAIDED, *act_events(replace(RAID, who="ann", at="20:00"), LIFE)])
    noon = run(lake, stage.second_of(0, "18:00"))
    night = run(lake)

    assert [one["subject"] for one in told(noon)] == ["W0BEN"]
    assert [one["subject"] for one in told(night)] == ["W0ANN"]
    assert not any("late" in one for one in told(noon) + told(night))


def test_an_entry_that_is_added_takes_nothing_back(run: Run, lake: Lake) -> None:
    """What was said before an entry came stays said, and is not listed as silenced."""
    stage.store(lake, RAIDED)
    said = run(lake, stage.second_of(0, "18:00"))
    run(lake, allow=[BEN])

    assert anomalies(lake) == [said.emitted[0].id]
    assert silenced(lake) == {"repeated"}


def test_an_entry_that_is_removed_raises_nothing(run: Run, lake: Lake) -> None:
    """What an entry silenced stays silenced when it is gone, with the entry's name; all that is
    learned is what is learned without it. On request days are decided anew."""
    stage.store(lake, RAIDED)
    quiet = run(lake, stage.second_of(0, "18:00"), allow=[BEN])
    stage.store(lake, LIFE.events(1, 1))
    after = run(lake, stage.second_of(2))
    anew = run(lake, stage.second_of(2), start=stage.JUDGED_DAY)

    assert quiet.emitted == []
    assert set(quiet.organizations[0].silenced) == {"allowed: ben's archive"}
    assert after.emitted == []
    assert [one.subject for one in anew.emitted] == ["W0BEN"]
    assert "late" not in told(anew)[0]


@pytest.mark.parametrize("entry", [{"cidr": "198.18.1.0/24"}, {"client": "Slack Desktop"}], ids=str)
def test_emission_is_not_learning(
    run: Run, lake: Lake, new_lake: Callable[[], Lake], entry: dict[str, Any]
) -> None:
    """With or without entries the profiles are the same, and what is silenced is counted."""
    events = [*RAIDED, *LIFE.events(1, 1)]
    other = new_lake()
    stage.store(lake, events)
    stage.store(other, [*ORDINARY, *events])
    silent = run(lake, stage.second_of(2), allow=[AllowEntry("known", **entry)])
    loud = run(other, stage.second_of(2))

    assert learned(lake) == learned(other)
    assert anomalies(lake) == []
    assert len(loud.emitted) == 1
    counted = silent.organizations[0].silenced["allowed: known"]
    assert counted == 1 + loud.organizations[0].silenced["repeated"]
