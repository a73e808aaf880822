"""The packaged facts put together: the table of ranges, providers, and kinds of networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from gridtrail.enrich.address_sources import SILENT, Fact
from gridtrail.enrich.address_text import ReadAddress, read_network
from gridtrail.enrich.packaged import packaged_table
from gridtrail.enrich.providers import kind_by_name, providers
from gridtrail.enrich.ranges import NOTHING, RangeTable, range_table


@cache
def _standing_for() -> dict[int, int]:
    """Smallest ASN of an organization's name -> the ASN that stands for its provider."""
    table, siblings = packaged_table(), providers().siblings
    found: dict[int, int] = {}
    for asn, chief in siblings.items():
        index = table.index_of.get(asn)
        if index is not None:
            found.setdefault(int(table.networks[index]), chief)
    return found


@cache
def network_of(asn: int) -> int:
    """The ASN that stands for the provider of `asn`: that of its siblings, else the smallest one
    whose organization has the same name, else itself."""
    chief = providers().siblings.get(asn)
    if chief is not None:
        return chief
    index = packaged_table().index_of.get(asn)
    same_name = asn if index is None else int(packaged_table().networks[index])
    return _standing_for().get(same_name, same_name)


@cache
def provider_kind(asn: int, name: str) -> str:
    """The kind of a network: of its ASN, else of its provider's, else what `name` gives away, else
    `unknown`."""
    kinds = providers().kinds
    known = kinds.get(asn) or kinds.get(network_of(asn))
    return known or kind_by_name(name) or "unknown"


@cache
def _known_ranges() -> tuple[RangeTable, list[str]]:
    """The ranges of known kind inside other networks, and the kinds its answers are indexes of."""
    kinds = list(providers().ranges)
    networks = [
        (network, answer)
        for answer, kind in enumerate(kinds)
        for cidr in providers().ranges[kind]
        if (network := read_network(cidr)) is not None
    ]
    return range_table((*network, answer) for network, answer in networks), kinds


class PackagedSource:
    """The packaged table as a source of facts; the kind is given only for ranges of relays."""

    knows_tor = False

    def __init__(self) -> None:
        self._table = packaged_table()
        self._ranges, self._range_kinds = _known_ranges()
        self.digest = self._table.digest
        self._named: dict[int, tuple[int, str]] = {}

    def facts(self, addresses: Sequence[ReadAddress]) -> list[Fact]:
        """A fact for each address, SILENT where nothing is known."""
        found = [SILENT] * len(addresses)
        for version in (4, 6):
            places = [at for at, address in enumerate(addresses) if address.inner == version]
            numbers = [addresses[at].number for at in places]
            asns = self._table.asns.find(version, numbers).tolist()
            countries = self._table.countries.find(version, numbers).tolist()
            kinds = self._ranges.find(version, numbers).tolist()
            for at, asn, country, kind in zip(places, asns, countries, kinds, strict=True):
                found[at] = self._fact(asn, country, kind)
        return found

    def _fact(self, asn: int, country: int, kind: int) -> Fact:
        number, name = self._asn(asn) if asn != NOTHING else (None, "")
        where = self._table.country[country] if country != NOTHING else None
        return Fact(number, name, where, self._range_kinds[kind] if kind != NOTHING else None)

    def _asn(self, index: int) -> tuple[int, str]:
        if index not in self._named:
            self._named[index] = (int(self._table.asn[index]), self._table.name(index))
        return self._named[index]
