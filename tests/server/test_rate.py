"""The limit of requests."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.rate import RateLimit

SECOND = 10**9  # nanoseconds


class Clock:
    now = 0

    def __call__(self) -> int:
        return self.now


def test_burst_then_evenly() -> None:
    """A burst of a minute's worth is let through, then as many as the rate allows."""
    clock = Clock()
    limit = RateLimit(60, clock)
    assert [limit.take("E0ACME") for _ in range(61)] == [0] * 60 + [1]
    clock.now += SECOND
    assert [limit.take("E0ACME") for _ in range(2)] == [0, 1]


def test_each_organization() -> None:
    """An organization is not held up by another."""
    limit = RateLimit(1, Clock())
    assert [limit.take("E0ACME"), limit.take("E0ACME"), limit.take("E0OTHER")] == [0, 60, 0]


def test_off() -> None:
    """0 means no limit."""
    limit = RateLimit(0, Clock())
    assert not any(limit.take("E0ACME") for _ in range(1000))


@given(st.integers(1, 500), st.lists(st.integers(0, 100 * SECOND), max_size=200))
def test_waiting_helps(per_minute: int, pauses: list[int]) -> None:
    """Whoever waits the seconds that were named is let through; nobody passes the rate."""
    clock = Clock()
    limit = RateLimit(per_minute, clock)
    for passed, pause in enumerate(pauses, 1):
        clock.now += pause
        wait = limit.take("E0ACME")
        if wait:
            assert wait >= 1
            clock.now += wait * SECOND
            assert limit.take("E0ACME") == 0
        assert 60 * SECOND * passed <= (60 * SECOND + clock.now) * per_minute
