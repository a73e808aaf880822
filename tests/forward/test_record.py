"""Batches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.forward.position import Position
from gridtrail.forward.record import Sendable, Step, batches


@given(
    st.lists(st.none() | st.integers(0, 300), max_size=60),
    st.integers(1, 10),
    st.integers(1, 500),
)
def test_batches(sizes: list[int | None], most_events: int, most_bytes: int) -> None:
    """Every record is in one batch, in order; batches join without a gap and keep the limits."""
    steps = [
        Step(Position(0, 0, n), None if size is None else Sendable("E0", str(n), 0, "x" * size))
        for n, size in enumerate(sizes)
    ]
    start = Position(-1)
    made = list(batches(steps, start, most_events=most_events, most_bytes=most_bytes))
    wanted = [step.record for step in steps if step.record is not None]
    assert [record for batch in made for record in batch.records] == wanted
    ends = [start, *(batch.end for batch in made)]
    assert [batch.start for batch in made] == ends[:-1]
    assert not steps or ends[-1] == steps[-1].after
    for batch in made:
        assert len(batch.records) <= most_events
        size = sum(len(record.line) + 1 for record in batch.records)
        assert size <= most_bytes or len(batch.records) == 1


def test_quiet_rows_move_the_position() -> None:
    """A long stretch without anything wanted is kept as done in between."""
    steps = (Step(Position(0, 0, n)) for n in range(50_000))
    made = list(batches(steps, Position(-1), most_events=10, most_bytes=1024))
    assert [batch.rows for batch in made] == [20_000, 20_000, 10_000]
