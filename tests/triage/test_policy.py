"""What the organization's policy makes of findings: Matt's, told under several policies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import EnrichSettings, Settings
from gridtrail.settings_policy import LeaverSettings, PolicySettings
from gridtrail.triage.finding import Finding
from gridtrail.triage.run import triage

Acme = Any
Append = Callable[[list[dict[str, Any]]], None]
Under = Callable[..., list[Finding]]

LAST_DAY = dt.date(2026, 10, 9)  # the story plays on 2026-09-22, a Tuesday


@pytest.fixture
def under(settings: Settings, lake: Lake, engine: DuckDB, tmp_path: Path) -> Under:
    """The findings of what is in the lake, under the policy given as keywords."""
    table = tmp_path / "asn.tsv"
    table.write_text(
        "203.0.113.0\t203.0.113.255\t64500\tSE\tNordic Broadband\n"
        "198.51.100.0\t198.51.100.255\t64501\tUS\tAcme Corp\n"
    )
    enrich = EnrichSettings(asn_files=[table], packaged_asn=False)

    def run(**policy: Any) -> list[Finding]:
        chosen = PolicySettings.model_validate(policy)
        return triage(
            lake, engine, settings.model_copy(update={"policy": chosen, "enrich": enrich})
        )

    return run


def policies(finding: Finding) -> list[str]:
    return [one["policy"] for one in finding.context["judged"]["policy"]]


def test_a_sanctioned_client_lowers_its_family(acme: Acme, append: Append, under: Under) -> None:
    """Matt's scraping with an agreed tool is no scraping with a tool: lower, and said so."""
    append(acme.usual() + acme.scraping() + acme.two_anomalies())
    (plain,) = under()
    (agreed,) = under(sanctioned_clients=["Scrapers*"])
    assert (plain.severity, plain.history["score"]["pattern"]) == ("high", "scraping_tool")
    assert agreed.score < plain.score
    assert agreed.severity == "low"
    families = agreed.history["score"]["families"], plain.history["score"]["families"]
    assert families[0]["client"] == pytest.approx(families[1]["client"] - 6, abs=0.002)
    assert policies(agreed) == ["sanctioned_clients"]
    assert "“Scrapers Inc” is sanctioned" in agreed.narrative


def test_a_name_is_no_pass(acme: Acme, append: Append, under: Under) -> None:
    """Whoever holds a stolen session may call the client what is sanctioned: still critical."""
    own = {"ip": "203.0.113.9"}
    odd = acme.anomaly("x3", acme.NOON + 90, "session_fingerprint", **own)
    append(acme.usual() + acme.scraping(**own) + acme.two_anomalies(**own) + [odd])
    (one,) = under(sanctioned_clients=["Scrapers Inc"])
    assert one.severity == "critical"
    assert one.history["score"]["moves"] == {}
    assert "lowers nothing here" in one.narrative


def test_a_forbidden_client_alone_is_medium(acme: Acme, append: Append, under: Under) -> None:
    """Whatever the reason of the anomaly, a forbidden client is at least medium."""
    append(
        [
            *acme.usual(),
            acme.anomaly("x", acme.NOON, "excessive_downloads", ua="Go-http-client/2.0"),
        ]
    )
    assert [one.severity for one in under()] == ["low"]
    (one,) = under(forbidden_clients=["go-http-client"])
    assert one.severity == "medium"
    assert one.title == "Matt Salesman used Go-http-client, forbidden here"
    assert "is forbidden here" in one.narrative
    assert [one.severity for one in under(forbidden_clients=["go"])] == ["low"]


def test_the_company_vpn_is_no_odd_network(acme: Acme, append: Append, under: Under) -> None:
    """By range or ASN, its egress takes the network's part out of score and pattern; Tor stays."""
    own = {"ip": "203.0.113.9"}
    append(acme.usual() + acme.scraping(**own) + acme.two_anomalies(**own))
    append([acme.anomaly("x3", acme.NOON + 90, "ip_address", **own)])
    (outside,) = under()
    assert outside.severity == "critical"
    for policy in ({"vpn_networks": ["203.0.113.0/24"]}, {"vpn_asns": [64500]}):
        (inside,) = under(**policy)
        assert (inside.severity, inside.history["score"]["pattern"]) == ("high", "scraping_tool")
        assert inside.history["score"]["moves"] == {"network": -6.0}
        assert "“203.0.113.9” is an egress of the company VPN" in inside.narrative
    append([acme.anomaly("x4", acme.NOON + 95, "tor", **own)])
    assert [one.severity for one in under(vpn_asns=[64500])] == ["critical"]


def test_countries_move_the_network(acme: Acme, append: Append, under: Under) -> None:
    """A forbidden country weighs four nats, one that is not expected two, an expected none."""
    append([*acme.usual(), acme.anomaly("x", acme.NOON, "ip_address", ip="203.0.113.9")])
    moved = {
        name: under(**policy)[0].history["score"]["moves"].get("network")
        for name, policy in {
            "forbidden": {"forbidden_countries": ["SE"], "expected_countries": ["US"]},
            "other": {"expected_countries": ["US"]},
            "expected": {"expected_countries": ["US", "SE"]},
        }.items()
    }
    assert moved == {"forbidden": 4.0, "other": 2.0, "expected": None}


@pytest.mark.parametrize(
    ("policy", "outside"),
    [
        ({"working_from": "07:00", "working_to": "12:00"}, True),  # noon is over
        ({"working_from": "07:00", "working_to": "12:01"}, False),
        ({"working_from": "07:00", "working_to": "13:00", "working_days": ["mon"]}, True),
        ({"working_from": "22:00", "working_to": "12:30", "working_days": ["mon"]}, False),
        ({"working_from": "22:00", "working_to": "12:30", "working_days": ["tue"]}, True),
    ],
)
def test_hours_count_when_nothing_was_inside(
    acme: Acme, append: Append, under: Under, policy: dict[str, Any], outside: bool
) -> None:
    """Outside working hours adds one nat; a shift over midnight belongs to the day it began."""
    append([*acme.usual(), acme.anomaly("x", acme.NOON, "ip_address", ip="203.0.113.9")])
    (one,) = under(**policy)
    assert policies(one) == (["working_hours"] if outside else [])
    assert one.history["score"]["impact"] == ({"working_hours": 1.0} if outside else {})


def test_a_service_account_may_be_a_program(acme: Acme, append: Append, under: Under) -> None:
    """Its client says less and its hours nothing, but another network says more."""
    night = {"working_from": "01:00", "working_to": "02:00"}
    append([*acme.usual(), acme.anomaly("x", acme.NOON, "user_agent", ua="Sync/1")])
    (one,) = under(service_accounts=["MATT@acme.example"], **night)
    assert policies(one) == ["service_accounts"]
    assert one.history["score"]["moves"] == {"client": -6.0}
    append([acme.anomaly("y", acme.NOON + 5, "ip_address", ua="Sync/1", ip="203.0.113.9")])
    (one,) = under(service_accounts=["W0MATT"], **night)
    assert one.history["score"]["moves"] == {"network": 2.0}


def test_somebody_who_leaves_takes_data_along(acme: Acme, append: Append, under: Under) -> None:
    """By the leavers' list within thirty days, or deactivated within fourteen: at least medium."""
    append([*acme.usual(), acme.anomaly("x", acme.NOON, "excessive_downloads")])
    assert [one.severity for one in under()] == ["low"]
    leaver = LeaverSettings(person="matt@ACME.example", date=LAST_DAY)
    (one,) = under(leavers=[leaver])
    assert (one.severity, one.title) == ("medium", "Matt Salesman is leaving and takes data along")
    assert "leaves on 2026-10-09" in one.narrative
    late = LeaverSettings(person="matt@acme.example", date=dt.date(2026, 11, 30))
    assert [one.severity for one in under(leavers=[late])] == ["low"]
    gone = {"entity_type": "user", "entity_id": "W0MATT", "actor_id": "W0BOSS"}
    append([acme.event("gone", acme.NOON + 13 * acme.DAY, "user_deactivated", **gone)])
    (one,) = under()
    assert one.history["score"]["pattern"] == "leaving_insider"
    assert "deactivated soon after, on 2026-10-05" in one.narrative


def test_a_leaver_whose_session_was_stolen_is_a_stolen_session(
    acme: Acme, append: Append, under: Under
) -> None:
    """Leaving explains nothing that came from elsewhere."""
    own = {"ip": "203.0.113.9"}
    append(acme.usual() + acme.scraping(**own) + acme.two_anomalies(**own))
    append([acme.anomaly("x3", acme.NOON + 90, "ip_address", **own)])
    leaver = LeaverSettings(person="W0MATT", date=LAST_DAY)
    (one,) = under(leavers=[leaver])
    assert one.severity == "critical"
    assert one.title.startswith("Stolen session")


def test_a_hostile_name_cannot_shape_what_policy_says(
    acme: Acme, append: Append, under: Under
) -> None:
    """A client name with control characters and quotes stays one quoted line."""
    ua = "Evil”\x1b[31m\n" + "x" * 500
    append([*acme.usual(), acme.anomaly("x", acme.NOON, "user_agent", ua=ua)])
    (one,) = under(forbidden_clients=["evil*"])
    assert one.severity == "medium"
    words = [row["words"] + row["value"] for row in one.context["judged"]["policy"]]
    assert all(text.isprintable() and len(text) < 300 for text in [*words, one.title])
