from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from gridtrail.lab.outcome import Outcome
from gridtrail.lab.totals import Total, average_precision, totals

Make = Callable[..., Outcome]


def named(found: list[Total], start: str) -> Total:
    return next(one for one in found if one.name.startswith(start))


def test_aims(made: Make) -> None:
    """User agents of roll-outs must raise nothing; harmless findings of note are rare or not."""
    good, bad = totals([made(1)]), totals([made(1, pushed=1)])
    assert named(good, "user-agent").met
    assert named(bad, "user-agent").met is False
    assert named(bad, "user-agent").counts == "1 in 1 roll-outs and roll-backs"
    noted = named(good, "harmless findings")
    assert noted.value == pytest.approx(1 / 3)
    assert noted.met is False
    assert named(good, "anomalies of ordinary life").value == pytest.approx(2 / 3)


def test_carrier_churn(made: Make) -> None:
    """One mobile address anomaly in 3,000 user-days is 100 per 10,000 users and month."""
    assert named(totals([made()]), "address anomalies").value == pytest.approx(100)


def test_order_of_findings(made: Make) -> None:
    """Precision looks at the weeks with attacks; average precision knows what was missed."""
    found = totals([made()])
    assert named(found, "precision").counts == "2 of 3 findings"
    assert average_precision(made()) == pytest.approx((1 / 1 + 2 / 3) / 3)


def test_mimic_is_told(made: Make) -> None:
    """Mimics that were missed are counted, and so are those that were not."""
    assert named(totals([made()]), "perfect").counts == "1 of 1"
    seen = made()
    mimic = dataclasses.replace(seen.anomalies[2], story=3)
    caught = dataclasses.replace(seen, anomalies=[*seen.anomalies, mimic])
    assert named(totals([caught]), "perfect").counts == "0 of 1"


def test_plain_life_alone(made: Make) -> None:
    """Without any story there is nothing to be precise about, and no error."""
    plain = dataclasses.replace(made(), stories=[], anomalies=[], findings=[])
    assert named(totals([plain]), "precision").counts == "0 of 0 findings"
