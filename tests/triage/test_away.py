"""Much taken over a network that is new to the person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.settings import Settings
from gridtrail.settings_policy import PolicySettings
from gridtrail.triage.finding import Finding

Acme = Any
Triaged = Callable[..., list[Finding]]

HOTEL = "91.25.16.230"


def _burst(acme: Acme, ip: str, **columns: Any) -> list[Any]:
    """Forty files within minutes, and the anomaly that tells of them."""
    own = {"ip": ip} | columns
    files = [acme.download(f"t{n}", acme.NOON + n, f"file {n}.pdf", **own) for n in range(40)]
    return [*files, acme.anomaly("x", acme.NOON + 60, "excessive_downloads", **own)]


def _one(found: list[Finding]) -> Finding:
    (one,) = found
    return one


def test_a_burst_over_a_new_network_is_said_and_never_high(acme: Acme, triaged: Triaged) -> None:
    """The words name the network instead of saying that nothing else is unusual; four nats more may
    make it medium, and no more; from the usual network the same burst is as it was."""
    one = _one(triaged(acme.usual() + _burst(acme, HOTEL)))
    assert one.title == (
        "Matt Salesman downloaded unusually many files over a network that is new to them"
    )
    assert "a network that this person had not used in the 30 days before" in one.narrative
    assert "Nothing but the volume" not in one.narrative
    assert one.history["score"]["patterns"] == {"bulk_download_away": 4.0}
    assert one.severity in ("low", "medium")


def test_a_burst_from_the_usual_network_stays_low(acme: Acme, triaged: Triaged) -> None:
    """The same burst at another address of the network of every day is volume alone."""
    one = _one(triaged(acme.usual() + _burst(acme, "198.51.100.77")))
    assert one.title == "Matt Salesman downloaded unusually many files"
    assert "Nothing but the volume is unusual" in one.narrative
    assert (one.severity, one.context["judged"]["away"]) == ("low", "")


def test_who_is_new_has_no_usual_network(acme: Acme, triaged: Triaged) -> None:
    """On the fifth day of a person every network is new, so that says nothing."""
    one = _one(triaged(acme.usual(days=4) + _burst(acme, HOTEL)))
    assert one.context["judged"]["away"] == ""


def test_failed_logins_make_no_network_usual(acme: Acme, triaged: Triaged) -> None:
    """A stranger who tried the password from there a week ago has not made the place the person's
    own; the person's own work there has."""
    week = acme.NOON - 7 * acme.DAY
    tried = acme.event("f", week, "user_login_failed", ip=HOTEL)
    assert _one(triaged([*acme.usual(), tried, *_burst(acme, HOTEL)])).context["judged"]["away"]
    worked = acme.event("w", week, "file_uploaded", ip="91.25.16.9")
    assert not _one(triaged([worked], every=True)).context["judged"]["away"]


def test_an_app_has_no_journeys(acme: Acme, triaged: Triaged) -> None:
    """Where an app takes files from is another question than where people are."""
    app = {"entity_type": "app", "entity_id": "A0SYNC", "entity_name": "Sync", "app_id": "A0SYNC"}
    odd = acme.anomaly("x", acme.NOON, "excessive_downloads", ip=HOTEL, session_id=None, **app)
    assert _one(triaged([*acme.usual(), odd])).context["judged"]["away"] == ""


class TestCompanyVpn:
    """What the policy says is the organization's."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """Settings with the hotel's network as the company VPN."""
        policy = PolicySettings(vpn_networks=["91.25.16.0/24"])
        return settings.model_copy(update={"policy": policy})

    def test_the_company_vpn_is_no_new_network(self, acme: Acme, triaged: Triaged) -> None:
        """An egress of the company VPN is nobody's journey."""
        one = _one(triaged(acme.usual() + _burst(acme, HOTEL)))
        assert (one.severity, one.context["judged"]["away"]) == ("low", "")
