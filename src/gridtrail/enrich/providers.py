"""Which provider an ASN belongs to and what kind of network it is.

Facts are data (`data/networks.toml`): ASNs of one provider, kinds of known ASNs, and words in an
organization's name that give its kind away.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Providers:
    """The data file ready for look-up."""

    siblings: dict[int, int]  # ASN -> the ASN that stands for its provider
    kinds: dict[int, str]  # ASN -> kind
    words: tuple[tuple[str, frozenset[str], tuple[str, ...]], ...]  # kind, whole words, phrases
    legal_forms: frozenset[str]  # words of a name that say in which legal form it exists
    nobody: frozenset[str]  # normalized names that many unrelated organizations have
    ranges: dict[str, tuple[str, ...]]  # kind -> CIDR ranges of that kind inside other networks
    digest: str  # hex SHA-256 of the file


@cache
def providers() -> Providers:
    """The packaged facts on providers, read once."""
    text = files("gridtrail.enrich").joinpath("data/networks.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    siblings = {asn: group[0] for group in data["siblings"].values() for asn in group}
    kinds: dict[int, str] = {}
    for kind, listed in data["kinds"].items():
        for asn in listed:
            kinds.setdefault(asn, kind)
    words = tuple(
        (
            entry["kind"],
            frozenset(entry.get("words", [])),
            tuple(entry.get("phrases", [])),
        )
        for entry in data["names"]
    )
    ranges = {kind: tuple(listed) for kind, listed in data["ranges"].items()}
    return Providers(
        siblings=siblings,
        kinds=kinds,
        words=words,
        legal_forms=frozenset(data["organizations"]["legal_forms"]),
        nobody=frozenset(data["organizations"]["nobody"]),
        ranges=ranges,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def words_of(name: str) -> list[str]:
    """The words of an organization's name, lower case, accents taken off."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _WORD.findall(plain)


def normalized(name: str) -> str:
    """An organization's name without case, accents, punctuation and legal form; "" when nothing
    telling is left. Equal results are taken to be one organization."""
    kept = [word for word in words_of(name) if word not in providers().legal_forms]
    joined = " ".join(kept)
    return joined if len(joined) >= 3 and joined not in providers().nobody else ""


def kind_by_name(name: str) -> str | None:
    """The kind of network an organization's name gives away; the first entry of the data file
    that has a word or phrase of it wins. None when no entry has."""
    words = words_of(name)
    present, joined = set(words), f" {' '.join(words)} "
    for kind, listed, phrases in providers().words:
        if listed & present or any(phrase in joined for phrase in phrases):
            return kind
    return None
