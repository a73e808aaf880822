"""What is thought of the addresses and clients of a finding."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.collect.sightings import import_sightings
from gridtrail.lake.lake import Lake
from gridtrail.settings import EnrichSettings, Settings
from gridtrail.triage.finding import Finding

Acme = Any
Triaged = Callable[..., list[Finding]]

HERE, THERE = "203.0.113.9", "192.0.2.77"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that know in which country the two addresses are."""
    table = tmp_path / "asn.tsv"
    table.write_text(
        "203.0.113.0\t203.0.113.255\t64500\tSE\tNordic Broadband\n"
        "192.0.2.0\t192.0.2.255\t64501\tUS\tAcme Corp\n"
        "198.51.100.0\t198.51.100.255\t64501\tUS\tAcme Corp\n"
    )
    enrich = EnrichSettings(asn_files=[table], packaged_asn=False)
    return Settings(data=tmp_path / "data", threads=1, enrich=enrich)


def sight(lake: Lake, ip: str, at: int, person: str = "matt@acme.example") -> None:
    row = {"person": person, "ip": ip, "time": at, "device": "MATT-LAPTOP"}
    line = io.BytesIO(json.dumps(row).encode())
    import_sightings([line], lake, lake.engine, org="E0ACME", system="company VPN")


def first_login(acme: Acme) -> list[Any]:
    """Matt at an address that he never used, and nothing else."""
    return [*acme.usual(), acme.anomaly("x", acme.NOON, "ip_address", ip=HERE)]


def judged(finding: Finding, what: str = "addresses") -> Any:
    (one,) = finding.context["judged"][what]
    return one


def test_nothing_known_is_said(acme: Acme, triaged: Triaged) -> None:
    """An address of which nothing is known is neither good nor bad, and the client is expected."""
    (one,) = triaged(first_login(acme))
    assert judged(one)["judgement"] == "unknown"
    assert judged(one, "clients")["judgement"] == "good"


def test_seen_there_by_another_system_lowers_the_score(
    acme: Acme, triaged: Triaged, lake: Lake
) -> None:
    """Who was on the company's VPN from that address is less surprising there, and it is said."""
    (before,) = triaged(first_login(acme))
    sight(lake, HERE, acme.NOON - 3 * 3600)
    (after,) = triaged()
    assert after.score < before.score - 3
    assert judged(after)["judgement"] == "good"
    assert "company VPN saw this person there at 2026-09-22 09:00 UTC" in after.narrative
    assert "MATT-LAPTOP" in after.narrative


def test_seen_in_another_country_raises_it(acme: Acme, triaged: Triaged, lake: Lake) -> None:
    """Whose laptop was in another country at that hour was hardly here, and it is said."""
    (before,) = triaged(first_login(acme))
    sight(lake, THERE, acme.NOON - 600)
    (after,) = triaged()
    assert after.score > before.score
    assert judged(after)["judgement"] == "bad"
    assert "in US at 2026-09-22 11:50 UTC, while the address is in SE" in after.narrative


def test_sightings_of_others_and_of_other_times_say_nothing(
    acme: Acme, triaged: Triaged, lake: Lake
) -> None:
    """Another person's sighting, and one of yesterday, change nothing."""
    (before,) = triaged(first_login(acme))
    sight(lake, HERE, acme.NOON, person="ann@acme.example")
    sight(lake, HERE, acme.NOON - 13 * 3600)
    sight(lake, THERE, acme.NOON - 2 * 3600)
    (after,) = triaged()
    assert (after.score, after.narrative) == (before.score, before.narrative)


def test_a_tool_is_bad_and_ones_usual_address_good(acme: Acme, triaged: Triaged) -> None:
    """The user agent of every anomaly is judged, whatever its reason, and so is the address."""
    tool = {"ua": "python-requests/2.32.3"}
    (one,) = triaged(acme.usual() + acme.scraping(**tool) + acme.two_anomalies(**tool))
    assert judged(one)["judgement"] == "good"
    assert judged(one, "clients")["judgement"] == "bad"
    assert "program" in judged(one, "clients")["words"]
