"""What each commit added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.lake.changes import Changes, Gone
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import EVENTS_TABLE


def test_commits_in_order(
    lake: Lake, store: Callable[..., Any], make_event: Callable[..., dict[str, Any]]
) -> None:
    """Each commit is there with its files and rows; rewriting adds none."""
    changes = Changes(lake.log(EVENTS_TABLE))
    assert (changes.newest(), list(changes.after(-1))) == (-1, [])
    store(make_event("a"), make_event("b", 1), make_event("late", -90_000))
    store(make_event("c", 2))
    found = list(changes.after(-1))
    assert [commit.rows for commit in found] == [0, 3, 1]
    assert [commit.version for commit in found] == [0, 1, 2]
    assert {file.partition["org"] for file in found[1].files} == {"E0ACME"}
    assert found[2].at >= found[1].at > 1_500_000_000
    lake.compact()
    assert sum(commit.rows for commit in changes.after(2)) == 0
    assert changes.newest() > 2


def test_rows_of_a_file(
    lake: Lake, store: Callable[..., Any], make_event: Callable[..., dict[str, Any]]
) -> None:
    """The rows of a file are the same from any one on; a deleted file is told."""
    store(*(make_event(f"e{n:05}", n) for n in range(5000)))
    changes = Changes(lake.log(EVENTS_TABLE))
    files = changes.commit(1).files
    ids = [
        [
            name
            for file in files
            for batch in changes.rows(file, ["id"], skip)
            for name in batch["id"].to_pylist()
        ]
        for skip in (0, 1, 2047, 2499)
    ]
    assert sorted(ids[0]) == [f"e{n:05}" for n in range(5000)]
    if len(files) == 1:
        assert [len(one) for one in ids] == [5000, 4999, 2953, 2501]
    lake.compact()
    store(make_event("x", 9000))
    lake.compact()
    lake.vacuum(retention_hours=0)
    with pytest.raises(Gone):
        list(changes.rows(files[0], ["id"]))
    changes.forget(1)
    assert changes.commit(1).rows == 5000
