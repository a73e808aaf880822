from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gridtrail.sandbox.rate_limit import SlidingMinute

if TYPE_CHECKING:
    from tests.sandbox.conftest import RealTime


def test_any_sixty_seconds_hold_so_many_calls(real: RealTime) -> None:
    """The call after the last allowed one waits until the first is a minute old."""
    limit = SlidingMinute(real)
    assert [limit.take("a", 3) for _ in range(3)] == [0, 0, 0]
    real.seconds += 10.5
    assert limit.take("a", 3) == 50
    real.seconds += 49.4
    assert limit.take("a", 3) == 1
    real.seconds += 0.1
    assert limit.take("a", 3) == 0


def test_a_refused_call_does_not_count(real: RealTime) -> None:
    """Whoever keeps asking does not have to wait longer."""
    limit = SlidingMinute(real)
    limit.take("a", 1)
    waits = []
    for _ in range(5):
        real.seconds += 10
        waits.append(limit.take("a", 1))
    assert waits == [50, 40, 30, 20, 10]


def test_keys_are_apart_and_zero_is_no_limit(real: Any) -> None:
    """One key's calls do not count for another; 0 lets everything through."""
    limit = SlidingMinute(real)
    assert limit.take("a", 1) == 0
    assert limit.take("b", 1) == 0
    assert {limit.take("c", 0) for _ in range(100)} == {0}
