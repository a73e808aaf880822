"""Scores and severities."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.triage import patterns
from gridtrail.triage.anomaly import Anomaly, Evidence, Raised
from gridtrail.triage.finding import SEVERITIES
from gridtrail.triage.patterns import Pattern
from gridtrail.triage.reasons import FAMILIES, families_of
from gridtrail.triage.score import BANDS, MOST_NATS, evidence_nats, score

PATTERNS = st.sampled_from(
    [
        patterns.STOLEN_SESSION,
        patterns.SCRAPING_TOOL,
        patterns.BULK_DOWNLOAD,
        patterns.TOR_ALONE,
        patterns.PLAIN,
    ]
)

NATS = st.floats(0, 100)
SURPRISES = st.dictionaries(st.sampled_from(sorted(FAMILIES)), NATS, min_size=1)


def anomaly(p_value: float | None, detector: str, *reasons: str) -> Anomaly:
    raised = Raised("E0", "x", 0, "W1", families_of(reasons))
    evidence = Evidence(detector=detector, p_value=p_value)
    return Anomaly(raised, 0, "", "", reasons, "", "", "", "gridtrail", {}, evidence)


def test_a_family_counts_its_larger_surprise_once_and_bounded() -> None:
    """Rate and evidence do not add up, and neither goes beyond the bound."""
    found = score({"client": 5.0, "volume": 99.0}, {"client": 7.5}, [patterns.PLAIN])
    assert dict(found.families) == {"client": 7.5, "volume": MOST_NATS}
    assert found.nats == 21.5


def test_a_p_value_speaks_for_its_detectors_family() -> None:
    """Evidence of a detector named after a reason says nothing of the event's other families."""
    both = ("unexpected_scraping", "user_agent")
    assert evidence_nats([anomaly(1e-4, "unexpected_scraping", *both)]) == {
        "scraping": -math.log(1e-4)
    }
    assert set(evidence_nats([anomaly(1e-4, "custom", *both)])) == {"scraping", "client"}
    assert evidence_nats([anomaly(0.0, "tor", "tor")]) == {"network": MOST_NATS}
    assert evidence_nats([anomaly(None, "tor", "tor")]) == {}


@given(SURPRISES)
def test_a_patterns_floor_and_ceiling_hold(surprises: dict[str, float]) -> None:
    """Whatever the surprise: theft is critical, one's own scraping high, a burst low."""
    assert score(surprises, {}, [patterns.STOLEN_SESSION]).severity == "critical"
    assert score(surprises, {}, [patterns.SCRAPING_TOOL]).severity == "high"
    assert score(surprises, {}, [patterns.BULK_DOWNLOAD]).severity == "low"
    unusual = [patterns.BULK_DOWNLOAD, patterns.UNPRECEDENTED]
    assert score(surprises, {}, unusual).severity == "medium"


@pytest.mark.parametrize(
    ("nats", "severity"),
    [
        ((14.0, 0.999), "low"),
        ((14.0, 1.0), "medium"),
        ((14.0, 10.999), "medium"),
        ((14.0, 11.0), "high"),
        ((14.0, 14.0, 11.999), "high"),
        ((14.0, 14.0, 12.0), "critical"),
    ],
)
def test_bands_start_at_their_score(nats: tuple[float, ...], severity: str) -> None:
    """Medium from 15 nats, high from 25, critical from 40."""
    surprises = dict(zip(("admin", "client", "network"), nats, strict=False))
    assert score(surprises, {}, [patterns.PLAIN]).severity == severity


@given(NATS, st.sampled_from(sorted(FAMILIES)))
def test_one_family_alone_is_low(nats: float, family: str) -> None:
    """However surprising, one family without a pattern never leaves the lowest band."""
    assert score({family: nats}, {}, [patterns.PLAIN]).severity == "low"


@given(SURPRISES)
def test_the_sum_does_not_depend_on_the_order(surprises: dict[str, float]) -> None:
    """Families in another order give the very same number."""
    turned = dict(reversed(list(surprises.items())))
    assert score(surprises, {}, [patterns.PLAIN]) == score(turned, {}, [patterns.PLAIN])


@given(
    st.lists(st.floats(0, 20), min_size=1, max_size=6),
    PATTERNS,
    st.lists(st.floats(0, 20), min_size=1, max_size=6),
    PATTERNS,
)
def test_sorting_by_score_is_sorting_by_severity(
    one: list[float], first: Pattern, other: list[float], second: Pattern
) -> None:
    """Of two findings the more severe one has the higher score."""
    a = score({str(i): nats for i, nats in enumerate(one)}, {}, [first])
    b = score({str(i): nats for i, nats in enumerate(other)}, {}, [second])
    assert BANDS[a.severity] <= a.value
    if SEVERITIES.index(a.severity) > SEVERITIES.index(b.severity):
        assert a.value > b.value
