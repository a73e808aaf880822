"""Pages of the lake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtrail.lake.schema import EVENTS_TABLE
from gridtrail.server.api.asking import Asked
from gridtrail.server.api.cursors import Cursor, Filters
from gridtrail.server.api.paging import Page, newest_second, page

ACTIONS = ("user_login", "file_downloaded", "anomaly")
ACTORS = ("W0MATTHEW1", "W0MIRAQ7X1")
ENTITIES = ("F0LEADS", "C0PORTSIDE")
_organizations = (f"E{number}" for number in count())

Sketch = tuple[int, str, str, str]  # second, action, actor, entity
SKETCHES: st.SearchStrategy[list[Sketch]] = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.sampled_from(ACTIONS),
        st.sampled_from(ACTORS),
        st.sampled_from(ENTITIES),
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def shared(new_data: Any) -> Any:
    """One lake for all examples, each with an organization of its own."""
    return new_data()


def filters(noon: int) -> st.SearchStrategy[Filters]:
    second = st.none() | st.integers(noon, noon + 6)
    return st.builds(
        Filters,
        actions=st.lists(st.sampled_from(ACTIONS), max_size=2).map(tuple),
        actor=st.none() | st.sampled_from(ACTORS),
        entity=st.none() | st.sampled_from(ENTITIES),
        oldest=second,
        latest=second,
    )


def wanted(event: dict[str, Any], by: Filters) -> bool:
    return (
        (not by.actions or event["action"] in by.actions)
        and by.actor in (None, event["actor"]["user"]["id"])
        and by.entity in (None, event["entity"]["file"]["id"])
        and (by.oldest is None or event["date_create"] >= by.oldest)
        and (by.latest is None or event["date_create"] <= by.latest)
    )


def order(event: dict[str, Any]) -> tuple[int, str]:
    return event["date_create"], event["id"]


def follow(lake: Any, org: str, asked: Asked) -> Iterator[list[dict[str, Any]]]:
    """Page after page, the place kept in the cursor's text alone."""
    while True:
        body = json.loads(page(lake, org, asked).body(asked, org))
        assert list(body) == ["entries", "response_metadata"]
        yield body["entries"]
        text = body["response_metadata"]["next_cursor"]
        if not text:
            return
        cursor = Cursor.decode(text, org)
        assert asked.position is None or cursor.position < asked.position
        assert cursor.position < body["entries"][-1]["date_create"]
        asked = Asked(cursor.filters, cursor.limit, cursor.position)


def whole_pages(pages: list[list[dict[str, Any]]], limit: int) -> None:
    """A page holds at least its limit unless it is the last, and no second is on two pages."""
    assert all(len(one) >= limit for one in pages[:-1])
    assert len(pages) == 1 or pages[-1]
    for earlier, later in pairwise(pages):
        assert earlier[-1]["date_create"] > later[0]["date_create"]
        rest = [e for e in earlier if e["date_create"] > earlier[-1]["date_create"]]
        assert len(rest) < limit  # nothing but the last second goes beyond the limit


@settings(max_examples=40, deadline=None)
@given(batches=st.lists(SKETCHES, max_size=3), limit=st.integers(1, 9), chosen=st.data())
def test_each_once(
    batches: list[list[Sketch]],
    limit: int,
    chosen: st.DataObject,
    shared: Any,
    make_event: Any,
    noon: int,
) -> None:
    """Paging gives exactly the wanted events, each once, newest first, no second divided."""
    org, ids = next(_organizations), count()
    by = chosen.draw(filters(noon))
    stored = []
    for batch in batches:
        events = [
            make_event(f"id{next(ids)}", second, action=action, actor=actor, entity=entity)
            for second, action, actor, entity in batch
        ]
        shared.fill(events, org)
        stored += events
    pages = list(follow(shared.lake, org, Asked(by, limit, None)))
    expected = sorted((e for e in stored if wanted(e, by)), key=order, reverse=True)
    assert [event for one in pages for event in one] == expected
    whole_pages(pages, limit)


@settings(max_examples=25, deadline=None)
@given(first=SKETCHES, later=st.lists(SKETCHES, max_size=4), limit=st.integers(1, 5))
def test_while_events_arrive(
    first: list[Sketch],
    later: list[list[Sketch]],
    limit: int,
    shared: Any,
    make_event: Any,
) -> None:
    """Events that arrive between two pages, however late, make nothing repeated or passed over."""
    org, ids = next(_organizations), count()

    def fill(batch: list[Sketch]) -> list[dict[str, Any]]:
        events = [make_event(f"id{next(ids)}", second, action=a) for second, a, *_ in batch]
        shared.fill(events, org)
        return events

    there = fill(first)
    arrived = []
    seen: list[dict[str, Any]] = []
    waiting = iter(later)
    for one in follow(shared.lake, org, Asked(Filters(), limit, None)):
        seen += one
        arrived += fill(next(waiting, []))
    ids_seen = [event["id"] for event in seen]
    assert len(set(ids_seen)) == len(ids_seen)
    assert {e["id"] for e in there} <= set(ids_seen) <= {e["id"] for e in there + arrived}
    seconds = [event["date_create"] for event in seen]
    assert seconds == sorted(seconds, reverse=True)


def test_a_burst(data: Any, make_event: Any) -> None:
    """One second with more events than a page, and than are looked at ahead, is on one page."""
    data.fill([make_event(f"a{n:03}", 5) for n in range(150)])
    data.fill([make_event(f"b{n:03}", 5) for n in range(150)] + [make_event("c", 4)])
    pages = list(follow(data.lake, "E0ACME", Asked(Filters(), 2, None)))
    assert [len(one) for one in pages] == [300, 1]


def test_a_burst_at_the_end(data: Any, make_event: Any) -> None:
    """No empty page follows when the last second fills the page and more."""
    data.fill([make_event(f"a{n:03}", 5) for n in range(150)])
    pages = list(follow(data.lake, "E0ACME", Asked(Filters(), 2, None)))
    assert [len(one) for one in pages] == [150]


def test_nothing_there(data: Any, make_event: Any) -> None:
    """An absent lake, and another organization's events, give an empty last page."""
    assert page(data.lake, "E0ACME", Asked(Filters(), 10, None)) == Page(b"", 0, None)
    assert newest_second(data.lake, "E0ACME") is None
    data.fill([make_event("a")], "E0OTHER")
    assert page(data.lake, "E0ACME", Asked(Filters(), 10, None)) == Page(b"", 0, None)
    assert newest_second(data.lake, "E0ACME") is None


def test_over_many_files(data: Any, make_event: Any, noon: int) -> None:
    """Days and files are followed from the newest to the oldest, before and after compaction."""
    day = 86_400
    events = [make_event(f"{d}-{n}", d * day + n) for d in range(4) for n in range(20)]
    for start in range(0, len(events), 10):
        data.fill(events[start : start + 10])
    expected = sorted(events, key=order, reverse=True)
    asked = Asked(Filters(), 7, None)
    before = follow(data.lake, "E0ACME", asked)
    got = [*next(before), *next(before)]
    data.lake.compact(EVENTS_TABLE)
    got += [event for one in before for event in one]
    assert got == expected
    assert newest_second(data.lake, "E0ACME") == noon + 3 * day + 19


@pytest.mark.parametrize(
    "spelling",
    ['"{second}"', "{second}.0", "{second}000", '"2023-11-15T12:00:00Z"', " {second} ", "{second}"],
)
def test_times_are_whole_seconds(data: Any, noon: int, spelling: str) -> None:
    """However a collector spelt the time, clients get whole seconds; the rest stays as it came."""
    odd = spelling.replace("{second}", str(noon))
    rest = '"action":"user_login","n":1.50,"t":"é \\u00e9 \\/"'
    raw = f'{{"id":"a","date_create":{odd},{rest}}}'
    data.fill([raw.encode(), b'{"id":"b","action":"x","date_create":1700049600}'])
    body = page(data.lake, "E0ACME", Asked(Filters(), 10, None)).body(
        Asked(Filters(), 10, None), "E0ACME"
    )
    second, first = json.loads(body)["entries"]
    assert first == {**json.loads(f"{{{rest}}}"), "id": "a", "date_create": noon}
    assert type(first["date_create"]) is int
    assert second["id"] == "b"
    assert b'"n":1.50' in body


def test_bytes_as_they_came(data: Any, make_event: Any) -> None:
    """Events in Slack's spelling are given byte for byte."""
    events = [json.dumps(make_event(f"id{n}", n), separators=(",", ":")) for n in range(3)]
    data.fill([text.replace("/", "\\/").encode() for text in events])
    found = page(data.lake, "E0ACME", Asked(Filters(), 10, None))
    assert found.entries.decode() == ",".join(reversed(events)).replace("/", "\\/")


def test_numeric_id(data: Any, noon: int) -> None:
    """An id that came as a number is given as text, as clients expect."""
    data.fill([f'{{"id":17,"date_create":{noon},"action":"x"}}'.encode()])
    asked = Asked(Filters(), 10, None)
    assert json.loads(f"[{page(data.lake, 'E0ACME', asked).entries.decode()}]")[0]["id"] == "17"


def test_hostile_filters(data: Any, make_event: Any) -> None:
    """A filter is a value and never SQL, whatever it holds."""
    data.fill([make_event("a")])
    for text in ("' OR 1=1 --", '"', "\0", "%", "é\u2028", "W0MATTHEW1'"):
        for by in (Filters(actor=text), Filters(entity=text), Filters(actions=(text,))):
            assert page(data.lake, "E0ACME", Asked(by, 10, None)).count == 0
    asked = Asked(Filters(), 10, None)
    assert page(data.lake, "E0ACME", replace(asked, filters=Filters(actor="W0MATTHEW1"))).count
