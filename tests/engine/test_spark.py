"""One definition, three runs: one batch, any increments, and Spark find the same, byte for byte."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

import gridtrail.detectors
from gridtrail.cli.main import main
from gridtrail.detect import stage
from gridtrail.detect.cases import Act, Life, act_events, load_cases
from gridtrail.detect.run import detect
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.engine.shape import Engine
from gridtrail.engine.spark import Spark
from gridtrail.lake.lake import Lake
from gridtrail.settings import DetectSettings, Settings

FOLDER = Path(gridtrail.detectors.__path__[0])
LIFE = Life(people=5, days=3)
END = stage.second_of(1)
SETTLE = 120

Events = list[dict[str, Any]]
Decide = Callable[[Engine, Sequence[tuple[int, int]], Sequence[int]], dict[str, str]]


def odd_acts() -> Iterator[Act]:
    """What the cases of all detectors find, all of it on day 0."""
    for detector in all_detectors():
        for case in load_cases(FOLDER / f"{detector.name}.cases.toml"):
            if case.finds:
                yield from (replace(act, day=0) for act in case.given if act.days is None)


@pytest.fixture(scope="module")
def embedded() -> Iterator[DuckDB]:
    """The session of the lakes; all share what it compiled."""
    session = DuckDB(threads=1)
    yield session
    session.close()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Novelty is judged after two days already."""
    detection = DetectSettings(settle_seconds=SETTLE, warmup_days=2)
    return stage.stage_settings(tmp_path_factory.mktemp("stage"), detection)


@pytest.fixture(scope="module")
def events() -> Events:
    """Day 0: ordinary life, and everything odd."""
    acted = [event for act in odd_acts() for event in act_events(act, LIFE)]
    found = {event["id"]: event for event in [*LIFE.events(0, 0), *acted]}
    return [event for event in found.values() if event["date_create"] < END]


@pytest.fixture(scope="module")
def decide(
    tmp_path_factory: pytest.TempPathFactory, embedded: DuckDB, settings: Settings, events: Events
) -> Decide:
    """The anomalies of day 0 (raw text by id): events come in as `arrivals` says (second and
    number), runs happen at the seconds `polls` and when all has settled."""
    before, folder = tmp_path_factory.mktemp("before"), tmp_path_factory.mktemp("lakes")
    numbers = itertools.count()
    history = Lake(before, embedded)
    stage.store(history, LIFE.events(-LIFE.days, -1))
    options: dict[str, Any] = {"detectors": all_detectors(), "org": stage.ORG}
    detect(history, embedded, settings, **options, now=stage.second_of(0) + SETTLE)

    def run(
        engine: Engine, arrivals: Sequence[tuple[int, int]], polls: Sequence[int]
    ) -> dict[str, str]:
        home = folder / f"{next(numbers)} [of] {{many}}"
        shutil.copytree(before, home)
        lake, last = Lake(home, embedded), 0
        for poll in [*sorted(polls), END + SETTLE]:
            come = [events[number] for second, number in arrivals if last < second <= poll]
            if come:
                stage.store(lake, come)
            detect(lake, engine, settings, **options, now=poll)
            last = poll
        lake.events_view("_found", org=stage.ORG, oldest=stage.second_of(0))
        rows = embedded.rows("SELECT id, raw FROM _found WHERE action = 'anomaly'").to_pylist()
        return {row["id"]: row["raw"] for row in rows}

    return run


@pytest.fixture(scope="module")
def batch(decide: Decide, embedded: DuckDB, events: Events) -> dict[str, str]:
    """What one run of the embedded engine finds, events in order."""
    in_time = [(event["date_create"], number) for number, event in enumerate(events)]
    found = decide(embedded, in_time, [])
    assert len(found) >= 10
    return found


def disordered(events: Events, roll: random.Random) -> list[tuple[int, int]]:
    """Arrivals within the settle lag in any order, every fifth event twice."""
    pairs = [
        (event["date_create"] + roll.randint(0, SETTLE), number)
        for number, event in enumerate(events)
        for _ in range(2 if roll.random() < 0.2 else 1)
    ]
    roll.shuffle(pairs)
    return pairs


@given(st.data())
@profile(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_increments(
    decide: Decide, embedded: DuckDB, events: Events, batch: dict[str, str], data: st.DataObject
) -> None:
    """All detectors: increments, order of arrival and duplicates change no byte."""
    moments = sorted({event["date_create"] + SETTLE for event in events})
    polls = data.draw(st.lists(st.sampled_from(moments), max_size=2))
    arrivals = disordered(events, random.Random(data.draw(st.integers(0, 2**32))))

    assert decide(embedded, arrivals, polls) == batch


def test_spark_in_one_batch(
    decide: Decide, spark: Spark, events: Events, batch: dict[str, str]
) -> None:
    """On the cluster, after days that the embedded engine decided, one run finds the same."""
    roll = random.Random(1)

    assert decide(spark, disordered(events, roll), []) == batch


def test_spark_in_increments(
    decide: Decide, spark: Spark, events: Events, batch: dict[str, str]
) -> None:
    """On the cluster, a run in the middle of what happens changes nothing."""
    roll = random.Random(2)
    polls = [roll.choice(events)["date_create"] + SETTLE]

    assert decide(spark, disordered(events, roll), polls) == batch


def test_command_line(
    tmp_path: Path,
    cluster: str,
    spark: Spark,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`detect --engine spark --master …` finds in a lake of several organizations what `detect`
    finds."""
    data = tmp_path / "data"
    session = DuckDB(threads=1)
    for number, org in enumerate(("E0ONE", "E0TWO")):
        act = Act("ann", "user_login", place="tor", at=f"1{number}:00")
        stage.store(Lake(data / "lake", session), act_events(act, LIFE), org=org)
    session.close()
    tor = settings.enrich.tor_lists[0]
    (data / "gridtrail.toml").write_text(f'[enrich]\ntor_lists = ["{tor}"]\n', encoding="utf-8")
    command = ["--data", str(data), "detect", "--dry-run", "--format", "ndjson"]

    printed = []
    for more in ([], ["--engine", "spark", "--master", cluster]):
        assert main([*command, *more]) == 0
        printed.append(capsys.readouterr().out)

    assert printed[0].count("\n") == printed[0].count('"detector":"tor"') == 2
    assert printed[1] == printed[0]
    assert main([*command, "--engine", "duckdb", "--master", cluster]) == 2
