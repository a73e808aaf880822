"""How sure a measured number is: 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from scipy import special

LEVEL = 0.95
RESAMPLES = 2000
_SEED = 20_261_123
_T = TypeVar("_T")


class Interval(NamedTuple):
    """Lower and upper bound."""

    low: float
    high: float


def wilson(hits: int, of: int) -> Interval:
    """Wilson's score interval of a share (Wilson 1927); all of [0, 1] when nothing was tried."""
    if not of:
        return Interval(0.0, 1.0)
    z = -float(special.ndtri((1 - LEVEL) / 2))
    share, weight = hits / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / of + weight / (4 * of)) / (1 + weight)
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return Interval(low if hits else 0.0, high if hits < of else 1.0)


def poisson(count: int) -> Interval:
    """Exact interval of the mean behind a count (Garwood 1936)."""
    tail = (1 - LEVEL) / 2
    low = float(special.gammaincinv(count, tail)) if count else 0.0
    return Interval(low, float(special.gammaincinv(count + 1, 1 - tail)))


def bootstrap(units: Sequence[_T], measure: Callable[[Sequence[_T]], float]) -> Interval:
    """Percentile interval of `measure` over resampled `units` (organizations): events of one
    organization depend on each other, organizations do not (Efron 1979).

    The same units give the same interval. All of the line when there are fewer than two units.
    """
    if len(units) < 2:
        return Interval(-math.inf, math.inf)
    roll = np.random.default_rng(_SEED)
    places = roll.integers(0, len(units), size=(RESAMPLES, len(units)))
    values = [measure([units[place] for place in row]) for row in places]
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return Interval(-math.inf, math.inf)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2])
    return Interval(float(low), float(high))
