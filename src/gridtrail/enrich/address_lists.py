"""Lists of addresses of one kind (Tor exits, VPN egress, …) and when an entry was true.

One CIDR range or address a line, `#` starts a comment. Behind it may stand two more columns, with
commas, tabs or blanks between them: `valid_from` and `valid_to`, each epoch seconds or an ISO 8601
date or time (UTC without an offset); an entry is true from the first (included) to the second
(not included), and for good where they are left out. A list whose entries age says for how long
one is true that has a first time only.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
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
    """Epoch seconds from which (included) to which (not included) an entry is true, and the name
    of its list (a file's name without its ending)."""

    start: int = ALWAYS
    end: int = FOREVER
    source: str = field(default="", compare=False)

    @property
    def timeless(self) -> bool:
        """Whether the entry has no bounds."""
        return self == Validity()

    def hull(self, other: Validity) -> Validity:
        """The shortest time that covers both."""
        return Validity(min(self.start, other.start), max(self.end, other.end), self.source)


class AddressList:
    """All entries of one kind; the narrowest range that holds an address answers for it.

    An entry that is listed more than once is true from the first to the last of its times. One
    with a first time only is true for `lifetime` seconds (None: for good).
    """

    def __init__(
        self,
        kind: str,
        paths: Sequence[Path],
        networks: Sequence[str] = (),
        lifetime: int | None = None,
    ) -> None:
        self.kind = kind
        entries: dict[tuple[int, int, int], Validity] = {}
        hashed = hashlib.sha256()
        lines = [(f"{kind} list", "", at, text) for at, text in enumerate(networks, 1)]
        for path in paths:
            text = read_list(path, f"{kind}_lists")
            lines += [(str(path), path.stem, at, x) for at, x in enumerate(text.splitlines(), 1)]
        for where, source, at, line in lines:
            entry = _entry(where, source, at, line, lifetime)
            if entry is not None:
                network, validity = entry
                hashed.update(f"{network} {validity}\n".encode())
                entries[network] = entries.get(network, validity).hull(validity)
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


def read_list(path: Path, setting: str) -> str:
    """The text of a list. Raises BadSettings naming `enrich.<setting>` when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(
            f"The list {path} cannot be read ({error}): correct enrich.{setting}."
        ) from error


def _entry(
    where: str, source: str, at: int, line: str, lifetime: int | None
) -> tuple[tuple[int, int, int], Validity] | None:
    fields = [f for f in _SEPARATOR.split(line.partition("#")[0].strip()) if f]
    if not fields or fields[0].lower() in _HEADINGS:
        return None
    network = read_network(fields[0])
    if network is None:
        raise BadSettings(f"{where}:{at} is not an address or CIDR range: correct that entry.")
    return network, validity(fields[1:3], f"{where}:{at}", source, lifetime)


def validity(
    times: Sequence[str], where: str, source: str, lifetime: int | None = None
) -> Validity:
    """When an entry is true whose line at `where` has these `times`: none, the first, or both.

    Raises BadSettings for a text that is no time.
    """
    start = _seconds(times[0], where) if times else ALWAYS
    if len(times) > 1:
        end = _seconds(times[1], where)
    else:
        end = start + lifetime if times and lifetime is not None else FOREVER
    return Validity(start, end, source)


def _seconds(text: str, where: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 16:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadSettings(
            f"{where} has a time that is neither epoch seconds nor ISO 8601: correct it."
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
