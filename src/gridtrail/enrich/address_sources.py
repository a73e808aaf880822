"""Files that say what an address is: MMDB databases and iptoasn tables.

Whatever the file, an address gets a Fact. Field names are those of MaxMind (GeoLite2 and GeoIP2),
IPinfo, DB-IP and the ip-location-db builds.
"""

from __future__ import annotations

import gzip
import hashlib
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import maxminddb

from gridtrail.enrich.address_text import ReadAddress, read_address
from gridtrail.enrich.agent_text import cleaned
from gridtrail.enrich.ranges import NOTHING, Range, range_table
from gridtrail.errors import BadSettings

MMDB_MARK = b"\xab\xcd\xefMaxMind.com"


@dataclass(frozen=True, slots=True)
class Fact:
    """What one source says of an address; None and "" where it says nothing."""

    asn: int | None = None
    asn_name: str = ""
    country: str | None = None
    kind: str | None = None


SILENT = Fact()


class AddressSource(Protocol):
    """Something that knows addresses; `digest` changes with what it says."""

    digest: str
    knows_tor: bool

    def facts(self, addresses: Sequence[ReadAddress]) -> list[Fact]:
        """A fact for each address, SILENT where nothing is known."""
        ...


def open_source(path: Path) -> AddressSource:
    """The reader for a file: MMDB by its mark, otherwise an iptoasn table, plain or gzip.

    Raises BadSettings when the file cannot be read.
    """
    try:
        content = path.read_bytes()
        if MMDB_MARK in content[-131_072:]:
            return MmdbSource(path, content)
        if content[:2] == b"\x1f\x8b":
            return TableSource(path, gzip.decompress(content))
        return TableSource(path, content)
    except (OSError, EOFError, UnicodeDecodeError, maxminddb.InvalidDatabaseError) as error:
        raise BadSettings(
            f"The address file {path} cannot be read ({error}): correct enrich.asn_files."
        ) from error


_ANONYMITY = ("anonymous", "privacy", "proxy", "vpn")


class MmdbSource:
    """A database in MaxMind's format, held in memory."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.digest = hashlib.sha256(content).hexdigest()
        # by path: the extension in C, which is many times faster, reads no open files
        self._reader = maxminddb.open_database(path)
        named = self._reader.metadata().database_type.lower()
        self.knows_tor = any(word in named for word in _ANONYMITY)
        self._versions = (4, 6) if self._reader.metadata().ip_version == 6 else (4,)

    def facts(self, addresses: Sequence[ReadAddress]) -> list[Fact]:
        return [self._fact(address) for address in addresses]

    def _fact(self, address: ReadAddress) -> Fact:
        if address.inner not in self._versions:
            return SILENT
        text = address.text if address.inner == address.version else _dotted(address.number)
        record = self._reader.get(text)
        return _of_record(record) if isinstance(record, Mapping) else SILENT


def _dotted(number: int) -> str:
    return ".".join(str(byte) for byte in number.to_bytes(4, "big"))


class TableSource:
    """An iptoasn table: lines of first, last, ASN, country, name with tabs between them.

    Addresses may be text or numbers; ASN 0 means not routed, `None` and `-` that nothing is known.
    """

    knows_tor = False

    def __init__(self, path: Path, content: bytes) -> None:
        self.digest = hashlib.sha256(content).hexdigest()
        self._facts: list[Fact] = []
        known: dict[Fact, int] = {}
        ranges: list[Range] = []
        for version, first, last, fact in _table_lines(path, content.decode("utf-8")):
            ranges.append((version, first, last, known.setdefault(fact, len(known))))
        self._facts = list(known)
        self._table = range_table(ranges)

    def facts(self, addresses: Sequence[ReadAddress]) -> list[Fact]:
        found = [SILENT] * len(addresses)
        for version in (4, 6):
            places = [at for at, address in enumerate(addresses) if address.inner == version]
            if not places:
                continue
            answers = self._table.find(version, [addresses[at].number for at in places]).tolist()
            for at, answer in zip(places, answers, strict=True):
                if answer != NOTHING:
                    found[at] = self._facts[answer]
        return found


def _table_lines(path: Path, text: str) -> Iterator[tuple[int, int, int, Fact]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split("\t")]
        row = _table_row(fields) if len(fields) >= 3 else None
        if row is None:
            raise BadSettings(
                f"The address file {path}:{number} is not first, last, ASN, country, name with "
                "tabs between them: correct the line or enrich.asn_files."
            )
        if row[3] != SILENT:
            yield row


def _table_row(fields: list[str]) -> tuple[int, int, int, Fact] | None:
    first, last = _position(fields[0]), _position(fields[1])
    asn = asn_number(fields[2])
    if first is None or last is None or first[0] != last[0] or last < first:
        return None
    if asn is None and fields[2] not in ("", "0", "-", "None"):
        return None
    country = country_code(fields[3]) if len(fields) > 3 else None
    name = cleaned(fields[4]) if len(fields) > 4 and asn else ""
    return first[0], first[1], last[1], Fact(asn, name, country)


def _position(text: str) -> tuple[int, int] | None:
    """IP version and number of an address written as text or as a number."""
    if text.isascii() and text.isdigit():
        number = int(text)
        return (4, number) if number < 1 << 32 else (6, number) if number < 1 << 128 else None
    read = read_address(text)
    if read is None:
        return None
    return (4, read.number) if read.version == 4 else (6, _own_number(read))


def _own_number(address: ReadAddress) -> int:
    return int.from_bytes(socket.inet_pton(socket.AF_INET6, address.text), "big")


def asn_number(value: object) -> int | None:
    """An ASN out of 15169, "15169", "AS15169" or "AS15169 Google LLC"; None for 0 and others."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 < value < 1 << 32 else None
    if not isinstance(value, str):
        return None
    first = value.strip().partition(" ")[0].upper().removeprefix("AS")
    return (
        asn_number(int(first)) if first.isascii() and first.isdigit() and len(first) < 11 else None
    )


def country_code(value: object) -> str | None:
    """An ISO 3166 alpha-2 code in capitals, None for anything else."""
    if not isinstance(value, str) or len(value) != 2 or not (value.isascii() and value.isalpha()):
        return None
    return value.upper()


_ASN_KEYS = ("autonomous_system_number", "asn", "as_number", "as")
_NAME_KEYS = ("autonomous_system_organization", "as_name", "name", "organization", "org", "isp")
_COUNTRY_KEYS = ("country_code", "country", "iso_code", "registered_country")
_FLAGS = (
    ("tor", ("is_tor_exit_node", "is_tor", "tor")),
    ("relay", ("is_relay", "relay")),
    ("vpn", ("is_anonymous_vpn", "is_vpn", "vpn", "is_public_proxy", "is_proxy", "proxy")),
    ("hosting", ("is_hosting_provider", "is_hosting", "hosting", "is_datacenter")),
    ("mobile", ("is_mobile", "mobile", "is_cellular")),
)
_TYPE_KEYS = ("user_type", "usage_type", "connection_type", "as_type", "type")
_TYPES = {
    "hosting": "hosting", "dch": "hosting", "content_delivery_network": "hosting", "cdn": "hosting",
    "cellular": "mobile", "mobile": "mobile", "mob": "mobile", "wireless": "mobile",
    "residential": "residential", "cable/dsl": "residential", "isp": "residential",
    "business": "business", "corporate": "business", "education": "business", "com": "business",
    "edu": "business", "college": "business", "school": "business", "government": "business",
    "gov": "business", "library": "business", "military": "business", "mil": "business",
}  # fmt: skip
_NESTED = ("traits", "asn", "as", "privacy", "anonymous", "company", "carrier")


def _of_record(record: Mapping[str, object]) -> Fact:
    """The facts of an MMDB record, at its top or in one of the usual objects inside it."""
    places = [record]
    places += [inside for key in _NESTED if isinstance(inside := record.get(key), Mapping)]
    asn = next((n for p in places for k in _ASN_KEYS if (n := asn_number(p.get(k)))), None)
    names = (v for p in places for k in _NAME_KEYS if isinstance(v := p.get(k), str) and v)
    countries = (c for k in _COUNTRY_KEYS if (c := _country_of(record.get(k))))
    return Fact(asn, cleaned(next(names, "")), next(countries, None), _kind_of(places))


def _country_of(value: object) -> str | None:
    return country_code(value.get("iso_code") if isinstance(value, Mapping) else value)


def _kind_of(places: Sequence[Mapping[str, object]]) -> str | None:
    for kind, keys in _FLAGS:
        if any(
            place.get(key) in (True, 1, "true", "True", "1") for place in places for key in keys
        ):
            return kind
    for place in places:
        for key in _TYPE_KEYS:
            value = place.get(key)
            if isinstance(value, str) and value.lower() in _TYPES:
                return _TYPES[value.lower()]
    return None
