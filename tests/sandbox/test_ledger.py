from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtrail.sandbox.event_text import Fields
from gridtrail.sandbox.ledger import Ledger, Search

Event = tuple[int, str, str, str]

EVENTS = st.lists(
    st.tuples(
        st.integers(100, 120), st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from("mn")
    ),
    max_size=40,
)


@pytest.fixture
def fill() -> Iterator[Callable[[list[Event]], Ledger]]:
    """Fills ledgers with numbered events and closes them."""
    made: list[Ledger] = []

    def filled(events: list[Event]) -> Ledger:
        ledger = Ledger()
        for number, (second, action, actor, entity) in enumerate(events):
            fields = Fields(action, actor, entity, "", "", None)
            ledger.add(second, str(number).encode(), fields)
        made.append(ledger)
        return ledger

    yield filled
    for ledger in made:
        ledger.close()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=EVENTS,
    bounds=st.tuples(st.integers(99, 121), st.integers(99, 121)),
    actions=st.sets(st.sampled_from("ab")),
    actor=st.sampled_from(["", "x"]),
    entity=st.sampled_from(["", "m"]),
    limit=st.integers(1, 12),
)
def test_pages_are_a_plain_filter(
    fill: Callable[[list[Event]], Ledger],
    events: list[Event],
    bounds: tuple[int, int],
    actions: set[str],
    actor: str,
    entity: str,
    limit: int,
) -> None:
    """Page after page gives each fitting event once, newest first, no second on two pages."""
    ledger = fill(events)
    oldest, latest = bounds
    wanted = sorted(
        (second, number)
        for number, (second, one, two, three) in enumerate(events)
        if oldest <= second <= latest
        and (not actions or one in actions)
        and actor in ("", two)
        and entity in ("", three)
    )[::-1]
    found: list[tuple[int, int]] = []
    until: int | None = latest
    while until is not None:
        search = Search(oldest, until, frozenset(actions), actor, entity)
        page = ledger.page(search, limit)
        numbers = [int(text) for text in page.events]
        found += [(events[number][0], number) for number in numbers]
        assert page.older is None or len(numbers) >= limit
        assert page.older is None or page.older < events[numbers[-1]][0]
        until = page.older
    assert found == wanted


def test_an_empty_ledger_has_an_empty_page(fill: Callable[[list[Event]], Ledger]) -> None:
    """Nothing in, nothing out, and no older page."""
    page = fill([]).page(Search(), 10)
    assert (page.events, page.older) == ([], None)
