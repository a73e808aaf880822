"""From sums to integer thresholds: how many is too many for this subject in one window.

A count x ≥ 1 of an active window is judged on y = ln x. The subject's own windows, its peers and
the organization make a Normal-Inverse-Gamma prior; the predictive distribution of the next y is a
Student t (the "log-t" of SCIENCE 0.2). The organization's tail above its 95 % quantile is a
generalized Pareto distribution fitted by probability-weighted moments (Hosking and Wallis 1987).
Both p-values are joined by Cauchy combination (Liu and Xie 2020). Measured in SCIENCE D: real
alarm rates of 0.62, 0.082 and 0.012 % at nominal 1, 0.1 and 0.01 %.

All sums arrive as integers (fixed point), so the thresholds are the same whatever the order in
which rows were added up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LOG_SCALE = 4096
"""y = ln x is kept as round(ln x · 4096)."""
STEP = 1024
"""Heights of peaks are kept in steps of a quarter of ln x."""
UNIT = 256
"""One new window weighs 256, so that decayed weights stay integers."""
DECAY_NUMERATOR, DECAY_SHIFT = 1001, 10
"""Weights decay by 1001/1024 a day: half in 30.5 days."""

PRIOR_DEGREES = 6.0  # ν0 of SCIENCE B.0
DEFAULT_MEAN, DEFAULT_WITHIN, DEFAULT_BETWEEN = 1.1, 0.87, 0.47
"""Log-count mean and standard deviations of real Slack activity (SCIENCE C), used while an
organization has little data of its own; they weigh as much as 30 windows."""
DEFAULT_WEIGHT = 30.0
TAIL_SHARE = 0.05
TAIL_MINIMUM = 20
LARGEST = 1 << 22


@dataclass(frozen=True, slots=True)
class Sums:
    """Decayed sums over the windows of each row's subject: weight, Σy, Σy² (natural units)."""

    weight: Floats
    total: Floats
    squares: Floats

    @classmethod
    def of(cls, units: Integers, sum_y: Integers, sum_y2: Integers) -> Sums:
        """From the fixed-point integers of a profile."""
        return cls(
            units / UNIT, sum_y / (UNIT * LOG_SCALE), sum_y2 / (UNIT * LOG_SCALE * LOG_SCALE)
        )

    def mean(self) -> Floats:
        """Mean of y; 0 where there is no window."""
        return np.divide(
            self.total, self.weight, out=np.zeros_like(self.total), where=self.weight > 0
        )

    def scatter(self) -> Floats:
        """Σ(y − mean)², never negative."""
        return np.maximum(self.squares - self.total * self.mean(), 0.0)


@dataclass(frozen=True, slots=True)
class Prior:
    """What the organization says before a subject has spoken: mean, variance within a subject's
    windows, variance between subjects' means (all of ln x)."""

    mean: float
    within: float
    between: float

    @property
    def strength(self) -> float:
        """κ0 = s0²/τ²: the prior mean weighs as much as this many windows."""
        return self.within / self.between


@dataclass(frozen=True, slots=True)
class Predictive:
    """Student-t predictive of the next y for each row: location, scale, degrees of freedom."""

    location: Floats
    scale: Floats
    degrees: Floats

    def upper_tail(self, log_count: Floats) -> Floats:
        """P(y ≥ log_count), arrays broadcast."""
        t = (log_count - self.location) / self.scale
        tail: Floats = special.stdtr(self.degrees, -t)
        return tail

    def quantile(self, probability: float) -> Floats:
        """Count below which the next window stays with this probability (not rounded)."""
        t = special.stdtrit(self.degrees, probability)
        count: Floats = np.exp(self.location + self.scale * t)
        return count

    def upper_quantile(self, probability: Floats) -> Floats:
        """Count that the next window reaches with this probability (not rounded)."""
        t = -special.stdtrit(self.degrees, probability)
        count: Floats = np.exp(np.minimum(self.location + self.scale * t, 50.0))
        return count


def organization_prior(subjects: Sums) -> Prior:
    """Mean, within and between variance by moments, shrunk to what real Slack shows.

    A subject's mean over n windows scatters by τ² + s²/n, which gives τ².
    """
    seen = subjects.weight > 0
    weight = float(subjects.weight[seen].sum())
    degrees = float(np.maximum(subjects.weight[seen] - 1, 0).sum())
    share = weight / (weight + DEFAULT_WEIGHT)
    within_share = degrees / (degrees + DEFAULT_WEIGHT)
    means = subjects.mean()[seen]
    pooled = float(subjects.scatter()[seen].sum()) / degrees if degrees > 0 else 0.0
    within = within_share * pooled + (1 - within_share) * DEFAULT_WITHIN**2
    mean = share * (float(subjects.total[seen].sum()) / weight if weight else 0.0)
    mean += (1 - share) * DEFAULT_MEAN
    between = DEFAULT_BETWEEN**2
    if means.size >= 10:
        noise = float(np.mean(within / subjects.weight[seen]))
        between = max(float(np.var(means, ddof=1)) - noise, 0.1 * DEFAULT_BETWEEN**2)
    return Prior(mean, max(within, 0.04), between)


def peer_means(peers: Integers, subjects: Sums, prior: Prior) -> Floats:
    """For each row the mean of its peer group, shrunk to the organization's.

    `peers` numbers the group of each row from 0; a group weighs by its windows against κ0.
    """
    groups = int(peers.max(initial=-1)) + 1
    weight = np.bincount(peers, weights=subjects.weight, minlength=groups)
    total = np.bincount(peers, weights=subjects.total, minlength=groups)
    strength = max(prior.strength, 1.0) * 5  # a peer group must have some windows to speak
    shrunk: Floats = (total + strength * prior.mean) / (weight + strength)
    return shrunk[peers]


def predictive(subjects: Sums, prior_mean: Floats, prior: Prior) -> Predictive:
    """Posterior predictive of each subject (SCIENCE B.0, "Count detector")."""
    k0, n = prior.strength, subjects.weight
    kn, degrees = k0 + n, PRIOR_DEGREES + n
    mean = (k0 * prior_mean + subjects.total) / kn
    shift = np.where(n > 0, subjects.mean() - prior_mean, 0.0)
    squares = PRIOR_DEGREES * prior.within + subjects.scatter() + k0 * n * shift**2 / kn
    # a count is a whole number, so that ln x is known within ±1/(2x) only: without this a person
    # who always takes exactly one file could never take two
    variance = squares / degrees * (1 + 1 / kn) + np.exp(-2 * mean) / 12
    return Predictive(mean, np.sqrt(variance), degrees)


@dataclass(frozen=True, slots=True)
class Tail:
    """The organization's windows: empirical up to its 95 % quantile, generalized Pareto above.

    `values` ascending, `survival` = P(X ≥ value); `shape` is ξ, `spread` σ, `edge` the quantile,
    `share` = P(X > edge), which is at most 5 %.
    Where the organization has too few windows for a tail, `spread` is 0 and only the empirical
    part is used.
    """

    values: Floats
    survival: Floats
    total: float
    edge: float
    shape: float
    spread: float
    share: float

    def upper_tail(self, counts: Floats) -> Floats:
        """P(X ≥ count) for each count."""
        place = np.searchsorted(self.values, counts, side="left")
        survival = np.append(self.survival, 0.0)[place]
        # one window more on either side: without any the answer is 1/2, which says nothing
        empirical = (survival * self.total + 1.0) / (self.total + 2.0)
        if self.spread <= 0:
            return empirical
        excess = np.maximum(counts - self.edge, 0.0) / self.spread
        beyond = self.share * (1 + self.shape * excess) ** (-1 / self.shape)
        return np.where(counts > self.edge, np.minimum(beyond, self.share), empirical)

    def quantile(self, probability: float) -> int:
        """The smallest seen count that at most 1 − probability of the windows exceed; 0 when
        nothing was seen."""
        if not self.values.size:
            return 0
        above = np.append(self.survival[1:], 0.0)
        return int(self.values[np.flatnonzero(above <= 1 - probability)[0]])


def organization_tail(values: Integers, weights: Integers) -> Tail:
    """Fit the tail to the organization's histogram (`values` distinct, `weights` in UNITs)."""
    order = np.argsort(values)
    x = values[order].astype(np.float64)
    n = weights[order] / UNIT
    total = float(n.sum())
    survival = (np.cumsum(n[::-1])[::-1] / total) if total else np.zeros(0)
    above = np.flatnonzero(survival <= TAIL_SHARE)
    edge = float(x[above[0] - 1]) if above.size and above[0] > 0 else float("inf")
    tail_x, tail_n = x[x > edge] - edge, n[x > edge]
    if float(tail_n.sum()) < TAIL_MINIMUM:
        return Tail(x, survival, total, edge, 0.0, 0.0, 0.0)
    shape, spread = _pareto_by_moments(tail_x, tail_n)
    return Tail(x, survival, total, edge, shape, spread, float(survival[above[0]]))


def _pareto_by_moments(excess: Floats, weights: Floats) -> tuple[float, float]:
    count = float(weights.sum())
    rank = (np.cumsum(weights) - weights / 2) / count  # mid-rank plotting position
    mean = float((excess * weights).sum()) / count
    tilted = float((excess * weights * (1 - rank)).sum()) / count
    ratio = mean - 2 * tilted
    if ratio <= 0:
        return 0.9, max(mean * 0.1, 1e-6)
    shape = min(max(2 - mean / ratio, 0.05), 0.9)
    return shape, max(mean * (1 - shape), 1e-6)


def combined(first: Floats, second: Floats) -> Floats:
    """Cauchy combination of two p-values with equal weights, exact also for tiny ones."""
    first, second = np.clip(first, 1e-300, 1 - 1e-15), np.clip(second, 1e-300, 1 - 1e-15)
    score = (1 / np.tan(np.pi * first) + 1 / np.tan(np.pi * second)) / 2
    p: Floats = np.arctan2(1.0, score) / np.pi
    return p


def p_values(counts: Floats, subject: Predictive, tail: Tail) -> Floats:
    """P-values of `counts` (last axis: subjects) against the subject and the organization."""
    return combined(subject.upper_tail(np.log(counts)), tail.upper_tail(counts))


def smallest_reaching(levels: Floats, subject: Predictive, tail: Tail) -> Integers:
    """For each row of `levels` (last axis: subjects) the smallest count whose p-value is at most
    the level: r*, or LARGEST where there is none.

    Found by bisection over integers up to LARGEST; p falls as the count grows.
    """
    shape = np.broadcast_shapes(levels.shape, subject.location.shape)
    low = np.ones(shape, dtype=np.int64)
    high = np.full(shape, LARGEST, dtype=np.int64)
    while bool((low < high).any()):
        middle = (low + high) // 2
        reached = p_values(middle.astype(np.float64), subject, tail) <= levels
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle + 1)
    return low
