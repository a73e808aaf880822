"""Case files: mistakes are named, and few words make the events that are meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gridtrail.detect.cases import (
    PEOPLE,
    Act,
    CaseRunner,
    Life,
    act_events,
    load_cases,
    seconds_of,
)
from gridtrail.detect.stage import second_of, stage_settings
from gridtrail.detectors.excessive_downloads import DETECTOR
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse

CASE = '[[case]]\nname = "x"\ngiven = []\nfinds = []\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[case", "cannot be read"),
        ("[live]\n", "unknown key 'live': use life, case"),
        ("[[case]]\nname = 'x'\nfinds = []\n", "case 1 has no given"),
        (CASE + "when = 3\n", "unknown key 'when'"),
        (
            CASE.replace("given = []", "given = [{ who = 'ben', odes = 'x' }]"),
            "(x) has the unknown",
        ),
        (CASE.replace("given = []", "given = [{ who = 'ben' }]"), "not complete"),
        (CASE.replace("finds = []", "finds = [{ who = 'ben' }]"), "not complete"),
        ("[life]\nhabits = [{ whom = 'ben' }]\n" + CASE, "unknown key 'whom'"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, told: str) -> None:
    """A mistake in a case file is told with file, case and what would be right."""
    path = tmp_path / "logins.cases.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(WrongUse) as caught:
        load_cases(path)

    assert told in str(caught.value)
    assert "logins.cases.toml" in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is told by name."""
    with pytest.raises(WrongUse, match=r"none\.cases\.toml cannot be read"):
        load_cases(tmp_path / "none.cases.toml")


@pytest.mark.parametrize(
    ("span", "seconds"), [("90s", 90), ("8m", 480), ("2h", 7200), ("1d", 86400)]
)
def test_spans(span: str, seconds: int) -> None:
    """Spans of time are numbers with a unit."""
    assert seconds_of(span) == seconds


def test_bad_span() -> None:
    """Anything else is refused with an example."""
    with pytest.raises(WrongUse, match="write 90s, 8m"):
        seconds_of("soon")


def test_act() -> None:
    """An act is spread over its span, on so many things, from the place and client it names."""
    act = Act(who="ben", does="file_downloaded", times=6, things=2, over="1h", place="home")

    events = list(act_events(act, Life()))

    times = [event["date_create"] for event in events]
    assert times == [second_of(0, "10:00") + n * 600 for n in range(6)]
    assert len({event["entity"]["file"]["id"] for event in events}) == 2
    assert len({event["id"] for event in events}) == 6
    assert {event["context"]["ip_address"][:10] for event in events} == {"198.18.10."}


@pytest.mark.parametrize(
    ("who", "people"),
    [("ben", 1), (["ann", "zoe"], 2), ("everybody", 8), ("3 others", 3)],
)
def test_who(who: str | list[str], people: int) -> None:
    """An act is one person's, some people's, everybody's, or that of the last few."""
    events = act_events(Act(who=who, does="user_login"), Life(people=8))

    assert len({event["actor"]["user"]["id"] for event in events}) == people


def test_habit() -> None:
    """A habit has its days and its rhythm, of which only those asked for are made."""
    life = Life(people=2, days=20, habits=(Act("zoe", "user_login", days=[-20, 0], every=7),))

    zoe = [e for e in life.events(-13, 0) if e["actor"]["user"]["name"] == "zoe"]

    assert [e["date_create"] for e in zoe] == [second_of(d, "10:00") for d in (-13, -6)]


def test_session() -> None:
    """A session is the device's, another device's when named, or none."""
    stolen, own, none = (
        next(act_events(Act("ben", "user_login", client="curl", session=s), Life()))
        for s in ("desktop", None, "")
    )
    desktop = next(act_events(Act("ben", "user_login"), Life()))

    sessions = [event["context"]["session_id"] for event in (desktop, stolen, own, none)]
    assert sessions[0] == sessions[1] != sessions[2]
    assert sessions[3] == ""
    assert json.dumps(stolen["context"]["ua"]) == '"curl/8.9.1"'


def test_problems_are_told(tmp_path: Path, engine: DuckDB) -> None:
    """A case that is not as it says is told with what was found instead."""
    text = """
    [life]
    people = 3
    days = 5
    [[case]]
    name = "wrong person, wrong evidence"
    given = [{ who = "ben", does = "file_downloaded", times = 90, over = "8m", at = "14:00" }]
    finds = [{ who = "ann", reasons = ["tor"], evidence = { threshold = 1, more = 2 } }]
    [[case]]
    name = "found after all"
    given = [{ who = "ben", does = "file_downloaded", times = 90, over = "8m", at = "14:00" }]
    finds = []
    """
    path = tmp_path / "own.cases.toml"
    path.write_text(text, encoding="utf-8")
    runner = CaseRunner(tmp_path, engine)

    wrong, found = (runner.problems(DETECTOR, case) for case in load_cases(path))

    told = "\n".join(wrong)
    assert "W0ANN to be found, found W0BEN" in told
    assert "reasons ['tor'] to be found" in told
    assert "evidence.threshold is" in told
    assert "evidence has no more" in told
    assert len(found) == 1
    assert "0 to be found, found W0BEN excessive_downloads" in found[0]


def test_stage_is_no_lake(tmp_path: Path) -> None:
    """The stage does not write its files into a lake."""
    (tmp_path / "events").mkdir()

    with pytest.raises(WrongUse, match="folder of its own"):
        stage_settings(tmp_path)


def test_people_are_distinct() -> None:
    """Everybody of the stage has a name of their own."""
    assert len(set(PEOPLE)) == len(PEOPLE) == 26
