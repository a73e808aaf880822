"""Lists of addresses of one kind (Tor exits, VPN egress, …) and when an entry was true.

One CIDR range or address a line, `#` starts a comment. Behind it may stand two more columns, with
commas, tabs or blanks between them: `valid_from` and `valid_to`, each epoch seconds or an ISO 8601
date or time (UTC without an offset); an entry is true from the first (included) to the second
(not included), and for good where they are left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gridtrail.enrich.address_text import ReadAddress, read_network
from gridtrail.enrich.ranges import NOTHING, range_table
from gridtrail.errors import BadSettings

ALWAYS = 0
FOREVER = (1 << 62) - 1
_SEPARATOR = re.compile(r"[,;\s]+")
_HEADINGS = frozenset({"network", "cidr", "ip", "ip_address", "address", "range", "prefix"})


@dataclass(frozen=True, slots=True)
class Validity:
    """Epoch seconds from which (included) to which (not included) an entry is true."""

    start: int = ALWAYS
    end: int = FOREVER

    @property
    def timeless(self) -> bool:
        """Whether the entry has no bounds."""
        return self == Validity()

    def hull(self, other: Validity) -> Validity:
        """The shortest time that covers both."""
        return Validity(min(self.start, other.start), max(self.end, other.end))


class AddressList:
    """All entries of one kind; the narrowest range that holds an address answers for it.

    An entry that is listed more than once is true from the first to the last of its times.
    """

    def __init__(self, kind: str, paths: Sequence[Path], networks: Sequence[str] = ()) -> None:
        self.kind = kind
        entries: dict[tuple[int, int, int], Validity] = {}
        hashed = hashlib.sha256()
        lines = [(f"{kind} list", at, text) for at, text in enumerate(networks, 1)]
        for path in paths:
            text = _read(path, kind)
            lines += [(str(path), at, line) for at, line in enumerate(text.splitlines(), 1)]
        for where, at, line in lines:
            entry = _entry(where, at, line)
            if entry is not None:
                network, validity = entry
                hashed.update(f"{network} {validity}\n".encode())
                entries[network] = validity.hull(entries.get(network, validity))
        self.digest = hashed.hexdigest()
        self._validity = list(entries.values())
        self._table = range_table((*network, at) for at, network in enumerate(entries))

    def __len__(self) -> int:
        return len(self._validity)

    def validity(self, addresses: Sequence[ReadAddress]) -> list[Validity | None]:
        """For each address when it is of this kind, None when it never is."""
        found: list[Validity | None] = [None] * len(addresses)
        for version in (4, 6) if self._validity else ():
            places = [at for at, address in enumerate(addresses) if address.inner == version]
            answers = self._table.find(version, [addresses[at].number for at in places]).tolist()
            for at, answer in zip(places, answers, strict=True):
                if answer != NOTHING:
                    found[at] = self._validity[answer]
        return found


def _read(path: Path, kind: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"The list {path} cannot be read ({error}): correct enrich.{kind}_lists."
        ) from error


def _entry(where: str, at: int, line: str) -> tuple[tuple[int, int, int], Validity] | None:
    fields = [f for f in _SEPARATOR.split(line.partition("#")[0].strip()) if f]
    if not fields or fields[0].lower() in _HEADINGS:
        return None
    network = read_network(fields[0])
    if network is None:
        raise BadSettings(f"{where}:{at} is not an address or CIDR range: correct that entry.")
    start = _seconds(fields[1], where, at) if len(fields) > 1 else ALWAYS
    end = _seconds(fields[2], where, at) if len(fields) > 2 else FOREVER
    return network, Validity(start, end)


def _seconds(text: str, where: str, at: int) -> int:
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadSettings(
            f"{where}:{at} has a time that is neither epoch seconds nor ISO 8601: correct it."
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
