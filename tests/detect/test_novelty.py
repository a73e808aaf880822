"""Rates of firsts: learned p-values keep the budget, whatever the organization is like."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pytest

from gridtrail.detect.contract import DayContext, arrow_schema
from gridtrail.detect.novelty import EVERYBODY, NOVELTY, Novelty
from gridtrail.detect.thresholds import DECAY_NUMERATOR, DECAY_SHIFT, UNIT
from gridtrail.detectors.ip_address import BASE_RATES, _restlessness
from gridtrail.detectors.ip_address import NOVELTY as NETWORKS
from gridtrail.detectors.unexpected_user_agent import NOVELTY as AGENTS
from gridtrail.settings import DetectSettings

PEOPLE, DAYS = 300, 120
LEVEL = 0.005 * 0.25


def p_values(novelty: Novelty, learned: Mapping[str, int]) -> dict[str, float]:
    """P-value of each category when so many fixed-point person-days were learned."""
    rows = [{"category": c, "person_days": n} for c, n in learned.items()]
    state = pa.Table.from_pylist(rows, schema=arrow_schema(NOVELTY))

    def read(relation: ir.Table) -> pa.Table:
        assert relation is novelty.profile.table
        return state

    table = novelty.parameters(DayContext(0, 30, DetectSettings(), read))
    assert table is not None
    return dict(zip(table["category"].to_pylist(), table["p_value"].to_pylist(), strict=True))


def test_nothing_is_said_of_firsts_in_the_first_days() -> None:
    """With less history than the warm-up there are no parameters, with as much there are."""

    def read(_relation: ir.Table) -> pa.Table:
        return arrow_schema(NOVELTY).empty_table()

    days = DetectSettings().warmup_days
    young, old = (DayContext(0, n, DetectSettings(), read) for n in (days - 1, days))
    assert NETWORKS.parameters(young) is None
    assert NETWORKS.parameters(old) is not None


def alarm_rate(rates: Mapping[str, float], seed: int) -> float:
    """Alarms per person and day over the level, in an organization with these true daily rates."""
    roll = np.random.default_rng(seed)
    learned = dict.fromkeys([*NETWORKS.priors, EVERYBODY], 0)
    alarms = 0
    for _ in range(DAYS):
        p = p_values(NETWORKS, learned)
        firsts = {c: int(roll.binomial(PEOPLE, rate)) for c, rate in rates.items()}
        alarms += sum(number for c, number in firsts.items() if p[c] <= LEVEL)
        for category, before in learned.items():
            new = PEOPLE if category == EVERYBODY else firsts.get(category, 0)
            learned[category] = ((before * DECAY_NUMERATOR) >> DECAY_SHIFT) + new * UNIT
    return alarms / PEOPLE / DAYS / LEVEL


@pytest.mark.parametrize(
    "rates",
    [
        {"mobile": 0.2, "mobile|new_country": 0.03, "access": 0.05, "hosted": 0.002},
        {"mobile": 0.3, "hosted": 0.01, "hosted|new_country": 0.004, "hosted|automated": 0.002},
        {category: rate * 4 for category, rate in NETWORKS.priors.items() if rate < 0.01},
        dict(NETWORKS.priors),
        {category: 0.0008 for category in NETWORKS.priors if category.startswith("hosted")},
    ],
    ids=["mobile", "cloud desktops", "four times as restless", "as expected", "many at the edge"],
)
def test_alarm_rate(rates: dict[str, float]) -> None:
    """Alarms are at most twice as many as the budget says, also where firsts are ordinary."""
    assert np.mean([alarm_rate(rates, seed) for seed in range(5)]) <= 2


def test_rare_stays_rare() -> None:
    """What was never seen has the smallest p-value; after many it is no anomaly any more."""
    fresh = p_values(AGENTS, {})
    used = p_values(AGENTS, {"tool": 60 * UNIT, EVERYBODY: 9000 * UNIT})

    assert fresh["tool"] <= 0.005 * 0.15
    assert used["tool"] > 0.005
    assert used["unknown"] < fresh["unknown"]


def test_one_incident_does_not_silence() -> None:
    """Before anything is learned, and after one such first in a month of 60 people, a first on a
    hosting network is an anomaly."""
    assert p_values(NETWORKS, {})["hosted"] <= LEVEL

    p = p_values(NETWORKS, {"hosted": UNIT, EVERYBODY: 60 * 28 * UNIT})

    assert p["hosted"] <= LEVEL


def test_ordered() -> None:
    """A category's p-value is the rate of all categories that are as rare or rarer: it is never
    below the category's own rate, and the most frequent one has all of them."""
    p = p_values(NETWORKS, {})

    assert all(p[category] >= rate * 0.999 for category, rate in NETWORKS.priors.items())
    assert max(p.values()) == pytest.approx(min(1, sum(NETWORKS.priors.values())))
    assert p["hosted"] < p["access"] < p["mobile"]
    assert BASE_RATES["hosted"] < BASE_RATES["access"]


def test_restless_people() -> None:
    """Who moves ten times as often as others needs ten times as rare a first, and people like the
    average are judged by the average."""
    organization = {"all_moves": 200, "all_days": 10_000}

    average = _restlessness({**organization, "moves": 2, "active_days": 100})
    restless = _restlessness({**organization, "moves": 40, "active_days": 100})
    calm = _restlessness({**organization, "moves": 0, "active_days": 400})

    assert average == pytest.approx(1, rel=0.05)
    assert restless > 10
    assert calm == 0.5
