"""The data file on networks and the reading of names."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.enrich.address_text import read_network
from gridtrail.enrich.addresses import KINDS
from gridtrail.enrich.providers import kind_by_name, normalized, providers

DATA = tomllib.loads(
    files("gridtrail.enrich").joinpath("data/networks.toml").read_text(encoding="utf-8")
)


def test_the_data_file_is_sound() -> None:
    """Kinds are known, no ASN belongs to two providers or kinds, ranges are ranges."""
    for section in ("siblings", "kinds"):
        listed = [asn for group in DATA[section].values() for asn in group]
        assert len(listed) == len(set(listed)), section
        assert all(0 < asn < 1 << 32 for asn in listed)
    assert set(DATA["kinds"]) <= set(KINDS)
    assert {entry["kind"] for entry in DATA["names"]} <= set(KINDS)
    assert all(read_network(cidr) for listed in DATA["ranges"].values() for cidr in listed)
    assert len(providers().kinds) > 400


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Amazon.com, Inc.", "AMAZON.COM INC"),
        ("Hetzner Online GmbH", "Hetzner Online AG"),
        ("Telefónica de España S.A.U.", "TELEFONICA DE ESPANA SA U"),
        ("OVH SAS", "Ovh S.A.S."),
    ],
)
def test_one_organization_in_other_letters(one: str, two: str) -> None:
    """Case, accents, punctuation and legal form do not make another organization."""
    assert normalized(one) == normalized(two) != ""


@pytest.mark.parametrize(
    "name", ["", "LLC", "Network", "S.A.", "株式会社", "-Reserved AS-", "Cloud Ltd"]
)
def test_names_that_say_nothing(name: str) -> None:
    """Names that many unrelated organizations have are nobody's."""
    assert normalized(name) == ""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Contoso Cloud Hosting Ltd", "hosting"),
        ("ACME Data Centers Inc", "hosting"),
        ("Best VPS GmbH", "hosting"),
        ("Fabrikam Mobile Telecom", "mobile"),
        ("Smalltown Cable TV & Broadband", "residential"),
        ("University of Somewhere Data Center", "business"),
        ("First Bank Cloud Services", "business"),
        ("Quick VPN Hosting", "vpn"),
        ("Ghosthouse Ltd", None),
        ("Cloudy Bay Wines", None),
        ("Serverin Oy", None),
    ],
)
def test_kinds_by_name(name: str, kind: str | None) -> None:
    """Whole words decide, the entries of the data file in their order; parts of words never do."""
    assert kind_by_name(name) == kind


@given(st.text(max_size=300))
def test_any_name_is_read(name: str) -> None:
    """Any text has a kind or none, and a normalized form that stays the same."""
    assert kind_by_name(name) in {*KINDS, None}
    assert normalized(normalized(name)) in (normalized(name), "")
