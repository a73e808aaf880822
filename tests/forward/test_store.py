"""Positions in the state database."""

from __future__ import annotations

from pathlib import Path

from gridtrail.forward.position import CatchingUp, Position
from gridtrail.forward.record import Refusal
from gridtrail.forward.store import ForwardStore


def test_life_of_a_target(state_place: Path | str) -> None:
    """The first position stays until it is advanced; counts add up; failing ends with success."""
    with ForwardStore(state_place) as store:
        assert store.get("t") is None
        first = Position(-1, catching_up=CatchingUp(7, since=5))
        assert store.begin("t", first).position == first
        assert store.begin("t", Position(99)).position == first
        store.failing("t", "no\0 answer")
        kept = store.get("t")
        assert kept is not None
        assert kept.failing_since is not None
        assert kept.why == "no\ufffd answer"
        store.failing("t", "still")
        again = store.get("t")
        assert again is not None
        assert again.failing_since == kept.failing_since
        store.advance("t", Position(7, 1, 2, at=3.5), sent=5, refusals=[Refusal("E0", "r", "why")])
        store.advance("t", Position(8), sent=1, refusals=[Refusal("E0", "r", "why\0")])
    with ForwardStore(state_place) as store:
        last = store.get("t")
        assert last is not None
        assert (last.position, last.sent, last.refused) == (Position(8), 6, 2)
        assert (last.failing_since, last.why) == (None, "")
        assert [(one.id, one.why) for one in store.refused("t")] == [("r", "why\ufffd")]
        assert store.refused("other") == []
