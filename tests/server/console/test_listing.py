"""Pages of a listing are exact, whatever arrives between them."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.lake.query import EventFilter
from gridtrail.server.console.listing import counts, listed, span
from gridtrail.server.console.selecting import Selection

WANTED = Selection(EventFilter(org="E0ACME"))


@pytest.mark.parametrize("limit", [1, 7, 60, 61, 200])
def test_pages_join_to_the_whole(data: Any, make_event: Any, limit: int) -> None:
    """Each event is on one page, newest first; 40 of them share a second."""
    seconds = [n // 2 for n in range(20)] + [5] * 40
    data.fill([make_event(f"e{n:03}", second) for n, second in enumerate(seconds)])
    found, before = [], None
    while True:
        page = listed(data.lake, WANTED, limit, before=before)
        assert len(page.rows) == limit or page.after is None
        found += [(row["date_create"], row["id"]) for row in page.rows]
        before = page.after
        if before is None:
            break
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found) == 60


def test_what_arrives_meanwhile_moves_nothing(data: Any, make_event: Any) -> None:
    """New events, even of the page's last second, do not repeat or hide what was there."""
    data.fill([make_event(f"e{n}", 10) for n in range(9)])
    first = listed(data.lake, WANTED, 4)
    data.fill([make_event("newer", 11), make_event("e9", 10), make_event("e", 10)])
    rest = listed(data.lake, WANTED, 100, before=first.after)
    assert [row["id"] for row in first.rows + rest.rows] == [f"e{n}" for n in range(8, -1, -1)] + [
        "e"
    ]


def test_counts_add_up_and_mark_anomalies(data: Any, make_event: Any, noon: int) -> None:
    """Buckets hold every event of the selection once."""
    data.fill([make_event(f"e{n}", n * 60) for n in range(10)])
    data.fill([make_event("a", 90, action="anomaly"), make_event("z", 5)], "E0OTHER")
    data.fill([make_event("a", 90, action="anomaly")])
    found = counts(data.lake, WANTED, 300)
    assert [(one.start - noon, one.events, one.anomalies) for one in found] == [
        (0, 6, 1),
        (300, 5, 0),
    ]
    assert span(data.lake, WANTED) == (noon, noon + 540)
    assert counts(data.lake, WANTED.anomalies(), 300)[0].events == 1


def test_an_empty_lake_has_no_pages(data: Any) -> None:
    """Nothing was written yet: no rows, no span, no error."""
    assert listed(data.lake, WANTED, 10).rows == []
    assert span(data.lake, WANTED) is None
    assert counts(data.lake, WANTED, 60) == []


def test_a_workspace_is_found_by_id_or_domain(data: Any, make_event: Any) -> None:
    """Both name it; another does not."""
    data.fill([make_event("e")])
    for name, number in (("T0ACME", 1), ("ACME", 1), ("T0OTHER", 0)):
        wanted = Selection(EventFilter(org="E0ACME"), workspace=name)
        assert len(listed(data.lake, wanted, 5).rows) == number
