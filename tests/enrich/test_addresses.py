"""What an address is."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.enrich.address_lists import FOREVER
from gridtrail.enrich.addresses import KINDS, UNREADABLE, Address, AddressBook
from gridtrail.settings import EnrichSettings

Write = Callable[[str, str], Path]
WriteMmdb = Callable[..., Path]

PACKAGED = AddressBook(EnrichSettings())
TABLE = "203.0.113.0\t203.0.113.255\t64500\tIS\tExample Cloud Hosting\n"


def book(**settings: object) -> AddressBook:
    return AddressBook(EnrichSettings.model_validate(settings))


@given(st.one_of(st.none(), st.text(st.characters(codec=None), max_size=60)))
def test_any_text_is_some_address(text: str | None) -> None:
    """Whatever comes in, sound facts come out; what is no address is UNREADABLE."""
    address = PACKAGED.facts(text)
    assert address.kind in KINDS
    assert address == UNREADABLE or address.valid


@given(st.lists(st.ip_addresses().map(str), max_size=30))
def test_many_are_each_as_alone(texts: list[str]) -> None:
    """Bulk look-up gives each address the facts it has alone, in order."""
    many = PACKAGED.facts_many(texts)
    assert many == [PACKAGED.facts(text) for text in texts]
    for address in many:
        assert ip_network(address.prefix).subnet_of(ip_network(address.wide_prefix))  # type: ignore[arg-type]
        assert address.kind in KINDS
        assert address.network in (address.wide_prefix,) or address.network.startswith("AS")
        assert (address.asn is None) == (address.network == address.wide_prefix)


@pytest.mark.parametrize(
    ("ip", "asn", "kind", "network"),
    [
        ("8.8.8.8", 15169, "hosting", "AS15169"),
        (" [2001:4860:4860::8888]:443 ", 15169, "hosting", "AS15169"),
        ("1.1.1.1", 13335, "hosting", "AS13335"),
        ("3.5.1.1", 14618, "hosting", "AS16509"),
        ("73.1.2.3", 7922, "residential", "AS7922"),
        ("172.58.1.1", 21928, "mobile", "AS21928"),
        ("104.28.3.3", 13335, "relay", "AS13335"),
        ("10.1.2.3", None, "private", "10.1.0.0/16"),
        ("198.51.100.1", None, "reserved", "198.51.0.0/16"),
        ("2001:db8:5::1", None, "reserved", "2001:db8::/32"),
        ("64:ff9b::8.8.8.8", 15169, "hosting", "AS15169"),
    ],
)
def test_the_packaged_facts(ip: str, asn: int | None, kind: str, network: str) -> None:
    """Without any settings, well-known addresses are known; special ranges have no ASN."""
    address = PACKAGED.facts(ip)
    assert (address.asn, address.kind, address.network) == (asn, kind, network)


def test_special_ranges_have_no_country() -> None:
    """The packaged table's countries of documentation ranges are not believed."""
    assert PACKAGED.facts("198.51.100.1").country is None


def test_without_the_packaged_table() -> None:
    """Addresses that no source knows still have prefixes, and networks that tell them apart."""
    bare = book(packaged_asn=False)
    one, two = bare.facts("8.8.8.8"), bare.facts("9.9.9.9")
    assert (one.asn, one.kind, one.network) == (None, "unknown", "8.8.0.0/16")
    assert one.network != two.network


def test_files_come_before_the_packaged_table(write: Write, write_mmdb: WriteMmdb) -> None:
    """The first file that knows the ASN gives it, countries and kinds are filled from the next."""
    mmdb = write_mmdb({"8.8.8.0/24": {"asn": "AS64501", "as_name": "First"}})
    table = write(
        "a.tsv", "8.8.8.0\t8.8.8.255\t64502\tDE\tSecond\n8.8.4.0\t8.8.4.255\t64503\tFR\tC\n"
    )
    both = book(asn_files=[mmdb, table])
    first, second, third = both.facts_many(["8.8.8.8", "8.8.4.4", "1.1.1.1"])
    assert (first.asn, first.asn_name, first.country) == (64501, "First", "DE")
    assert (second.asn, second.asn_name, second.country) == (64503, "C", "FR")
    assert third == PACKAGED.facts("1.1.1.1")
    turned = book(asn_files=[table, mmdb]).facts("8.8.8.8")
    assert (turned.asn, turned.asn_name) == (64502, "Second")


def test_a_file_may_know_special_ranges(write: Write) -> None:
    """A range that a file names is what the file says, not reserved; its name gives the kind."""
    named = book(asn_files=[write("a.tsv", TABLE)])
    address = named.facts("203.0.113.5")
    assert (address.asn, address.kind, address.country) == (64500, "hosting", "IS")
    assert address.network == "AS64500"
    assert named.facts("192.0.2.5").kind == "reserved"


def test_kinds_of_files_win_over_packaged_kinds(write_mmdb: WriteMmdb) -> None:
    """A file that calls an address a VPN is believed, though its ASN is packaged as hosting."""
    path = write_mmdb({"8.8.8.0/24": {"is_anonymous_vpn": True}})
    address = book(asn_files=[path]).facts("8.8.8.8")
    assert (address.kind, address.asn) == ("vpn", 15169)


def test_settings_win(write: Write, write_mmdb: WriteMmdb) -> None:
    """Internal networks stand above lists, lists above hosting ASNs, these above files' kinds."""
    mmdb = write_mmdb({"73.0.0.0/8": {"is_anonymous_vpn": True}})
    settings = {
        "asn_files": [mmdb],
        "hosting_asns": [7922],
        "tor_lists": [write("tor", "73.1.0.0/16\n")],
        "vpn_lists": [write("vpn", "73.1.0.0/16\n73.2.0.0/16\n")],
        "internal_networks": ["73.1.2.0/24"],
    }
    asked = ["73.1.2.3", "73.1.3.3", "73.2.0.1", "73.3.0.1"]
    kinds = [address.kind for address in book(**settings).facts_many(asked)]
    assert kinds == ["internal", "tor", "vpn", "hosting"]


def test_lists_with_times(write: Write) -> None:
    """An entry with times holds only then; the rest of the time the address is what it was."""
    dated = book(tor_lists=[write("tor", "73.1.2.3 1000 2000\n73.1.2.4 1000\n")])
    ended, lasting = dated.facts("73.1.2.3"), dated.facts("73.1.2.4")
    assert (ended.kind, ended.listed_kind, ended.listed_from, ended.listed_to) == (
        "residential",
        "tor",
        1000,
        2000,
    )
    assert [ended.kind_at(t) for t in (999, 1000, 1999, 2000)] == [
        "residential",
        "tor",
        "tor",
        "residential",
    ]
    assert lasting.listed_to == FOREVER
    assert dated.facts("73.1.2.3", as_of=1500).kind == "tor"
    assert dated.facts("73.1.2.3", as_of=2500).kind == "residential"


def test_internal_addresses_are_on_no_list(write: Write) -> None:
    """An office that stands on somebody's list stays internal at all times."""
    both = book(tor_lists=[write("t", "73.1.2.3 10 20\n")], internal_networks=["73.1.2.3"])
    assert both.facts("73.1.2.3", as_of=15).kind == "internal"


def test_lists_of_what_is_malicious_or_suspicious(write: Write) -> None:
    """Beside the kind stand the lists that the address or its ASN is on, with their times."""
    listed = book(
        ioc_lists=[write("feed.txt", "73.1.2.3 1000\n8.8.8.8\n")],
        ioc_days=2,
        suspicious_asn_lists=[write("evil.txt", "7922,Bad,2026-01-01\n")],
        vpn_lists=[write("vpn.txt", "73.1.2.3\n")],
        internal_networks=["73.1.2.0/31"],
    )
    both, other, office = listed.facts_many(["73.1.2.3", "8.8.8.8", "73.1.2.1"])
    assert (both.kind, both.listed_name) == ("vpn", "vpn")
    assert (both.ioc_list, both.ioc_from, both.ioc_to) == ("feed", 1000, 1000 + 2 * 86_400)
    assert (both.asn_list, both.asn_from, both.asn_to) == ("evil: Bad", 1_767_225_600, FOREVER)
    assert (other.ioc_list, other.ioc_from, other.ioc_to) == ("feed", 0, FOREVER)
    assert (other.asn_list, office.ioc_list, office.asn_list) == (None, None, None)


def test_which_lists_are_there(write: Write, write_mmdb: WriteMmdb) -> None:
    """A list that holds nothing is none; a file of anonymous networks knows Tor exits."""
    empty, full = write("empty", "# nothing\n"), write("full", "192.0.2.1\n")
    asns = write("asns", "64500\n")
    assert book(tor_lists=[empty], ioc_lists=[full]).lists == {"ioc_lists"}
    named = {"tor_lists": [full], "vpn_lists": [full], "suspicious_asn_lists": [asns]}
    assert book(**named).lists == set(named)
    record = {"192.0.2.0/24": {"is_tor_exit_node": True}}
    anonymous = write_mmdb(record, about="GeoIP2-Anonymous-IP")
    assert book(asn_files=[anonymous]).lists == {"tor_lists"}
    assert book(asn_files=[write_mmdb(record, name="b.mmdb")]).lists == set()


def test_the_version_follows_the_sources(write: Write) -> None:
    """Equal sources give equal versions; other settings and other files give others."""
    assert book().version == PACKAGED.version
    path = write("tor", "192.0.2.1\n")
    versions = {
        book(**settings).version
        for settings in (
            {},
            {"packaged_asn": False},
            {"hosting_asns": [1]},
            {"internal_networks": ["10.0.0.0/8"]},
            {"tor_lists": [path]},
            {"vpn_lists": [path]},
            {"asn_files": [write("a.tsv", TABLE)]},
        )
    }
    assert len(versions) == 7


def test_addresses_are_hashable() -> None:
    """Facts can be keys."""
    assert len({PACKAGED.facts("8.8.8.8"), PACKAGED.facts("::ffff:8.8.8.8")}) == 1
    assert isinstance(PACKAGED.facts("8.8.8.8"), Address)
