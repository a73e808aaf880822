"""Addresses as text and as numbers.

Addresses come from strangers: brackets, ports, zone ids, white space and garbage are expected.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_network

from gridtrail.enrich.ranges import RangeTable, range_table

LONGEST = 128
"""Characters of an address that are read; the longest real one has fewer than 64."""


@dataclass(frozen=True, slots=True)
class ReadAddress:
    """An address that could be read.

    `text` is its canonical form of IP version `version`; an IPv4-mapped address is the IPv4 one.
    `number` of version `inner` is the address to look facts up by: the one inside a 6to4, NAT64 or
    Teredo address, otherwise the address itself.
    """

    text: str
    version: int
    inner: int
    number: int


def read_address(text: str) -> ReadAddress | None:
    """An address out of `text` (any text), None when there is none in it. Never raises.

    Read are `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`, `fe80::1%eth0`, with
    white space around them. Host names and CIDR ranges are no addresses.
    """
    bare = text[:LONGEST].strip()
    if not bare.isascii() or "\0" in bare:
        return None
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare, _, port = bare.partition(":")
        if not port.isdigit():
            return None
    if ":" in bare:
        return _read6(bare.partition("%")[0])
    packed = _packed(socket.AF_INET, bare)
    return None if packed is None else ReadAddress(bare, 4, 4, int.from_bytes(packed, "big"))


def _packed(family: int, text: str) -> bytes | None:
    try:
        return socket.inet_pton(family, text)
    except OSError:
        return None


def _read6(text: str) -> ReadAddress | None:
    packed = _packed(socket.AF_INET6, text)
    if packed is None:
        return None
    if packed.startswith(b"\0" * 10 + b"\xff\xff"):
        four = packed[12:]
        return ReadAddress(
            socket.inet_ntop(socket.AF_INET, four), 4, 4, int.from_bytes(four, "big")
        )
    canonical = socket.inet_ntop(socket.AF_INET6, packed)
    inside = _inside(packed)
    if inside is not None:
        return ReadAddress(canonical, 6, 4, int.from_bytes(inside, "big"))
    return ReadAddress(canonical, 6, 6, int.from_bytes(packed, "big"))


def _inside(packed: bytes) -> bytes | None:
    """The IPv4 address that an IPv6 one carries (RFC 3056, 6052, 4380), None for most."""
    if packed.startswith(b"\x20\x02"):
        return packed[2:6]
    if packed.startswith(b"\x00\x64\xff\x9b" + b"\0" * 8):
        return packed[12:]
    if packed.startswith(b"\x20\x01\0\0"):
        return bytes(byte ^ 0xFF for byte in packed[12:])
    return None


def prefixes(version: int, number: int) -> tuple[str, str]:
    """The narrow and the wide prefix of an address as CIDR text: /24 and /16 of IPv4, /48 and /32
    of IPv6."""
    if version == 4:
        a, b, c = number >> 24, number >> 16 & 255, number >> 8 & 255
        return f"{a}.{b}.{c}.0/24", f"{a}.{b}.0.0/16"
    return _prefix6(number, 48), _prefix6(number, 32)


def _prefix6(number: int, bits: int) -> str:
    kept = number >> (128 - bits) << (128 - bits)
    return f"{socket.inet_ntop(socket.AF_INET6, kept.to_bytes(16, 'big'))}/{bits}"


def read_network(text: str) -> tuple[int, int, int] | None:
    """IP version, first and last address of a CIDR range or single address; None if it is none."""
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    return network.version, int(network.network_address), int(network.broadcast_address)


SPECIAL_KINDS = ("private", "reserved")

_SPECIAL = {
    "private": (
        "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 "
        "::1/128 fc00::/7 fe80::/10"
    ),
    "reserved": (
        "0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 "
        "203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 ::/128 64:ff9b:1::/48 100::/64 2001:2::/48 "
        "2001:10::/28 2001:20::/28 2001:db8::/32 3fff::/20 5f00::/16 fec0::/10 ff00::/8"
    ),
}
"""Ranges that are nobody's on the public Internet (IANA special-purpose address registries)."""


@cache
def special_ranges() -> RangeTable:
    """The special-purpose ranges; the answer is an index of SPECIAL_KINDS."""
    ranges = []
    for answer, kind in enumerate(SPECIAL_KINDS):
        for cidr in _SPECIAL[kind].split():
            network = ip_network(cidr)
            first, last = int(network.network_address), int(network.broadcast_address)
            ranges.append((network.version, first, last, answer))
    return range_table(ranges)
