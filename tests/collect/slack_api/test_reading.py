"""Reading a window: what is asked next, and when to break off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gridtrail.collect.slack_api.pages import Page, read_page
from gridtrail.collect.slack_api.reading import (
    PAGES_IN_A_WINDOW,
    Looping,
    Reading,
    TooDense,
    Window,
    chunked,
)
from gridtrail.errors import WrongUse


def page(*entries: dict[str, Any], cursor: str = "") -> Page:
    body = {"entries": list(entries), "response_metadata": {"next_cursor": cursor}}
    return read_page(json.dumps(body).encode())


def test_a_reading_goes_on_until_the_cursor_is_empty() -> None:
    """Each chunk of actions is read to its end, with all parameters each time."""
    reading = Reading(Window(10, 20), [("a",), ("b",)], 7)
    first = reading.call
    assert first is not None
    assert first.parameters() == {"limit": "7", "oldest": "10", "latest": "20", "action": "a"}
    reading.take(page({"date_create": 20}, {"date_create": 15}, cursor="x"))
    second = reading.call
    assert second is not None
    assert second.parameters() == first.parameters() | {"cursor": "x"}
    reading.take(page({"date_create": 12}))
    third = reading.call
    assert third is not None
    assert third.parameters() == first.parameters() | {"action": "b"}
    reading.take(page())
    assert reading.call is None


def test_a_reading_refuses_to_loop() -> None:
    """A cursor that was there before, and empty pages without end, break the reading off."""
    reading = Reading(Window(10, 20))
    reading.take(page({"date_create": 20}, cursor="x"))
    reading.take(page({"date_create": 19}, cursor="y"))
    with pytest.raises(Looping):
        reading.take(page({"date_create": 18}, cursor="x"))
    empty = Reading(Window(10, 20))
    for i in range(99):
        empty.take(page(cursor=str(i)))
    with pytest.raises(Looping):
        empty.take(page(cursor="99"))


def test_a_reading_below_its_window_is_over() -> None:
    """Newest first, a page that ends below the window is the last one that is asked for."""
    reading = Reading(Window(10, 20))
    reading.take(page({"date_create": 20}, {"date_create": 9}, cursor="x"))
    assert reading.call is None
    other_way_round = Reading(Window(10, 20))
    other_way_round.take(page({"date_create": 5}, {"date_create": 9}, cursor="x"))
    assert other_way_round.call is not None


def test_a_reading_of_too_many_pages_says_how_far_it_came() -> None:
    """The next window is as wide as what was read; one second is never too dense."""
    reading = Reading(Window(0, 10_000))
    for i in range(PAGES_IN_A_WINDOW - 1):
        reading.take(page({"date_create": 10_000 - i}, cursor=str(i)))
    with pytest.raises(TooDense) as caught:
        reading.take(page({"date_create": 9_953}, cursor="one more"))
    assert caught.value.seconds == 47
    second = Reading(Window(5, 5))
    for i in range(100):
        second.take(page({"date_create": 5}, cursor=str(i)))


def test_an_inverted_window_is_refused() -> None:
    """A window that ends before it begins is the caller's mistake."""
    with pytest.raises(WrongUse, match="inverted"):
        Window(5, 4)


def test_actions_are_asked_for_in_groups() -> None:
    """At most thirty a call, none left out; no action at all is one group that means all."""
    names = [f"a{i}" for i in range(61)]
    assert [len(group) for group in chunked(names)] == [30, 30, 1]
    assert [name for group in chunked(names) for name in group] == names
    assert chunked([]) == [()]
