"""What is wrong or unseen is said; silence is never mistaken for peace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gridtrail.collect.slack_api.coverage import Coverage, Unread
from gridtrail.lake.gaps import Gap
from gridtrail.server.console.health_facts import Events, Health, Quarantine, Source
from gridtrail.server.console.judging import remarks
from gridtrail.server.work import Work, WorkStatus
from gridtrail.settings import Settings

NOW = 1_700_000_000
READ = Coverage(
    org="E0ACME", actions=(), complete_from=NOW - 9_000_000, complete_to=NOW - 60,
    settled_to=NOW - 90_000, gaps=(), late_events=0, max_lateness=0, state="working", why=None,
    refused_actions=(),
)  # fmt: skip
FINE = Health(
    now=NOW,
    events=Events(9, 1, 999, NOW - 9_000_000, NOW - 120, {}, ()),
    coverages=(READ,),
    states={"working": 18},
    decided_to=NOW - 180,
    rules_to=NOW - 180,
    quarantine=Quarantine({}, ()),
    files_missing=(),
    files_wrong=(),
    files_damaged=(),
    version=3,
    committed=NOW - 100,
    sources=(Source("enrich.tor_lists", "tor.txt", 10, 86_400),),
)


def _work(collecting: str = "working", detecting: str = "working", why: str = "") -> Work:
    work = Work(Settings(data=Path("nowhere")))
    work.collecting = WorkStatus(collecting, why)  # type: ignore[arg-type]
    work.detecting = WorkStatus(detecting, why)  # type: ignore[arg-type]
    return work


def _events(**more: Any) -> Health:
    return replace(FINE, events=replace(FINE.events, **more))


def _read(**more: Any) -> Health:
    return replace(FINE, coverages=(replace(READ, **more),))


def test_a_log_that_is_read_and_decided_has_no_remarks() -> None:
    """Only then the page says that nothing is known to be wrong."""
    assert remarks(FINE, _work()) == []


@pytest.mark.parametrize(
    ("health", "state", "says"),
    [
        (_events(last=None), "problem", "no event of this organization"),
        (_events(last=NOW - 8 * 3600), "note", "8 h old"),
        (_events(last=NOW - 3 * 86_400), "problem", "says nothing"),
        (_events(gaps=(Gap(NOW - 7200, NOW - 3601, 40),)), "problem", "about 40 are usual"),
        (_events(gaps=(Gap(1, 2, 40),) * 7), "problem", "2 older gaps"),
        (replace(FINE, coverages=()), "note", "No collector ever ran"),
        (_read(state="refused", why="no scope"), "problem", "refused: no scope"),
        (_read(complete_to=NOW - 7200), "problem", "nothing for 2 h"),
        (_read(gaps=(Unread(5, 9),)), "note", "has not read"),
        (_read(refused_actions=("anomaly",)), "note", "never in this log"),
        (replace(FINE, decided_to=None), "problem", "nothing was looked at"),
        (replace(FINE, decided_to=NOW - 9000), "problem", "behind the newest event"),
        (replace(FINE, rules_to=None), "note", "Rules never ran"),
        (replace(FINE, rules_to=NOW - 9000), "problem", "Rules are 2 h behind"),
        (replace(FINE, states={"failed": 1}), "problem", "1 detector failed"),
        (replace(FINE, states={"blind": 2}), "note", "2 detectors are blind"),
        (replace(FINE, states={"learning": 1}), "note", "1 detector is learning"),
        (replace(FINE, quarantine=Quarantine({"x": 3}, ())), "note", "3 records could not"),
        (replace(FINE, files_missing=("events/a",)), "problem", "lake 1 are missing"),
        (replace(FINE, files_wrong=("events/a",)), "problem", "another size"),
        (replace(FINE, files_damaged=("events/a",)), "problem", "lake 1 cannot be read"),
        (replace(FINE, sources=(Source("s", "p", 0, None),)), "problem", "cannot be read"),
        (replace(FINE, sources=(Source("s", "p", 0, 90 * 86_400),)), "note", "90 days old"),
    ],
    ids=lambda one: one if isinstance(one, str) else None,
)
def test_each_trouble_is_told(health: Health, state: str, says: str) -> None:
    """A trouble gives one remark, of its weight, in words."""
    found = [one for one in remarks(health, _work()) if says in one.text]
    assert [one.state for one in found] == [state]


def test_a_failing_thread_of_the_server_is_a_problem() -> None:
    """Why it fails is told; a server that does not collect says that it does not."""
    both = remarks(FINE, _work("failing", "failing", "disk full"))
    assert [one.text for one in both if "disk full" in one.text] == [
        "The collector of this server fails: disk full",
        "Detection on this server fails: disk full",
    ]
    assert "does not collect" in remarks(FINE, None)[0].text
    assert "does not collect" in remarks(FINE, _work("off"))[0].text


def test_a_failing_target_is_a_problem() -> None:
    """A target of forwarding that takes nothing is named, with the reason."""
    work = _work()
    work.forwarding = {"siem": WorkStatus("failing", "answers 503"), "files": WorkStatus("working")}
    assert [(one.state, one.text) for one in remarks(FINE, work)] == [
        ("problem", "The target siem gets nothing now: answers 503")
    ]


def test_problems_come_first() -> None:
    """What wants somebody to act is read first."""
    health = replace(_events(last=NOW - 3 * 86_400), states={"blind": 1}, coverages=())
    assert [one.state for one in remarks(health, None)] == ["problem", "note", "note"]
