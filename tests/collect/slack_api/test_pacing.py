"""The budget of calls, the width of windows, the length of waits."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.slack_api.pacing import Budget, Pace, back_off


@given(gaps=st.lists(st.floats(0, 30), max_size=60), allowed=st.integers(1, 10))
def test_the_budget_is_never_exceeded(gaps: list[float], allowed: int) -> None:
    """In no minute more calls than allowed, and none during a pause."""
    budget, now, paused, made = Budget(allowed), 0.0, 0.0, []
    for number, gap in enumerate(gaps):
        now += gap
        if number == 10:
            budget.pause(now, 100)
            paused = now
        now += budget.wait(now)
        assert budget.wait(now) <= 1e-6
        budget.spend(now)
        made.append(now)
        if number == 10:
            assert now >= paused + 100 - 1e-6
    for at in made:
        assert sum(at - 60 + 1e-6 < other <= at for other in made) <= allowed


def test_pace_and_back_off() -> None:
    """Few pages widen the window and many narrow it; failures double the wait, up to a bound."""
    pace = Pace(100, 10, 1_000)
    pace.went_well(1)
    assert (pace.width, pace.limit) == (400, 20)
    pace.went_wrong()
    assert (pace.width, pace.limit) == (200, 100)  # a limit does not fall below 100
    pace.too_dense(17)
    assert pace.width == 17
    for _ in range(20):
        pace.went_wrong()
    assert pace.width == 1
    chance = random.Random(3)
    waits = [back_off(n, chance) for n in range(1, 12)]
    assert waits[0] <= 1
    assert 60 <= waits[-1] <= 120
