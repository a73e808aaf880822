from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridtrail.sandbox.plan import Story

if TYPE_CHECKING:
    from tests.sandbox.conftest import MakeState


def test_nothing_is_there_before_its_time(simulate: MakeState, log: Any) -> None:
    """The newest event is never after the clock, and time brings more."""
    state = simulate()
    lengths = []
    for _ in range(5):
        events = log(state)
        assert events[-1]["date_create"] <= state.clock.now()
        lengths.append(len(events))
        state.clock.advance(6 * 3_600)
    assert lengths == sorted(set(lengths))


def test_an_outage_holds_back_what_happens_meanwhile(simulate: MakeState, log: Any) -> None:
    """Planted now, two hours of events are missing until it ends, and all there soon after."""
    state, other = simulate(), simulate()
    now = state.catch_up()
    story = state.organization.plant(Story("outage"), now)
    begin, end = story.extra["outage"]
    for one in (state, other):
        one.clock.advance(end - now - 60)
    meanwhile = {"oldest": begin, "latest": end - 1}
    assert log(state, **meanwhile) == []
    assert log(other, **meanwhile)
    for one in (state, other):
        one.clock.advance(720)
    kept = [event["id"] for event in log(state, **meanwhile)]
    assert sorted(kept) == sorted(event["id"] for event in log(other, **meanwhile))
    assert set(story.event_ids) == set(kept)
