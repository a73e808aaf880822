"""Lists of ASNs whose use is suspicious, and when an entry was true.

One ASN a line (`64500` or `AS64500`), `#` starts a comment. Behind it, with commas, tabs or blanks
between them, may stand a name and up to two times: from when (included) and to when (not included)
the entry is true, each an ISO 8601 date or time or epoch seconds. Gridtrail ships no such list:
which providers are a threat to an organization is for that organization to say.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from gridtrail.enrich.address_lists import Validity, read_list, validity
from gridtrail.enrich.address_sources import asn_number
from gridtrail.enrich.agent_text import cleaned
from gridtrail.errors import BadSettings

_COLUMNS, _WORDS = re.compile(r"[,;\t]"), re.compile(r"\s+")
_TIME = re.compile(r"\d{9,15}|\d{4}-\d{2}-\d{2}.*")
_HEADINGS = frozenset({"asn", "as", "as_number", "autonomous_system_number"})


class AsnList:
    """All entries; an ASN that stands in several lines has all their times.

    Raises BadSettings naming file and line for what is no ASN or no time.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._entries: dict[int, list[Validity]] = {}
        hashed = hashlib.sha256()
        for path in paths:
            text = read_list(path, "suspicious_asn_lists")
            for at, line in enumerate(text.splitlines(), 1):
                entry = _entry(path, at, line)
                if entry is not None:
                    asn, found = entry
                    hashed.update(f"{asn} {found}\n".encode())
                    self._entries.setdefault(asn, []).append(found)
        self.digest = hashed.hexdigest()

    def __len__(self) -> int:
        return len(self._entries)

    def validity(self, asn: int | None) -> Validity | None:
        """When the ASN is on a list: the shortest time that covers all; None when it never is."""
        entries = self._entries.get(asn, []) if asn is not None else []
        if not entries:
            return None
        covered = entries[0]
        for entry in entries[1:]:
            covered = covered.hull(entry)
        return covered


def _entry(path: Path, at: int, line: str) -> tuple[int, Validity] | None:
    content = line.partition("#")[0].strip()
    separator = _COLUMNS if _COLUMNS.search(content) else _WORDS
    first, *rest = (field.strip() for field in separator.split(content))
    fields = [field for field in (*first.split(maxsplit=1), *rest) if field]
    if not fields or fields[0].lower() in _HEADINGS:
        return None
    asn = asn_number(fields[0])
    if asn is None:
        raise BadSettings(f"{path}:{at} does not begin with an ASN: correct that entry.")
    times = [field for field in fields[1:] if _TIME.fullmatch(field)]
    name = cleaned(" ".join(field for field in fields[1:] if field not in times))
    source = f"{path.stem}: {name}" if name else path.stem
    return asn, validity(times[:2], f"{path}:{at}", source)
