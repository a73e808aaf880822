"""The run: what is decided, when, from where, and what is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from gridtrail.detect import stage
from gridtrail.detect.allow import AllowEntry
from gridtrail.detect.cases import Act, Case, CaseRunner, Find, Life, act_events
from gridtrail.detect.checks import Bench
from gridtrail.detect.contract import DAY_SECONDS, Detector
from gridtrail.detect.run import DetectReport, detect
from gridtrail.detect.state import DETECTION, DETECTOR_STATES, SILENCED, read_progress
from gridtrail.detectors import all_detectors
from gridtrail.detectors.excessive_downloads import DETECTOR
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings

LIFE = Life(people=3, days=5)
RAID = Act("ben", "file_downloaded", times=90, over="30m", at="14:00")
SETTLE = 120

Run = Callable[..., DetectReport]


@pytest.fixture
def lake(new_lake: Callable[[], Lake]) -> Lake:
    """Five ordinary days of three people, and a raid on day 0."""
    lake = new_lake()
    stage.store(lake, [*LIFE.events(-LIFE.days, 0), *act_events(RAID, LIFE)])
    return lake


@pytest.fixture
def run(lake: Lake, engine: DuckDB, settings: Settings) -> Run:
    """Decides the lake; by default up to the end of day 0."""

    def decide(
        to: int = stage.second_of(1) - 1, detector: Detector = DETECTOR, **options: Any
    ) -> DetectReport:
        now = to + settings.detect.settle_seconds
        return detect(lake, engine, settings, detectors=[detector], now=now, **options)

    return decide


def rows(lake: Lake, shape: Any) -> list[dict[str, Any]]:
    """Everything in a table."""
    lake.view(shape, "_all")
    found: list[dict[str, Any]] = lake.engine.rows("SELECT * FROM _all").to_pylist()
    return found


def test_found_and_published(run: Run, lake: Lake, engine: DuckDB) -> None:
    """The raid is found once, what is repeated is listed, and all days count as decided."""
    report = run()

    assert [one.subject for one in report.emitted] == ["W0BEN"]
    assert report.stored == 1
    assert report.organizations[0].days == 6
    silenced = rows(lake, SILENCED)
    assert {row["why"] for row in silenced} == {"repeated"}
    assert len(silenced) == report.organizations[0].silenced["repeated"] >= 2
    progress = read_progress(lake, stage.ORG)
    assert progress.dirty(lake.day_counts(stage.ORG), stage.second_of(9)) == []
    assert stage.JUDGED_DAY in progress.snapshots


def test_dry_run(run: Run, lake: Lake) -> None:
    """A dry run tells the same and writes no anomaly, progress, state or silenced row."""
    before = lake.day_counts()
    dry = run(dry_run=True)

    assert [one.subject for one in dry.emitted] == ["W0BEN"]
    assert dry.stored == 0
    assert not any(rows(lake, shape) for shape in (DETECTION, DETECTOR_STATES, SILENCED))
    assert lake.day_counts() == before
    assert run().emitted == dry.emitted


def test_settle_lag(run: Run) -> None:
    """What is younger than the settle lag waits for the next run, which takes up that day only."""
    early = run(stage.second_of(0, "14:00:30"))
    late = run(stage.second_of(0, "20:00"))

    assert early.emitted == []
    assert [one.subject for one in late.emitted] == ["W0BEN"]
    assert late.organizations[0].days == 1


def test_quiet_poll(run: Run, lake: Lake) -> None:
    """While nothing new comes in, later runs step through no day, whatever the clock says."""
    run(stage.second_of(0, "23:00"))
    version = lake.log(DETECTION).version

    reports = [run(stage.second_of(0, "23:30")), run(stage.second_of(9))]

    assert [report.organizations[0].days for report in reports] == [0, 0]
    assert lake.log(DETECTION).version == version


def test_again_from_a_day(run: Run) -> None:
    """Days can be decided again on request; the same anomalies are not stored twice."""
    run()
    again = run(start=stage.JUDGED_DAY - dt.timedelta(days=2))

    assert [one.subject for one in again.emitted] == ["W0BEN"]
    assert again.stored == 0
    assert again.organizations[0].days <= 4


@pytest.mark.parametrize("days", [-400, 400])
def test_again_from_nowhere(run: Run, days: int) -> None:
    """A start before or after all events is no error."""
    assert run(start=stage.JUDGED_DAY + dt.timedelta(days=days)).organizations[0].days in (0, 6)


def test_end(run: Run) -> None:
    """Nothing after the given end is decided."""
    assert run(end=stage.second_of(0, "13:00")).emitted == []


def test_new_version_begins_anew(run: Run, lake: Lake) -> None:
    """With another version of a detector, snapshots of the old one are not used any more."""
    run()
    stage.store(lake, [stage.slack_event(stage.second_of(0, "23:00"), "ann", "user_login")])

    report = run(detector=replace(DETECTOR, version=DETECTOR.version + 1))

    assert report.organizations[0].days == 6
    assert report.stored == 0


def test_organizations_are_apart(run: Run, lake: Lake) -> None:
    """Each organization is decided by itself, from its own events."""
    stage.store(lake, act_events(RAID, LIFE), org="E0OTHER")

    report = run()

    found = {one.org: len(one.emitted) for one in report.organizations}
    assert found == {stage.ORG: 1, "E0OTHER": 0}
    assert [s.state for s in report.organizations[0].states] == ["learning"]


@pytest.mark.parametrize(("org", "said"), [(stage.ORG, 0), (None, 0), ("E0OTHER", 1)])
def test_an_entry_is_for_its_organization(run: Run, org: str | None, said: int) -> None:
    """What is allowed in another organization is said in this one."""
    entry = AllowEntry("ben", user="W0BEN", org=org)

    assert len(run(allow=[entry], dry_run=True).emitted) == said


def test_future_events_wait(run: Run, lake: Lake) -> None:
    """Events dated in the far future are left until then and disturb nothing."""
    stage.store(lake, [stage.slack_event(stage.second_of(20_000), "ann", "user_login")])

    report = run()

    assert len(report.emitted) == 1
    assert report.organizations[0].days == 6


def test_only_future_events(
    new_lake: Callable[[], Lake], engine: DuckDB, settings: Settings
) -> None:
    """Without any day that has begun there is nothing to do, also on request."""
    lake = new_lake()
    stage.store(lake, [stage.slack_event(stage.second_of(500), "ann", "user_login")])
    options: dict[str, Any] = {"detectors": [DETECTOR], "now": stage.second_of(0)}

    assert detect(lake, engine, settings, **options).organizations[0].days == 0
    start = stage.JUDGED_DAY
    assert detect(lake, engine, settings, start=start, **options).organizations[0].days == 0


def test_empty_lake(new_lake: Callable[[], Lake], engine: DuckDB, settings: Settings) -> None:
    """An empty lake has no organization to decide."""
    report = detect(new_lake(), engine, settings, detectors=all_detectors())

    assert report.organizations == []


def test_long_gap(lake: Lake, run: Run) -> None:
    """After many months of quiet detection goes on; a raid then is found."""
    later = replace(RAID, who="ann", day=250, times=900)
    stage.store(lake, [*LIFE.events(249, 250), *act_events(later, LIFE)])

    report = run(stage.second_of(251))

    assert [one.subject for one in report.emitted] == ["W0BEN", "W0ANN"]


def test_blind(run: Run, lake: Lake) -> None:
    """A detector without its input for a month says that it is blind, even when nothing happens;
    with it, it works."""
    working = run().organizations[0].states
    quiet = run(stage.second_of(40)).organizations[0].states
    kept = rows(lake, DETECTOR_STATES)

    assert [(s.detector, s.state) for s in working] == [("excessive_downloads", "working")]
    assert [s.state for s in quiet] == ["blind"]
    assert "file_downloaded" in quiet[0].why
    assert [row["state"] for row in kept] == ["blind"]


def test_needs_columns(new_lake: Callable[[], Lake], engine: DuckDB, settings: Settings) -> None:
    """A detector of addresses is blind where no event has one."""
    lake = new_lake()
    stage.store(lake, [stage.slack_event(stage.second_of(0), "ann", "user_login", place="")])

    report = detect(lake, engine, settings, detectors=all_detectors(), now=stage.second_of(1))

    states = {s.detector: s.state for s in report.organizations[0].states}
    blind = ("excessive_downloads", "ip_address", "tor", "asn")
    assert {states[name] for name in blind} == {"blind"}
    assert states["user_agent"] == "learning"


def test_progress_is_told(run: Run) -> None:
    """Who waits is told how far it is."""
    told: list[tuple[str, int, int]] = []

    run(on_progress=lambda *step: told.append(step))

    assert told[-1][1:] == (6, 6)


# any schedule -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, engine: DuckDB) -> Bench:
    """Downloads that reach the limits of three people, on three days."""
    runner = CaseRunner(tmp_path_factory.mktemp("schedules"), engine)
    raids = [
        RAID,
        replace(RAID, who="ann", times=70, over="3s", at="09:00"),
        replace(RAID, who="cleo", times=90, over="9h", at="08:00"),
    ]
    find = (Find("ben", ["excessive_downloads"]),)
    cases = [Case("test", "raid", LIFE, (raid,), find) for raid in raids]
    return Bench(runner, DETECTOR, cases)


@given(st.data())
@profile(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_schedule(bench: Bench, data: st.DataObject) -> None:
    """Whenever runs happen, in whatever order events arrive inside the settle lag, and whatever
    comes twice: the anomalies are those of one run, byte for byte."""
    _, expected = bench.batch
    moments = st.sampled_from(bench.moments)
    polls = data.draw(st.lists(moments, max_size=3))
    delays = data.draw(st.lists(st.integers(0, SETTLE), min_size=1, max_size=20))
    again = data.draw(st.lists(st.integers(0, len(bench.events) - 1), max_size=20))
    roll = data.draw(st.randoms(use_true_random=False))
    arrivals = [
        (event["date_create"] + delays[number % len(delays)], number)
        for number, event in enumerate(bench.events)
    ]
    arrivals += [(bench.events[n]["date_create"] + DAY_SECONDS // 2, n) for n in again]
    roll.shuffle(arrivals)

    lake = bench.increments([moment + SETTLE for moment in polls], arrivals)

    assert bench.anomalies(lake) == expected
    assert len(expected) >= 2
