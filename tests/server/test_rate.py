"""The limit of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.rate import RateLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_burst_then_evenly() -> None:
    """A burst of a minute's worth is let through, then as many as the rate allows."""
    clock = Clock()
    limit = RateLimit(60, clock)
    assert [limit.take("E0ACME") for _ in range(61)] == [0] * 60 + [1]
    clock.now += 1
    assert [limit.take("E0ACME") for _ in range(2)] == [0, 1]


def test_each_organization() -> None:
    """An organization is not held up by another."""
    limit = RateLimit(1, Clock())
    assert [limit.take("E0ACME"), limit.take("E0ACME"), limit.take("E0OTHER")] == [0, 60, 0]


def test_off() -> None:
    """0 means no limit."""
    limit = RateLimit(0, Clock())
    assert not any(limit.take("E0ACME") for _ in range(1000))


@given(st.integers(1, 500), st.lists(st.floats(0, 100), max_size=200))
def test_waiting_helps(per_minute: int, pauses: list[float]) -> None:
    """Whoever waits the seconds that were named is let through; nobody passes the rate."""
    clock = Clock()
    limit = RateLimit(per_minute, clock)
    for passed, pause in enumerate(pauses, 1):
        clock.now += pause
        wait = limit.take("E0ACME")
        if wait:
            assert wait >= 1
            clock.now += wait
            assert limit.take("E0ACME") == 0
        assert passed <= per_minute + clock.now * per_minute / 60 + 1e-6
