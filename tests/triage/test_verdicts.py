"""What verdicts teach."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gridtrail.detect.allow import from_settings
from gridtrail.lake.lake import Lake
from gridtrail.settings import AllowSettings, Settings
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingStore
from gridtrail.triage.verdicts import Proposal, from_verdicts

Acme = Any
Triaged = Callable[..., list[Finding]]
NOW = 1_791_000_000  # 2026-10-03

ODD = 'Report"bot\n\x1b[31m😀'


@pytest.fixture
def decided(acme: Acme, triaged: Triaged, settings: Settings) -> Iterator[FindingStore]:
    """Two people at one odd place on two days, and a client of a hostile name: all expected. A
    third person there was a true positive with a smaller p-value."""

    def at(name: str, who: str, back: int, *reasons: str, **columns: Any) -> Any:
        own = {"actor_id": who, "actor_name": who, "actor_email": None, "session_id": who}
        return acme.anomaly(name, acme.NOON - back * acme.DAY, *reasons, **{**own, **columns})

    def p_value(value: str) -> Any:
        return {"gridtrail": {"detector": "excessive_downloads", "p_value": value}}

    place = {"ip": "203.0.113.9"}
    rows = [
        at("a", "W0ANN", 30, "ip_address", **place),
        at("b", "W0BEN", 20, "ip_address", **place),
        at("c", "W0CAT", 10, "ip_address", **place),
        at("d", "W0DAN", 30, "user_agent", ua=ODD),
        at("e", "W0DAN", 20, "user_agent", ua=ODD),
        at("f", "W0EVA", 30, "excessive_downloads", details=p_value("1e-3")),
        at("g", "W0FAY", 20, "excessive_downloads", details=p_value("2e-3")),
        at("h", "W0CAT", 5, "excessive_downloads", details=p_value("1e-9")),
    ]
    triaged(rows)
    with FindingStore(settings.state) as store:
        for one in store.select():
            bad = "W0CAT" in one.actor_ids
            store.decide(one.id, verdict="true_positive" if bad else "expected")
        yield store


def test_verdicts_make_proposals(
    acme: Acme, decided: FindingStore, lake: Lake, settings: Settings
) -> None:
    """Entries for what is harmless by verdict, those last that would hide a true positive."""
    found = from_verdicts(decided, lake, settings, now=NOW)
    by_words = {one.words: one for one in found}
    place = by_words["allow cidr 203.0.113.0/24 for ip_address"]
    assert (len(place.findings), len(place.silenced), place.anomalies) == (2, 3, 3)
    assert len(place.true_positives) == 1
    assert found[-1].true_positives
    assert not found[0].true_positives
    stricter = next(one for one in found if one.words.startswith("a stricter threshold"))
    assert len(stricter.findings) == 2
    assert stricter.wish is not None
    assert (stricter.wish.detector, stricter.wish.org) == ("excessive_downloads", "E0ACME")
    judged = {one.subject: (one.harmless, one.day) for one in stricter.wish.judged}
    noon = acme.NOON // acme.DAY
    assert judged == {"W0EVA": (True, noon - 30), "W0FAY": (True, noon - 20),
                      "W0CAT": (False, noon - 5)}  # fmt: skip
    assert stricter.wish.alone >= set(stricter.findings)
    assert all(one.findings for one in found)


def test_a_proposal_can_be_pasted(decided: FindingStore, lake: Lake, settings: Settings) -> None:
    """Every entry is TOML that the settings take, whatever the name of the client; it ends."""
    found = from_verdicts(decided, lake, settings, now=NOW)
    entries = [one for one in found if one.toml.startswith("[[allow]]")]
    assert len(entries) >= 2
    for one in entries:
        (value,) = tomllib.loads(one.toml)["allow"]
        (entry,) = from_settings([AllowSettings.model_validate(value)])
        assert entry.until is not None
        assert entry.until - NOW <= 90 * 86_400
    clients = [one for one in entries if "W0DAN" in one.toml]
    assert len(clients) == 1  # of this person alone: anybody can claim a name


def test_without_verdicts_nothing_is_proposed(
    acme: Acme, triaged: Triaged, lake: Lake, settings: Settings
) -> None:
    """Only what people decided counts, and once is not enough."""
    triaged([acme.anomaly("x", acme.NOON, "ip_address", ip="203.0.113.9")])
    with FindingStore(settings.state) as store:
        assert from_verdicts(store, lake, settings, now=NOW) == []
        store.decide(store.select()[0].id, verdict="expected")
        assert from_verdicts(store, lake, settings, now=NOW) == []


def test_as_json() -> None:
    """A proposal is a portable JSON object."""
    one = Proposal("w", "t", ("F1",), 1)
    assert one.to_json()["findings"] == ["F1"]
