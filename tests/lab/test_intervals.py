from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gridtrail.lab.intervals import bootstrap, poisson, wilson


def test_wilsons_interval() -> None:
    """Wilson's interval is the published one, and says nothing when nothing was tried."""
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@given(some.integers(1, 500), some.data())
def test_a_share_lies_in_its_interval(of: int, data: some.DataObject) -> None:
    """The measured share always lies in its interval, inside 0 and 1."""
    hits = data.draw(some.integers(0, of))
    low, high = wilson(hits, of)
    assert 0 <= low <= hits / of <= high <= 1
    assert low < high


def test_interval_of_a_count() -> None:
    """The interval of a count is Garwood's: 3.69 above nothing, 4.80 to 18.39 around ten."""
    assert poisson(0) == pytest.approx((0.0, 3.6889), abs=1e-4)
    assert poisson(10) == pytest.approx((4.7954, 18.3904), abs=1e-4)


def test_bootstrap_over_units() -> None:
    """Units that differ give an interval around the mean, the same at each call; one unit alone
    tells nothing, and what cannot be measured in a resample is left out."""

    def mean(units: object) -> float:
        values = list(units)  # type: ignore[call-overload]
        known = [value for value in values if value >= 0]
        return sum(known) / len(known) if known else math.nan

    low, high = bootstrap([0, 1, 2, 3, 4], mean)
    assert 0 < low < 2 < high < 4
    assert bootstrap([0, 1, 2, 3, 4], mean) == (low, high)
    assert bootstrap([2, 2, 2], mean) == (2, 2)
    assert bootstrap([2, -1], mean) == (2, 2)
    assert bootstrap([2], mean) == (-math.inf, math.inf)
    assert bootstrap([-1, -1], mean) == (-math.inf, math.inf)
