"""Addresses as text."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.enrich.address_text import (
    SPECIAL_KINDS,
    prefixes,
    read_address,
    read_network,
    special_ranges,
)

PIECES = ["1.2.3.4", "::1", "[", "]", ":443", "%eth0", " ", "fe80::1", "/24", "\x00", "é", ":", "."]
hostile = st.one_of(
    st.text(st.characters(codec=None), max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
)


@given(hostile)
def test_any_text_is_an_address_or_none(text: str) -> None:
    """Whatever comes in, nothing is raised, and what is read reads the same again."""
    read = read_address(text)
    if read is not None:
        assert ip_address(read.text).version == read.version
        assert read_address(read.text) == read


@given(st.ip_addresses())
def test_real_addresses_are_read_in_all_their_dresses(address: IPv4Address | IPv6Address) -> None:
    """White space, brackets, ports and zones do not change what is read."""
    plain = read_address(str(address))
    assert plain is not None
    dresses = [f"  {address}\n", str(address).upper(), f"[{address}]", f"[{address}]:443"]
    if address.version == 4:
        assert (plain.version, plain.number) == (4, int(address))
        dresses.append(f"{address}:65535")
        dresses.append(f"::ffff:{address}")
    else:
        dresses += [address.exploded, f"{address}%eth0", f"[{address}%1]:443"]
    for dress in dresses:
        assert read_address(dress) == plain, dress


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.4/24",
        "1.2.3.4:x",
        "::g",
        ":::",
        "[::1",
        "1.2.3.4\x00",
        "１.2.3.4",
        "1" * 5000,
        "0x7f.1",
        "16909060",
    ],
)
def test_other_texts_are_no_addresses(text: str) -> None:
    """Names, ranges, shortened and non-ASCII numbers are refused; an open bracket is forgiven."""
    assert (read_address(text) is None) == (text != "[::1")


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("2002:0808:0808::1", "8.8.8.8"),
        ("64:ff9b::8.8.8.8", "8.8.8.8"),
        ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", "8.8.8.8"),
    ],
)
def test_addresses_inside_addresses(text: str, inside: str) -> None:
    """6to4, NAT64 and Teredo addresses keep their text, their facts are of the IPv4 one."""
    read = read_address(text)
    assert read is not None
    assert (read.version, read.inner) == (6, 4)
    assert read.number == int(IPv4Address(inside))


def test_mapped_addresses_are_ipv4() -> None:
    """::ffff:8.8.8.8 is 8.8.8.8."""
    assert read_address("::FFFF:808:808") == read_address("8.8.8.8")


@given(st.ip_addresses())
def test_prefixes_hold_the_address(address: IPv4Address | IPv6Address) -> None:
    """Both prefixes are CIDR ranges around the address, of the promised lengths."""
    narrow, wide = (ip_network(text) for text in prefixes(address.version, int(address)))
    assert address in narrow
    assert address in wide
    assert (narrow.prefixlen, wide.prefixlen) == ((24, 16) if address.version == 4 else (48, 32))


def test_networks_are_read() -> None:
    """A range, a single address and host bits are fine; anything else is None."""
    assert read_network("10.0.0.0/8") == (4, 10 << 24, (11 << 24) - 1)
    assert read_network("10.0.0.5/8") == (4, 10 << 24, (11 << 24) - 1)
    assert read_network(" ::1 ") == (6, 1, 1)
    assert read_network("10.0.0.0/33") is None
    assert read_network("AS15169") is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("10.255.255.255", "private"),
        ("100.64.0.1", "private"),
        ("127.0.0.1", "private"),
        ("fd00::1", "private"),
        ("fe80::1", "private"),
        ("192.0.2.1", "reserved"),
        ("203.0.113.255", "reserved"),
        ("2001:db8::1", "reserved"),
        ("224.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "reserved"),
        ("11.0.0.0", None),
        ("203.0.114.0", None),
        ("2606:4700::1", None),
    ],
)
def test_special_ranges(text: str, kind: str | None) -> None:
    """Private and reserved ranges are known to their last address."""
    read = read_address(text)
    assert read is not None
    answer = int(special_ranges().find(read.inner, [read.number])[0])
    assert (SPECIAL_KINDS[answer] if answer >= 0 else None) == kind
