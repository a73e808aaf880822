"""Lists of suspicious ASNs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gridtrail.enrich.address_lists import FOREVER, Validity
from gridtrail.enrich.asn_lists import AsnList
from gridtrail.errors import BadSettings

Write = Callable[[str, str], Path]


def test_names_and_times_are_optional(write: Write) -> None:
    """An entry may be an ASN alone, with a name, with times, and with both."""
    text = (
        "asn,name,from,to\n# bulletproof\n64500\nAS64501 Bad Host\nAS64502 2026-01-01\n"
        "64503,Worse Host, 1767225600 ,2026-01-02\n"
    )
    found = AsnList([write("evil.csv", text)])
    entries = [found.validity(asn) for asn in range(64_500, 64_505)]
    assert entries == [
        Validity(),
        Validity(),
        Validity(1_767_225_600, FOREVER),
        Validity(1_767_225_600, 1_767_312_000),
        None,
    ]
    names = [entry.source for entry in entries if entry is not None]
    assert names == ["evil", "evil: Bad Host", "evil", "evil: Worse Host"]
    assert found.validity(None) is None
    assert len(found) == 4


def test_an_asn_listed_twice_is_true_from_first_to_last(write: Write) -> None:
    """Two times of one ASN become the shortest time that covers both."""
    one, two = write("a", "64500 2026-01-01 2026-01-02\n"), write("b", "AS64500 2026-02-01\n")
    assert AsnList([one, two]).validity(64_500) == Validity(1_767_225_600, FOREVER)


def test_the_digest_follows_the_entries(write: Write) -> None:
    """Comments do not change the digest, entries and times do."""
    texts = ["64500", "AS64500 # a", "64501", "64500 2026-01-01"]
    digests = [AsnList([write("x", text)]).digest for text in texts]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize("line", ["Bad Host", "0", "AS0", "192.0.2.1", "AS64500 2026-13-01"])
def test_a_wrong_line_is_named(write: Write, line: str) -> None:
    """What is no ASN or no time stops with file and line."""
    with pytest.raises(BadSettings, match="evil:2 "):
        AsnList([write("evil", f"64500\n{line}\n")])


def test_a_missing_list_names_its_setting(tmp_path: Path) -> None:
    """The error says which setting to correct."""
    with pytest.raises(BadSettings, match=r"enrich\.suspicious_asn_lists"):
        AsnList([tmp_path / "none"])
