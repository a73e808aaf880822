"""Which second is over on both clocks."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.collect.slack_api.clocks import Horizon


def test_the_horizon_takes_the_earlier_clock(clock: Any) -> None:
    """Neither clock being ahead makes a second count as over; a far clock set back is noticed."""
    horizon = Horizon(clock, settle=10)
    now = int(clock.now())
    assert horizon.second() == now - 10
    horizon.learn(now - 50, clock.steady())
    assert horizon.second() == now - 60
    horizon.learn(now + 50, clock.steady())
    assert horizon.second() == now - 10
    clock.advance(5)
    assert horizon.second() == now - 5
    horizon.learn(now - 500, clock.steady())
    assert horizon.second() == now - 510
    assert horizon.difference() == pytest.approx(505)
    clock.offset = -1_000
    assert horizon.second() == now + 5 - 1_010


def test_a_slow_answer_does_not_move_the_horizon_back(clock: Any) -> None:
    """The Date of an answer that took long to arrive is not a clock that was set back."""
    horizon = Horizon(clock, settle=0)
    horizon.learn(int(clock.now()), clock.steady())
    asked_at, shown = clock.steady(), int(clock.now())
    clock.advance(30)
    horizon.learn(shown, asked_at)
    assert horizon.second() == int(clock.now())
