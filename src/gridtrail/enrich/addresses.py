"""What an address is: whose network, which country, which kind.

Sources, strongest first:

1. `enrich.internal_networks`: kind `internal`.
2. The lists `enrich.tor_lists`, `vpn_lists`, `relay_lists`, `hosting_lists`.
3. `enrich.hosting_asns`: kind `hosting`.
4. `enrich.asn_files` in their order; the first that knows the ASN, the country or the kind gives
   it.
5. Special-purpose ranges (private, documentation, …) that no file knows: `private` or `reserved`,
   and nothing else is said of them.
6. The packaged facts: ranges of relays, the table of ASNs and countries, kinds of known ASNs and of
   their providers, and last what the organization's name gives away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from gridtrail.enrich.address_lists import ALWAYS, FOREVER, AddressList, Validity
from gridtrail.enrich.address_sources import SILENT, AddressSource, Fact, open_source
from gridtrail.enrich.address_text import (
    SPECIAL_KINDS,
    ReadAddress,
    prefixes,
    read_address,
    special_ranges,
)
from gridtrail.enrich.asn_lists import AsnList
from gridtrail.enrich.networks import PackagedSource, network_of, provider_kind
from gridtrail.enrich.providers import providers
from gridtrail.enrich.ranges import NOTHING
from gridtrail.settings import EnrichSettings

ALGORITHM = 2
"""Raise when the same sources give other facts than before: dimension rows are then recomputed."""

KINDS = (
    "hosting", "vpn", "tor", "mobile", "relay", "residential", "business", "internal", "private",
    "reserved", "unknown",
)  # fmt: skip
LISTED_KINDS = ("tor", "vpn", "relay", "hosting")
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Address:
    """Everything known of an address; texts are "" and numbers None where nothing is.

    `prefix` is the /24 of IPv4 and the /48 of IPv6, `wide_prefix` the /16 and /32. `network` is
    what a person does not leave without going somewhere else: `AS<number>` of the provider, or the
    wide prefix where no ASN is known. `kind` holds whatever the time; `listed_kind` only for events
    in [`listed_from`, `listed_to`) (epoch seconds), when the address stood on a list with times.
    `listed_name` is the name of the list that gave the one or the other.

    `ioc_list` and `asn_list` name the list of malicious addresses and the one of suspicious ASNs
    that the address is on, each with its times.
    """

    ip: str
    version: int
    valid: bool
    prefix: str
    wide_prefix: str
    asn: int | None
    asn_name: str
    country: str | None
    kind: str
    network: str
    listed_kind: str | None = None
    listed_from: int = 0
    listed_to: int = 0
    listed_name: str | None = None
    ioc_list: str | None = None
    ioc_from: int = 0
    ioc_to: int = 0
    asn_list: str | None = None
    asn_from: int = 0
    asn_to: int = 0

    def kind_at(self, seconds: int) -> str:
        """The kind at that time (epoch seconds)."""
        if self.listed_kind is not None and self.listed_from <= seconds < self.listed_to:
            return self.listed_kind
        return self.kind


UNREADABLE = Address("", 0, False, "", "", None, "", None, "unknown", "")
"""What an absent address, and any text that is none, is."""


class AddressBook:
    """All sources of one installation, opened. Raises BadSettings for what cannot be read."""

    def __init__(self, settings: EnrichSettings) -> None:
        self._sources: list[AddressSource] = [open_source(path) for path in settings.asn_files]
        self._packaged = PackagedSource() if settings.packaged_asn else None
        self._hosting = frozenset(settings.hosting_asns)
        self._internal = AddressList("internal", [], settings.internal_networks)
        named = {
            "tor": settings.tor_lists,
            "vpn": settings.vpn_lists,
            "relay": settings.relay_lists,
            "hosting": settings.hosting_lists,
        }
        lists = [AddressList(kind, named[kind]) for kind in LISTED_KINDS]
        self._lists = [entries for entries in lists if len(entries)]
        lifetime = settings.ioc_days * DAY_SECONDS
        self._ioc = AddressList("ioc", settings.ioc_lists, lifetime=lifetime)
        self._asns = AsnList(settings.suspicious_asn_lists)
        self.version = self._version()

    @property
    def lists(self) -> frozenset[str]:
        """Settings of lists that hold something; `tor_lists` also where an address file is one of
        anonymous networks. A detector without its list is blind."""
        tor = any(source.knows_tor for source in self._sources)
        named = {f"{entries.kind}_lists" for entries in self._lists}
        named |= {"ioc_lists"} if len(self._ioc) else set()
        named |= {"suspicious_asn_lists"} if len(self._asns) else set()
        return frozenset(named | ({"tor_lists"} if tor else set()))

    def _version(self) -> str:
        """Hex digest that changes whenever the answers may."""
        parts = [str(ALGORITHM), providers().digest, repr(sorted(self._hosting))]
        parts += [source.digest for source in self._sources]
        parts += [f"{e.kind} {e.digest}" for e in (self._internal, *self._lists)]
        parts += [self._ioc.digest, self._asns.digest]
        parts.append(self._packaged.digest if self._packaged else "")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def facts(self, ip: str | None, as_of: int | None = None) -> Address:
        """The facts of one address (any text). With `as_of` (epoch seconds) `kind` is the kind at
        that time."""
        address = self.facts_many([ip])[0]
        return address if as_of is None else replace(address, kind=address.kind_at(as_of))

    def facts_many(self, ips: Sequence[str | None]) -> list[Address]:
        """The facts of many addresses (any texts), in their order."""
        read = [read_address(ip) if ip else None for ip in ips]
        known = [address for address in read if address is not None]
        made = iter(self._known(known))
        return [UNREADABLE if address is None else next(made) for address in read]

    def _known(self, addresses: list[ReadAddress]) -> list[Address]:
        special = _special(addresses)
        facts = self._merged(addresses, special)
        internal = self._internal.validity(addresses)
        listed = [(entries.kind, entries.validity(addresses)) for entries in self._lists]
        malicious = self._ioc.validity(addresses)
        made = []
        for at, address in enumerate(addresses):
            if internal[at] is not None:
                made.append(_address(address, facts[at], "internal", {}))
                continue
            entries = [(k, found[at]) for k, found in listed] if listed else ()
            kind = _timeless(entries) or self._kind(facts[at], special[at])
            lists = _timed(entries)
            lists |= _stood("ioc", malicious[at])
            lists |= _stood("asn", self._asns.validity(facts[at].asn))
            made.append(_address(address, facts[at], kind, lists))
        return made

    def _merged(self, addresses: list[ReadAddress], special: Sequence[str | None]) -> list[Fact]:
        """The facts of the files, and of the packaged table where they are silent."""
        merged = [SILENT] * len(addresses)
        for source in self._sources:
            merged = [_filled(a, b) for a, b in zip(merged, source.facts(addresses), strict=True)]
        if self._packaged is None:
            return merged
        packaged = self._packaged.facts(addresses)
        return [
            fact if kind is not None else _filled(fact, last)
            for fact, last, kind in zip(merged, packaged, special, strict=True)
        ]

    def _kind(self, fact: Fact, special: str | None) -> str:
        if fact.asn in self._hosting:
            return "hosting"
        if fact.kind is not None:
            return fact.kind
        if special is not None and fact.asn is None:
            return special
        return "unknown" if fact.asn is None else provider_kind(fact.asn, fact.asn_name)


def _filled(fact: Fact, other: Fact) -> Fact:
    """`fact` with what it does not say taken from `other`; ASN and name belong together."""
    if other is SILENT:
        return fact
    if fact is SILENT:
        return other
    named = fact if fact.asn is not None else other
    return Fact(named.asn, named.asn_name, fact.country or other.country, fact.kind or other.kind)


def _special(addresses: Sequence[ReadAddress]) -> list[str | None]:
    kinds: list[str | None] = [None] * len(addresses)
    for version in (4, 6):
        places = [at for at, address in enumerate(addresses) if address.inner == version]
        answers = special_ranges().find(version, [addresses[at].number for at in places]).tolist()
        for at, answer in zip(places, answers, strict=True):
            if answer != NOTHING:
                kinds[at] = SPECIAL_KINDS[answer]
    return kinds


_Entries = Sequence[tuple[str, Validity | None]]


def _timeless(entries: _Entries) -> str | None:
    for kind, entry in entries:
        if entry is not None and entry.timeless:
            return kind
    return None


def _timed(entries: _Entries) -> dict[str, Any]:
    """The fields on the strongest list with times, else the name of the strongest one without."""
    found = [(kind, entry) for kind, entry in entries if entry is not None]
    for kind, entry in found:
        if not entry.timeless:
            times = {"listed_from": max(entry.start, ALWAYS), "listed_to": min(entry.end, FOREVER)}
            return {"listed_kind": kind, "listed_name": entry.source, **times}
    return {"listed_name": found[0][1].source} if found else {}


def _stood(what: str, entry: Validity | None) -> dict[str, Any]:
    if entry is None:
        return {}
    start, end = max(entry.start, ALWAYS), min(entry.end, FOREVER)
    return {f"{what}_list": entry.source, f"{what}_from": start, f"{what}_to": end}


def _address(address: ReadAddress, fact: Fact, kind: str, lists: Mapping[str, Any]) -> Address:
    narrow, wide = prefixes(address.inner, address.number)
    return Address(
        address.text,
        address.version,
        True,
        narrow,
        wide,
        fact.asn,
        fact.asn_name,
        fact.country,
        kind,
        wide if fact.asn is None else _network(fact.asn),
        **lists,
    )


@cache
def _network(asn: int) -> str:
    return f"AS{network_of(asn)}"
