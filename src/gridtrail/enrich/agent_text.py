"""A user agent as text: made safe, cut into product tokens, its versions made sortable.

Nothing here knows a product. A user agent is attacker-controlled: any text of any length comes in,
and none of the patterns below can backtrack more than linearly over `LONGEST` characters.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

LONGEST = 1024
"""Characters of a user agent that are read; real ones stay below 400."""

LONGEST_NAME = 80
"""Characters of a product name that is not one of ours."""

PART_BITS = 21
"""Bits of each of the three parts of a version key: 3 x 21 = 63, so the key is never negative."""

_PART_MAX = (1 << PART_BITS) - 1
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_PRODUCT = re.compile(r"([^\s/();,]+)/([^\s/();,]*)")
_NUMBERS = re.compile(r"[0-9]{1,10}")
_VERSION = re.compile(r"[vV]?[0-9]+(?:\.[0-9]+)*\Z")
_LEADING = re.compile(r"([^/()\[\];,]+)(?:/([^\s/();,]*))?")
_SPACED_VERSION = re.compile(r"(.*\S) [vV]?([0-9]+(?:\.[0-9]+)+)\Z")


@dataclass(frozen=True, slots=True)
class Product:
    """One `name/version` token, as written."""

    name: str
    version: str


def cleaned(text: str) -> str:
    """`text` cut to LONGEST characters, without control, format, bidirectional and lone surrogate
    characters, runs of white space made one space. Always encodable as UTF-8 and on one line."""
    cut = text[:LONGEST]
    if not (cut.isascii() and cut.isprintable()):
        cut = "".join(" " if unicodedata.category(c) in _HIDDEN else c for c in cut)
    return " ".join(cut.split())


def products(text: str) -> list[Product]:
    """The `name/version` tokens of a cleaned agent in order, those inside comments included."""
    return [Product(name, version) for name, version in _PRODUCT.findall(text)]


def is_version(text: str) -> bool:
    """Whether `text` is numbers with dots between them (a leading `v` is allowed)."""
    return _VERSION.match(text) is not None


def leading(text: str) -> Product:
    """What a cleaned agent calls itself: the name before the first slash, comment or separator.

    `Scrapers Inc` is its own name, `Slack Ruby Client/2.1.0` and `Faraday v2.7.1` have a version.
    The name is at most LONGEST_NAME characters; it is the whole text when nothing looks like one.
    """
    address = "://" in text[:12]
    found = None if address else _LEADING.match(text)
    if found is None:
        return Product(text[:LONGEST_NAME], "")
    name, version = found.group(1).strip(), found.group(2) or ""
    spaced = None if version else _SPACED_VERSION.match(name)
    if spaced is not None:
        name, version = spaced.groups()
    shown = version if is_version(version) else ""
    return Product((name or text)[:LONGEST_NAME].strip(), shown)


def version_key(version: str, parts: int = 3) -> int:
    """The first `parts` (at most 3) numbers of a version as one int64 that sorts as versions do.

    Each number takes PART_BITS bits, larger ones count as the largest; 0 when there is no number.
    """
    numbers = [min(int(n), _PART_MAX) for n in _NUMBERS.findall(version)[: min(parts, 3)]]
    key = 0
    for number in [*numbers, 0, 0, 0][:3]:
        key = key << PART_BITS | number
    return key


def major(version: str) -> int:
    """The first number of a version, 0 when there is none."""
    return version_key(version, 1) >> 2 * PART_BITS
