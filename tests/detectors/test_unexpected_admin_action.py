"""The threshold of an administrator's day."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.admin_days import NAT
from gridtrail.detect.thresholds import UNIT
from gridtrail.detectors.unexpected_admin_action import (
    BIN,
    FLOOR,
    WITHOUT_HISTORY,
    limit,
)

Scores = list[tuple[int, int]]


def days(*counts: int) -> Scores:
    """So many days in each bin from 0 on."""
    return [(place * BIN, count * UNIT) for place, count in enumerate(counts)]


def test_without_history_only_the_outrageous_is_said() -> None:
    """With too few days to compare, the threshold is the fixed one."""
    assert limit([], 0.01)["threshold"] == WITHOUT_HISTORY
    assert limit(days(10, 5), 0.01)["threshold"] == WITHOUT_HISTORY


def test_quiet_days_stay_above_the_floor() -> None:
    """Thirty administrators who never do anything rare bring no threshold below the floor."""
    assert limit(days(900, 60), 0.02)["threshold"] == FLOOR


def test_busy_days_raise_the_threshold() -> None:
    """Where days of twenty nats are ordinary, it takes more than that."""
    busy = [(place * NAT, 20 * UNIT) for place in range(30)]
    assert limit(busy, 0.01)["threshold"] > 30 * NAT


def test_the_threshold_is_reached_as_often_as_said() -> None:
    """On scores that fall off exponentially the share above the threshold is the level."""
    mean = 6.0 * NAT
    edges = range(0, 120 * NAT, BIN)
    survival = [2.718281828 ** (-edge / mean) for edge in edges]
    counts = [round((a - b) * 100_000) for a, b in itertools.pairwise(survival)]
    for level in (0.02, 0.005, 0.001):
        threshold = limit(days(*counts), level)["threshold"]
        realised = 2.718281828 ** (-threshold / mean)
        assert 0.7 < realised / level < 1.4


@given(
    st.lists(st.integers(0, 200), min_size=1, max_size=60),
    st.floats(1e-4, 0.02),
    st.floats(1e-4, 0.02),
)
def test_a_stricter_level_is_a_higher_threshold(
    counts: list[int], one: float, other: float
) -> None:
    """Fewer alarms never come from a lower threshold; all numbers are as the schema has them."""
    strict, loose = sorted((one, other))
    first, second = limit(days(*counts), strict), limit(days(*counts), loose)
    assert first["threshold"] >= second["threshold"] >= FLOOR
    assert 0 < first["tail"] <= 1
    assert first["spread"] > 0
