"""Which seconds are read next, without a hole."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.slack_api.planning import (
    DAY,
    Bounds,
    Extent,
    backfill,
    follow,
    sweep_due,
)

spans = st.integers(1, 5_000)


@given(
    steps=st.lists(st.tuples(st.sampled_from("fbs"), spans, spans), max_size=30),
    overlap=st.integers(0, 600),
)
def test_planned_windows_leave_no_hole(steps: list[tuple[str, int, int]], overlap: int) -> None:
    """Whatever the widths and the order of following, backfilling and sweeping, every second
    between both ends was in a window that was read after it was over."""
    horizon = 100_000
    extent, bounds = Extent.nothing(horizon), Bounds(since=50_000, overlap=overlap)
    read: set[int] = set()
    for kind, width, passing in steps:
        horizon += passing
        if kind == "f" and (window := follow(extent, horizon, width, bounds)) is not None:
            assert window.latest <= horizon
            read.update(range(window.oldest, window.latest + 1))
            extent = replace(extent, highest=window.latest)
        elif kind == "b" and (window := backfill(extent, width, bounds)) is not None:
            assert window.oldest >= bounds.since
            read.update(range(window.oldest, window.latest + 1))
            extent = replace(extent, lowest=window.oldest)
        elif kind == "s" and (window := sweep_due(extent)) is not None:
            assert extent.lowest <= window.oldest <= max(extent.swept - DAY, extent.lowest)
            extent = replace(extent, swept=window.latest)
        assert set(range(extent.lowest, extent.highest + 1)) <= read


def test_a_clock_that_went_back_plans_nothing() -> None:
    """No window is planned beyond the horizon, and none inverted."""
    extent = Extent(lowest=10, highest=500, swept=400)
    assert follow(extent, 500, 60, Bounds()) is None
    assert follow(extent, 20, 60, Bounds()) is None
