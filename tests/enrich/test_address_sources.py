"""MMDB databases and iptoasn tables."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.enrich.address_sources import (
    SILENT,
    Fact,
    asn_number,
    country_code,
    open_source,
)
from gridtrail.enrich.address_text import read_address
from gridtrail.errors import BadSettings

Write = Callable[[str, str], Path]
WriteMmdb = Callable[..., Path]

TABLE = (
    "1.1.1.0\t1.1.1.255\t13335\tUS\tCLOUDFLARENET\n"
    "8.8.8.0\t8.8.8.255\t15169\tUS\tGOOGLE - Google LLC\n"
    "9.0.0.0\t9.0.0.255\t0\tNone\tNot routed\n"
    "2606:4700::\t2606:4700:ffff:ffff:ffff:ffff:ffff:ffff\t13335\tUS\tCLOUDFLARENET\n"
)


def facts(path: Path, *texts: str) -> list[Fact]:
    read = [read_address(text) for text in texts]
    return open_source(path).facts([address for address in read if address is not None])


@pytest.mark.parametrize("packed", [False, True])
def test_iptoasn_tables_plain_and_gzip(tmp_path: Path, packed: bool) -> None:
    """The combined table answers for both versions of IP; not routed is silent."""
    content = TABLE.encode()
    path = tmp_path / "ip2asn-combined.tsv"
    path.write_bytes(gzip.compress(content) if packed else content)
    found = facts(
        path, "1.1.1.1", "8.8.8.8", "9.0.0.1", "2606:4700::1", "::ffff:8.8.8.8", "7.7.7.7"
    )
    google = Fact(15169, "GOOGLE - Google LLC", "US")
    cloudflare = Fact(13335, "CLOUDFLARENET", "US")
    assert found == [cloudflare, google, SILENT, cloudflare, google, SILENT]


def test_iptoasn_tables_of_numbers(write: Write) -> None:
    """Addresses written as numbers are read too."""
    path = write("ip2asn-v4-u32.tsv", "134744064\t134744319\t15169\tUS\tGOOGLE\n")
    assert facts(path, "8.8.8.8") == [Fact(15169, "GOOGLE", "US")]


@pytest.mark.parametrize(
    "line",
    [
        "1.1.1.0,1.1.1.255,13335",
        "1.1.1.0\t1.1.1.255\tx",
        "1.1.1.9\t1.1.1.0\t5",
        "1.1.1.0\t::1\t5",
        "x\t1.1.1.0\t5",
    ],
)
def test_a_wrong_line_is_named(write: Write, line: str) -> None:
    """A line that is no range stops with its number."""
    with pytest.raises(BadSettings, match=r"t\.tsv:5 is not"):
        open_source(write("t.tsv", TABLE + line + "\n"))


@pytest.mark.parametrize(
    "content", [b"\x1f\x8bbroken", b"\xff\xfe\xff", b"\xab\xcd\xefMaxMind.com"]
)
def test_broken_files_name_the_setting(tmp_path: Path, content: bytes) -> None:
    """A file that cannot be read says which setting to correct."""
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(BadSettings, match=r"enrich\.asn_files"):
        open_source(path)
    with pytest.raises(BadSettings, match=r"enrich\.asn_files"):
        open_source(tmp_path / "missing")


@pytest.mark.parametrize(
    ("record", "fact"),
    [
        (
            {"autonomous_system_number": 15169, "autonomous_system_organization": "GOOGLE"},
            Fact(15169, "GOOGLE"),
        ),
        (
            {"country": {"iso_code": "DE"}, "registered_country": {"iso_code": "US"}},
            Fact(country="DE"),
        ),
        ({"registered_country": {"iso_code": "US"}}, Fact(country="US")),
        (
            {"asn": "AS15169", "as_name": "Google LLC", "country": "United States"}
            | {"country_code": "US", "as_domain": "google.com"},
            Fact(15169, "Google LLC", "US"),
        ),
        (
            {"country": "US", "asn": "AS1", "as_name": "A", "as_type": "hosting"},
            Fact(1, "A", "US", "hosting"),
        ),
        ({"asn": {"asn": "AS7", "name": "B", "type": "isp"}}, Fact(7, "B", None, "residential")),
        (
            {"is_anonymous": True, "is_tor_exit_node": True, "is_anonymous_vpn": True},
            Fact(kind="tor"),
        ),
        ({"is_hosting_provider": True}, Fact(kind="hosting")),
        ({"privacy": {"vpn": True, "relay": False}}, Fact(kind="vpn")),
        ({"hosting": "true", "vpn": ""}, Fact(kind="hosting")),
        (
            {"traits": {"user_type": "cellular", "isp": "C", "autonomous_system_number": 9}},
            Fact(9, "C", None, "mobile"),
        ),
        ({"connection_type": "Cellular"}, Fact(kind="mobile")),
        ({"name": "no \u202enumber\n"}, Fact(None, "no number")),
        ({"something": ["else"]}, SILENT),
    ],
)
def test_records_of_all_vendors(
    write_mmdb: WriteMmdb, record: Mapping[str, object], fact: Fact
) -> None:
    """MaxMind's, IPinfo's and DB-IP's field names give the same facts."""
    path = write_mmdb({"8.8.8.0/24": record})
    assert facts(path, "8.8.8.8", "8.8.9.8") == [fact, SILENT]


def test_mmdb_of_both_versions(write_mmdb: WriteMmdb) -> None:
    """One database answers for IPv4, IPv6 and IPv4 inside IPv6, the narrowest range first."""
    path = write_mmdb({"8.0.0.0/8": {"asn": 1}, "8.8.8.0/24": {"asn": 2}, "2a00::/16": {"asn": 3}})
    found = facts(
        path, "8.8.8.8", "8.9.9.9", "2a00::1", "2002:808:808::", "::ffff:8.8.8.8", "2b00::1"
    )
    assert [fact.asn for fact in found] == [2, 1, 3, 2, 2, None]


def test_mmdb_of_ipv4_only(write_mmdb: WriteMmdb) -> None:
    """A database without IPv6 is silent on IPv6 addresses."""
    path = write_mmdb({"8.8.8.0/24": {"asn": 2}}, ip_version=4)
    assert [fact.asn for fact in facts(path, "8.8.8.8", "2a00::1")] == [2, None]


@given(st.one_of(st.none(), st.integers(), st.text(max_size=20), st.booleans(), st.floats()))
def test_odd_values_are_no_asn_and_no_country(value: object) -> None:
    """Whatever stands in a field, a number is an ASN only in its range, a text only two letters."""
    asn = asn_number(value)
    assert asn is None or 0 < asn < 1 << 32
    country = country_code(value)
    assert country is None or (country.isascii() and country.isupper() and len(country) == 2)


def test_asn_spellings() -> None:
    """Numbers, digits and AS names are the same ASN."""
    assert {asn_number(v) for v in (15169, "15169", "AS15169", "as15169 Google LLC")} == {15169}
    assert [asn_number(v) for v in (0, -1, 1 << 32, True, "AS", "ASN 5", "²")] == [None] * 7
