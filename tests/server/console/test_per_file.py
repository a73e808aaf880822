"""What was counted in a file is not counted again, and is never wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.respond.trail import Doer, Trail
from gridtrail.server.console.per_file import FileCounts, PerFile, Raised, files_of

DAY = 86_400


@pytest.fixture(scope="module")
def filled(new_data: Any, make_event: Any) -> Any:
    """Two organizations, three files, one anomaly of ours and one of Slack's."""
    data = new_data()
    data.fill([make_event(f"a{n}", n * 1800) for n in range(6)])
    odd = make_event("odd", DAY, action="anomaly") | {"details": {"reason": ["tor", "asn"]}}
    data.fill([odd, make_event("b", DAY)])
    data.fill([make_event("c", 0)], "E0OTHER")
    return data


def test_hours_and_anomalies_are_those_of_the_organization(filled: Any, noon: int) -> None:
    """Counts by hour add up to the events; anomalies of strangers go by their first reason."""
    counts, first = FileCounts(), noon // 3600
    assert counts.hours(filled.lake, "E0ACME") == {first: 2, first + 1: 2, first + 2: 2} | {
        first + 24: 2
    }
    assert counts.hours(filled.lake, "E0OTHER") == {first: 1}
    day = noon // DAY
    assert counts.raised(filled.lake, "E0ACME", day, day + 1) == {Raised("tor", False, day + 1): 1}
    assert counts.raised(filled.lake, "E0ACME", day, day) == {}
    assert counts.raised(filled.lake, "E0OTHER", day, day + 1) == {}


def test_what_gridtrail_writes_hides_no_silence(new_data: Any, make_event: Any, noon: int) -> None:
    """Somebody who looks at the console writes events; nothing came in all the same."""
    data = new_data()
    data.fill([make_event("a", 0)])
    with Trail(data.path / "state.db") as trail:
        trail.put("E0ACME", "user_login", Doer("U1", "Ann"))
        assert trail.move(data.lake) == 1
    counts = FileCounts()
    assert counts.newest(data.lake, "E0ACME") == noon
    assert counts.last_day(data.lake, "E0ACME") == noon // DAY
    assert sum(counts.hours(data.lake, "E0ACME").values()) == 1
    assert counts.newest(data.lake, "E0NONE") is None


def test_only_new_files_are_read(new_data: Any, make_event: Any) -> None:
    """A second look reads nothing; after more events it reads their file alone, and after
    compaction what it says is the same."""
    data = new_data()
    data.fill([make_event(f"a{n}", n) for n in range(4)])
    counts = FileCounts()
    assert sum(counts.hours(data.lake, "E0ACME").values()) == 4
    known = dict(counts._hours._known)
    assert sum(counts.hours(data.lake, "E0ACME").values()) == 4
    data.fill([make_event("b", 5)])
    assert sum(counts.hours(data.lake, "E0ACME").values()) == 5
    assert all(counts._hours._known[path] is rows for path, rows in known.items())
    data.lake.compact()
    assert sum(counts.hours(data.lake, "E0ACME").values()) == 5


def test_what_is_gone_is_forgotten(filled: Any) -> None:
    """Files that no longer exist do not fill the memory for ever."""
    question = PerFile("SELECT filename, count(*) AS n FROM {scan} GROUP BY ALL")
    question._known.update({f"/gone/{n}": [] for n in range(1000)})
    rows = question.rows(filled.lake, files_of(filled.lake, "E0ACME"))
    assert sum(row["n"] for row in rows) == 8
    assert len(question._known) == 2
