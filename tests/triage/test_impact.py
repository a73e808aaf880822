"""How much harm a finding can mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.settings_policy import PolicySettings
from gridtrail.triage.finding import Finding
from gridtrail.triage.run import triage

Acme = Any
Triaged = Callable[..., list[Finding]]


def impact(finding: Finding) -> dict[str, float]:
    parts: dict[str, float] = finding.history["score"]["impact"]
    return parts


def test_nothing_special_adds_nothing(acme: Acme, triaged: Triaged) -> None:
    """An ordinary person's odd address has no impact of its own."""
    (one,) = triaged([*acme.usual(), acme.anomaly("x", acme.NOON, "ip_address")])
    assert impact(one) == {}
    assert one.context["impact"] == []


def test_an_administrators_account_weighs_more(acme: Acme, triaged: Triaged) -> None:
    """Whoever administered in the past thirty days can reach more; somebody else's acts do not."""
    act = {"entity_type": "user", "entity_id": "W0ANN"}
    other = acme.event("o", acme.NOON - acme.DAY, "role_change_to_owner", actor_id="W0ANN", **act)
    (one,) = triaged([*acme.usual(), other, acme.anomaly("x", acme.NOON, "ip_address")])
    assert impact(one) == {}
    own = acme.event("p", acme.NOON - acme.DAY, "role_change_to_owner", **act)
    (one,) = triaged([own])
    assert impact(one) == {"privileges": 2.0}
    assert "administration is done with it" in one.narrative


def test_what_went_outside_and_how_much(acme: Acme, triaged: Triaged) -> None:
    """A public link adds two nats, a hundred files one; files count only where they were taken."""
    link = acme.event("l", acme.NOON + 9, "file_public_link_created")
    rows = [acme.download(f"d{n}", acme.NOON + n, f"f{n}") for n in range(100)]
    (one,) = triaged([*rows, link, acme.anomaly("x", acme.NOON + 90, "ip_address")])
    assert impact(one) == {"outside": 2.0}
    (one,) = triaged([acme.anomaly("y", acme.NOON + 95, "excessive_downloads")])
    assert impact(one) == {"files": 1.0, "outside": 2.0}
    assert "1 × file_public_link_created" in one.narrative


@pytest.mark.parametrize(
    ("policy", "touched"),
    [
        ({"crown_jewel_files": ["*leads*"]}, True),
        ({"crown_jewel_files": ["leads*"]}, False),
        ({"crown_jewel_channels": ["sales"]}, True),
        ({"crown_jewel_channels": ["C1"]}, True),
        ({"crown_jewel_channels": ["*leads*"]}, False),
    ],
)
def test_crown_jewels_lift_even_a_burst(
    acme: Acme,
    append: Callable[..., None],
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    policy: dict[str, Any],
    touched: bool,
) -> None:
    """A burst of downloads may be medium when it held what matters most; it is named."""
    evidence = {"gridtrail": {"detector": "excessive_downloads", "p_value": "4e-12"}}
    burst = acme.anomaly("x", acme.NOON + 320, "excessive_downloads", details=evidence)
    append([*acme.usual(), *acme.scraping(acme.DESKTOP), burst])
    chosen = settings.model_copy(update={"policy": PolicySettings.model_validate(policy)})
    (one,) = triage(lake, engine, chosen)
    assert one.severity == ("medium" if touched else "low")
    assert ("it touched" in one.narrative) == touched
    assert one.history["score"]["patterns"] == ({"crown_jewels": 3.0} if touched else {})
