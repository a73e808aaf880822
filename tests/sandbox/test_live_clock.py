from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gridtrail.errors import WrongUse
from gridtrail.sandbox.live_clock import LiveClock

if TYPE_CHECKING:
    from tests.sandbox.conftest import RealTime


def test_time_flows_at_its_speed(real: RealTime) -> None:
    """A minute a second, then frozen, then as it is; never backwards."""
    clock = LiveClock(10_000, speed=60, wall=real)
    real.seconds += 2
    assert clock.now() == 10_120
    clock.set_speed(0)
    real.seconds += 100
    assert clock.now() == 10_120
    clock.advance(80)
    clock.set_speed(1)
    real.seconds += 5
    assert clock.now() == 10_205


def test_time_ends(real: RealTime) -> None:
    """The clock stands still at its last second, however it got there."""
    clock = LiveClock(10_000, speed=60, stop=10_500, wall=real)
    clock.advance(10_000)
    real.seconds += 50
    assert clock.now() == 10_500


@pytest.mark.parametrize("speed", [-1, float("nan"), 10**7])
def test_impossible_speeds_are_refused(real: RealTime, speed: float) -> None:
    """Backwards, undefined and absurd speeds are wrong use; time goes on as it was."""
    clock = LiveClock(10_000, wall=real)
    with pytest.raises(WrongUse, match="speed"):
        clock.set_speed(speed)
    with pytest.raises(WrongUse, match="forward"):
        clock.advance(-1)
    assert clock.speed == 1
