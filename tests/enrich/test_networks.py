"""Providers and kinds of networks, and the packaged source."""

from __future__ import annotations

import pytest

from gridtrail.enrich.address_sources import SILENT
from gridtrail.enrich.address_text import read_address
from gridtrail.enrich.networks import PackagedSource, network_of, provider_kind
from gridtrail.enrich.providers import providers


@pytest.mark.parametrize(
    ("asn", "network"),
    [
        (14618, 16509),  # both of Amazon, listed
        (7224, 16509),
        (21664, 16509),  # not listed, but of the same name
        (7015, 7922),  # Comcast
        (33491, 7922),
        (20057, 7018),  # AT&T's home and mobile networks
        (2792, 3320),  # Deutsche Telekom
        (13335, 13335),
        (4_294_967_000, 4_294_967_000),  # unknown to the table
    ],
)
def test_siblings_are_one_network(asn: int, network: int) -> None:
    """ASNs of one provider stand for each other, by list or by name."""
    assert network_of(asn) == network


def test_a_network_stands_for_itself() -> None:
    """The ASN that stands for a provider is that of its own network."""
    for asn in [*providers().siblings, *providers().kinds]:
        assert network_of(network_of(asn)) == network_of(asn)


def test_unrelated_providers_stay_apart() -> None:
    """Names that merely resemble each other are not merged."""
    for one, two in [(15169, 16591), (3320, 6805), (7922, 20115), (701, 7018), (3209, 1273)]:
        assert network_of(one) != network_of(two)


@pytest.mark.parametrize(
    ("asn", "name", "kind"),
    [
        (16509, "", "hosting"),
        (21664, "", "hosting"),  # of its provider
        (15169, "anything", "hosting"),
        (21928, "", "mobile"),
        (7922, "", "residential"),
        (22616, "", "vpn"),
        (60729, "Stiftung Erneuerbare Freiheit", "tor"),
        (3356, "Level 3 Communications", "unknown"),
        (4_294_967_000, "Best VPS GmbH", "hosting"),
        (4_294_967_000, "Nobody Knows", "unknown"),
    ],
)
def test_kinds_of_networks(asn: int, name: str, kind: str) -> None:
    """A listed ASN has its kind, then its provider's, then what the name says."""
    assert provider_kind(asn, name) == kind


@pytest.mark.parametrize(
    ("text", "asn", "country"),
    [
        ("8.8.8.8", 15169, "US"),
        ("1.1.1.1", 13335, "AU"),
        ("2606:4700::1111", 13335, "US"),
        ("2001:4860:4860::8888", 15169, "US"),
        ("52.95.110.1", 16509, "US"),
        ("73.1.2.3", 7922, "US"),
        ("46.4.1.1", 24940, "DE"),
    ],
)
def test_the_packaged_table_knows_well_known_addresses(text: str, asn: int, country: str) -> None:
    """Public resolvers, clouds and home networks are where everybody knows them to be."""
    read = read_address(text)
    assert read is not None
    fact = PackagedSource().facts([read])[0]
    assert (fact.asn, fact.country) == (asn, country)


def test_relays_inside_content_networks() -> None:
    """Egress of Private Relay has its own kind; the rest of the content network has none here."""
    read = [read_address(text) for text in ("104.28.1.1", "104.16.1.1", "127.0.0.1")]
    facts = PackagedSource().facts([address for address in read if address])
    assert [fact.kind for fact in facts] == ["relay", None, None]
    assert facts[2] == SILENT
