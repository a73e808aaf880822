"""How surprising a reason family is, for this person here."""

from __future__ import annotations

import math

import pytest

from gridtrail.triage.anomaly import DAY_SECONDS, Raised
from gridtrail.triage.rates import NOMINAL_PER_USER_DAY, Rates
from gridtrail.triage.reasons import FAMILIES, OTHER

EXPOSED = {"users": 100, "days": 100, "own_days": 100}


def raised(day: int, actor: str, *, number: int = 0) -> Raised:
    at = day * DAY_SECONDS + number
    return Raised("E0", f"{day}-{actor}-{number}", at, actor, frozenset({"volume"}))


def volume(rows: list[Raised], actor: str = "W1", day: int = 100, **exposed: int) -> float:
    return Rates(rows).surprise("volume", actor, day, **(EXPOSED | exposed))


def test_without_any_history_the_nominal_rate_counts() -> None:
    """A log that begins today is as surprised as the emission budget says."""
    nominal = NOMINAL_PER_USER_DAY["volume"]
    nats = volume([], users=1, days=0, own_days=0)
    assert nats == pytest.approx(-math.log(nominal), abs=0.001)
    assert set(NOMINAL_PER_USER_DAY) == {*FAMILIES, OTHER}
    assert sum(NOMINAL_PER_USER_DAY.values()) == pytest.approx(0.005)


def test_what_many_do_surprises_less() -> None:
    """Anomalies of others make one of mine less surprising, my own still less."""
    others = [raised(day, f"W{day}") for day in range(50, 90)]
    own = [raised(day, "W1") for day in range(50, 90)]
    assert volume([]) > volume(others) > volume(own)


def test_a_day_counts_once() -> None:
    """Sixty-seven repeats on one day teach no more than one."""
    once = [raised(90, "W1")]
    assert volume([raised(90, "W1", number=n) for n in range(67)]) == volume(once)


def test_only_strictly_earlier_days_teach() -> None:
    """What happens on the day itself, or later, changes nothing."""
    assert volume([raised(100, "W1"), raised(101, "W2")]) == volume([])
    assert volume([raised(99, "W1")]) < volume([])


def test_someone_new_is_judged_by_the_organization() -> None:
    """Long clean conduct makes a first anomaly more surprising; a newcomer has none."""
    assert volume([], own_days=0) < volume([], own_days=100)


def test_counts_before_a_day() -> None:
    """Totals and records of the person and of everyone leave the day itself out."""
    rows = [raised(90, "W2", number=n) for n in range(3)]
    rows += [raised(80, "W1"), raised(100, "W1"), raised(100, "W1", number=1)]
    rates = Rates(rows)
    assert rates.before("W1", 100) == {
        "person_total": 1,
        "person_days": 1,
        "person_most_in_a_day": 1,
        "organization_most_in_a_day": 3,
        "organization_total": 4,
        "organization_people": 2,
    }
    assert rates.most_in_a_day("W1", 80, 100) == 2
