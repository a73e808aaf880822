"""What findings are called: a day of many stories in one organization, one finding each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.triage.finding import Finding

Acme = Any
Triaged = Callable[..., list[Finding]]


@pytest.fixture
def day(acme: Acme, triaged: Triaged) -> dict[str, Finding]:
    """Matt scrapes, Zoe's session is stolen, an app exports, another goes astray, two people bring
    in the same malware and a third one other, and Ann has one harmless burst; findings by the first
    of their actors."""

    def own(who: str, number: int) -> dict[str, Any]:
        ip = f"203.0.{number}.9"
        return {"actor_id": who, "actor_name": who[2:], "session_id": f"s{number}", "ip": ip}

    def by(app: str, person: dict[str, Any]) -> dict[str, Any]:
        entity = {"entity_type": "app", "entity_id": app, "entity_name": app[2:].title()}
        return {**person, **entity, "app_id": app, "session_id": None}

    at, zoe = acme.NOON, {**own("W0ZOE", 1), "ua": "Go-http-client/2.0"}
    at_home = {"ip": "198.51.100.21"}
    happened = {"details": {"action_timestamp": at * 1_000_000}}
    rows = [
        # FIELD's chain, as Slack's own anomaly events say it
        acme.anomaly("z1", at + 60, "excessive_downloads", **zoe, **happened),
        acme.anomaly("z2", at + 600, "asn", "ip_address", **zoe, **happened),
        acme.anomaly("z3", at + 900, "session_fingerprint", **zoe, **happened),
        acme.anomaly("z4", at + 950, "unexpected_user_agent", "user_agent", **zoe),
        acme.anomaly("a1", at + 30, "excessive_downloads", **own("W0ANN", 2) | at_home),
        acme.anomaly("e1", at + 40, "excessive_downloads", **by("A0EXPORT", own("W0EVE", 3))),
        acme.anomaly("r1", at, "unexpected_api_call_volume", **by("A0ROGUE", own("W0ROY", 4))),
        acme.anomaly("r2", at + 9, "user_agent", **by("A0ROGUE", own("W0ROY", 4))),
        acme.anomaly("p1", at, "excessive_malware_uploads", **own("W0PIA", 5)),
        acme.anomaly("p2", at + 99, "excessive_malware_uploads", **own("W0PAT", 6)),
        acme.anomaly("l1", at + 99, "excessive_malware_uploads", **own("W0LOU", 7)),
        *[
            acme.event(
                f"f{n}",
                at - n,
                "file_malicious_content_detected",
                entity_type="file",
                entity_id=f"F{n}",
                entity_name=name,
                **own(who, n),
            )
            for who, n, name in (
                ("W0PIA", 5, "Invoice.exe"),
                ("W0PAT", 6, "invoice.EXE"),
                ("W0LOU", 7, "game.scr"),
            )
        ],
    ]
    found = triaged(acme.usual() + acme.scraping() + acme.two_anomalies() + rows)
    assert len(found) == len({one.actor_ids[0] for one in found})
    return {one.actor_ids[0][2:]: one for one in found}


def test_each_story_is_one_finding_in_its_place(day: dict[str, Finding]) -> None:
    """Severities and titles are those of what happened; the stolen session stands on top."""
    told = [(name, one.severity, one.title) for name, one in day.items()]
    assert told[0] == (
        "ZOE", "critical", "Stolen session: ZOE's Slack is being scraped with Go-http-client"
    )  # fmt: skip
    assert set(told[1:]) == {
        ("MATT", "high", "Matt Salesman's Slack is being scraped with Scrapers Inc"),
        ("PIA", "high", "Malicious files spread from 2 people"),
        ("LOU", "medium", "LOU: uploads of malware"),
        ("ROGUE", "medium", "The app Rogue does what it never did"),
        ("ANN", "low", "ANN downloaded unusually many files"),
        ("EXPORT", "low", "Export downloaded unusually many files"),
    }
    assert day["PIA"].actor_ids == ("W0PIA", "W0PAT")
    assert day["ZOE"].event_ids == ("z1", "z2", "z3", "z4")
