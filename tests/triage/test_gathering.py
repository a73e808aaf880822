"""Several people on one odd network, and whether they are there together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gridtrail.settings import EnrichSettings, Settings
from gridtrail.triage.finding import Finding

Acme = Any
Triaged = Callable[..., list[Finding]]
Rows = list[dict[str, Any]]

HOTEL, CLOUD = "203.0.113.9", "192.0.2.77"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that know a hotel and a hosting company."""
    table = tmp_path / "asn.tsv"
    table.write_text(
        "203.0.113.0\t203.0.113.255\t64500\tES\tGrand Hotel\n"
        "192.0.2.0\t192.0.2.255\t64501\tUS\tCheap Servers\n"
        "198.51.100.0\t198.51.100.255\t64502\tUS\tAcme Corp\n"
    )
    enrich = EnrichSettings(asn_files=[table], packaged_asn=False, hosting_asns=[64501])
    return Settings(data=tmp_path / "data", threads=1, enrich=enrich)


def who(number: int) -> dict[str, str]:
    return {
        "actor_id": f"W0P{number}",
        "actor_name": f"Person {number}",
        "actor_email": f"p{number}@acme.example",
        "session_id": f"{5000 + number}",
    }


def there(acme: Acme, ip: str, flagged: int = 3, others: int = 0, *, days: int = 5) -> Rows:
    """`flagged` people with an anomaly each and `others` without, all at `ip` in sessions that
    began in the office `days` days before."""
    rows: Rows = list(acme.usual())
    for number in range(flagged + others):
        me, at = who(number), acme.NOON + 600 * number
        rows.append(acme.event(f"b{number}", acme.NOON - days * 86_400, **me))
        rows.append(acme.event(f"e{number}", at, "file_downloaded", ip=ip, **me))
        if number < flagged:
            rows.append(acme.anomaly(f"x{number}", at, "ip_address", ip=ip, **me))
    return rows


def pattern(findings: Sequence[Finding]) -> tuple[str, str]:
    (one,) = findings
    return one.history["score"]["pattern"], one.severity


def test_travellers(acme: Acme, triaged: Triaged) -> None:
    """Who brings an old session to a hotel came with colleagues, and it is said."""
    (one,) = triaged(there(acme, HOTEL))
    assert pattern([one]) == ("gathering", "low")
    assert one.title == "3 people came together to one unusual network"
    assert "brought a session along that they had for days" in one.narrative


def test_signed_in_anew(acme: Acme, triaged: Triaged) -> None:
    """Three people who are in a hotel with new sessions may be one thief with their passwords."""
    found = triaged(there(acme, HOTEL, days=0))
    assert pattern(found) == ("shared_place", "medium")


def test_few_on_a_hosting_network(acme: Acme, triaged: Triaged) -> None:
    """Old sessions on a hosting network may be stolen ones, also with a few others beside."""
    found = triaged(there(acme, CLOUD, others=8))
    assert pattern(found) == ("shared_place", "medium")


def test_a_new_way_out(acme: Acme, triaged: Triaged) -> None:
    """A crowd that comes to a hosting network with its old sessions is the company's move."""
    (one,) = triaged(there(acme, CLOUD, others=9))
    assert pattern([one]) == ("gathering", "low")
    assert "12 people brought a session along" in one.narrative


def test_somebody_signs_in_anew_in_the_crowd(acme: Acme, triaged: Triaged) -> None:
    """On the company's new way out somebody always signs in for the first time."""
    rows = there(acme, CLOUD, others=9)
    more = who(99)
    rows.append(acme.event("b99", acme.NOON - 5 * 86_400, **more))
    rows.append(acme.event("e99", acme.NOON + 60, "file_downloaded", ip=CLOUD, **more))
    fresh = [row for row in rows if row["id"] != "b0"]
    assert pattern(triaged(fresh)) == ("gathering", "low")


def test_a_crowd_of_new_sessions(acme: Acme, triaged: Triaged) -> None:
    """However many sign in anew from a hosting network, that is no crowd of the organization."""
    rows = there(acme, CLOUD, others=30, days=0)
    assert pattern(triaged(rows)) == ("shared_place", "medium")


def test_something_else_is_odd(acme: Acme, triaged: Triaged) -> None:
    """Where a session or a client is odd too, nobody is on a journey."""
    more = acme.anomaly("y", acme.NOON + 700, "session_fingerprint", ip=HOTEL, **who(0))
    name, severity = pattern(triaged([*there(acme, HOTEL), more]))
    assert (name, severity) != ("gathering", "low")
