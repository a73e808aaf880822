"""The address space of the simulated world: who holds which block, and what kind of network it is.

Blocks are ordinary unicast space (so that nothing treats them as special), autonomous system
numbers are from the private range; both mean what `network/asn.tsv` says and nothing else.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from gridtrail.sandbox.chance import mix
from gridtrail.sandbox.clock import HOUR, Zone

Kind = Literal["office", "home", "mobile", "hosting", "vpn", "hotel", "relay", "partner", "tor"]


@dataclass(frozen=True, slots=True)
class Region:
    """A place where people live: city as Slack would print it, country code, time zone."""

    key: str
    city: str
    country: str
    zone: Zone


REGIONS: dict[str, Region] = {
    region.key: region
    for region in (
        Region("chicago", "Chicago, Illinois", "US", Zone(-6 * HOUR, "us")),
        Region("denver", "Denver, Colorado", "US", Zone(-7 * HOUR, "us")),
        Region("boston", "Boston, Massachusetts", "US", Zone(-5 * HOUR, "us")),
        Region("saopaulo", "São Paulo, BR", "BR", Zone(-3 * HOUR)),
        Region("lisbon", "Lisbon, PT", "PT", Zone(0, "eu")),
        Region("leeds", "Leeds, GB", "GB", Zone(0, "eu")),
        Region("leipzig", "Leipzig, DE", "DE", Zone(HOUR, "eu")),
        Region("krakow", "Kraków, PL", "PL", Zone(HOUR, "eu")),
        Region("pune", "Pune, IN", "IN", Zone(5 * HOUR + 1800)),
        Region("cebu", "Cebu City, PH", "PH", Zone(8 * HOUR)),
        Region("osaka", "Osaka, JP", "JP", Zone(9 * HOUR)),
        Region("brisbane", "Brisbane, AU", "AU", Zone(10 * HOUR)),
    )
}

HOSTERS = (
    ("Nimbusforge Cloud", "US"),
    ("Kettle Compute", "US"),
    ("Bergheim Rechenzentrum", "DE"),
    ("Polder Servers", "NL"),
    ("Tallgrass VPS", "CA"),
    ("Lionrock Hosting", "SG"),
    ("Stepnoy Dedicated", "MD"),
)
"""Hosting companies; the corporate VPN stands at the first, the new one at the second."""

ISP_WORDS = ("Cable", "Fibre", "Telecom")
CARRIER_WORDS = ("Mobile", "Wireless")


@dataclass(frozen=True, slots=True)
class Network:
    """A block of one holder; `first` and `size` in addresses, `six` the first IPv6 /32 or None."""

    key: str
    asn: int
    country: str
    name: str
    kind: Kind
    first: int
    size: int
    six: int | None = None

    def v4(self, number: int) -> str:
        """The address at place `number` (taken modulo the block's size, avoiding .0 and .255)."""
        value = self.first + number % self.size
        last = value & 255
        if last in (0, 255):
            value ^= 2
        return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"

    def v6(self, site: int, host: int) -> str:
        """The IPv6 address of `host` (64 bits) in the /64 of `site` (32 bits)."""
        if self.six is None:
            raise ValueError(f"{self.key} has no IPv6")
        value = self.six << 96 | (site & 0xFFFFFFFF) << 64 | host & (1 << 64) - 1
        return str(ipaddress.IPv6Address(value))


class Atlas:
    """Every network of the world; the same for every seed."""

    def __init__(self) -> None:
        self.networks: dict[str, Network] = {}
        self._next_asn = 4_200_000_100
        self._next_v4 = int(ipaddress.IPv4Address("24.0.0.0"))
        self._next_v6 = 0x2A0B_1000
        self._asns: dict[str, int] = {}
        for region in REGIONS.values():
            self._add_region(region)
        for number, (name, country) in enumerate(HOSTERS):
            self.add(f"hosting{number}", name, country, "hosting", bits=14, six=True)
        self.add("vpn_old", HOSTERS[0][0], HOSTERS[0][1], "vpn", bits=24)
        self.add("vpn_new", HOSTERS[1][0], HOSTERS[1][1], "vpn", bits=24)
        self.add("vpn_public0", "Burrow Privacy VPN", "SE", "vpn", bits=20)
        self.add("vpn_public1", "Cloakwise VPN", "CH", "vpn", bits=20)
        self.add("relay", "Veilway Relay", "US", "relay", bits=18, six=True)
        self.add("tor0", "Onionshed Foundation", "NL", "tor", bits=24)
        self.add("tor1", HOSTERS[6][0], HOSTERS[6][1], "tor", bits=25)
        self.add("slack", "Chatworks Cloud", "US", "hosting", bits=20)
        self.add("conference", "Grand Marquee Hotels", "ES", "hotel", bits=28)

    def _add_region(self, region: Region) -> None:
        place = region.key.capitalize()
        for number, word in enumerate(ISP_WORDS):
            self.add(
                f"home_{region.key}{number}", f"{place} {word}", region.country, "home",
                bits=14, six=number != 1,
            )  # fmt: skip
        for number, word in enumerate(CARRIER_WORDS):
            self.add(
                f"mobile_{region.key}{number}", f"{place} {word}", region.country, "mobile",
                bits=16, six=number == 0,
            )  # fmt: skip
        self.add(
            f"hotel_{region.key}", f"{place} Hospitality Net", region.country, "hotel", bits=21
        )
        line = f"{place} Business Line"
        self.add(f"office_{region.key}", line, region.country, "office", bits=27, six=True)
        campus = f"{place} Campus Net"
        self.add(f"partner_{region.key}", campus, region.country, "partner", bits=23)

    def add(
        self, key: str, name: str, country: str, kind: Kind, *, bits: int, six: bool = False
    ) -> Network:
        """Allot the next free block of prefix length `bits`; one holder keeps one number."""
        asn = self._asns.setdefault(name, self._next_asn)
        if asn == self._next_asn:
            self._next_asn += 7
        size = 1 << (32 - bits)
        first = -(-self._next_v4 // max(size, 256)) * max(size, 256)
        while not ipaddress.IPv4Network((first, bits)).is_global:
            first += max(size, 256)
        self._next_v4 = first + size
        prefix = None
        if six:
            prefix = self._next_v6
            self._next_v6 += 8
        network = Network(key, asn, country, name, kind, first, size, prefix)
        self.networks[key] = network
        return network

    def __getitem__(self, key: str) -> Network:
        return self.networks[key]

    def of_kind(self, kind: Kind) -> list[Network]:
        """The networks of one kind, in the order they were added."""
        return [network for network in self.networks.values() if network.kind == kind]

    def tsv(self) -> Iterator[str]:
        """Lines of an iptoasn table: first, last, number, country, holder (tab separated)."""
        four = sorted(self.networks.values(), key=lambda network: network.first)
        for network in four:
            first = ipaddress.IPv4Address(network.first)
            last = ipaddress.IPv4Address(network.first + network.size - 1)
            yield f"{first}\t{last}\t{network.asn}\t{network.country}\t{network.name}"
        for network in self.networks.values():
            if network.six is not None:
                block = ipaddress.IPv6Network((network.six << 96, 32))
                yield f"{block[0]}\t{block[-1]}\t{network.asn}\t{network.country}\t{network.name}"

    def tor_exits(self) -> list[str]:
        """The exit addresses of the Tor-like network, sorted by block."""
        exits = []
        for network in self.of_kind("tor"):
            exits += [network.v4(number) for number in range(3, 120, 4)]
        return exits

    @staticmethod
    def cidrs_of(network: Network) -> list[str]:
        """The IPv4 block of `network` and its IPv6 block, if it has one, in CIDR notation."""
        bits = 33 - network.size.bit_length()
        blocks = [str(ipaddress.IPv4Network((network.first, bits)))]
        if network.six is not None:
            blocks.append(str(ipaddress.IPv6Network((network.six << 96, 32))))
        return blocks

    def cidrs(self, kinds: tuple[Kind, ...]) -> list[str]:
        """The IPv4 and IPv6 blocks of these kinds in CIDR notation."""
        return [
            block
            for network in self.networks.values()
            if network.kind in kinds
            for block in self.cidrs_of(network)
        ]


def carrier_address(network: Network, owner: int, second: int, *, six: bool) -> str:
    """A phone's address behind a carrier's NAT: its /24 changes every day and a half, the host
    every two hours; with `six`, a /64 that changes daily."""
    if six and network.six is not None:
        site = mix(owner, second // 86_400, 6)
        return network.v6(site, mix(owner, second // 86_400, 7))
    pool = mix(owner, second // 129_600, 24) % 24  # a carrier serves one area from few pools
    area = mix(network.asn, owner % 5) % (network.size >> 8)
    block = (area + pool * 3) % (network.size >> 8)
    return network.v4((block << 8) + 1 + mix(owner, second // 7_200) % 253)
