"""Lists of addresses of one kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gridtrail.enrich.address_lists import FOREVER, AddressList, Validity
from gridtrail.enrich.address_text import ReadAddress, read_address
from gridtrail.errors import BadSettings

Write = Callable[[str, str], Path]


def at(text: str) -> ReadAddress:
    read = read_address(text)
    assert read is not None
    return read


def test_a_list_holds_addresses_and_ranges(write: Write) -> None:
    """Comments, headings and blank lines are skipped; both versions of IP are found."""
    path = write(
        "tor.txt", "network\n# exits\n192.0.2.1\n\n198.51.100.0/24 # a range\n2001:db8::/32\n"
    )
    entries = AddressList("tor", [path])
    asked = ["192.0.2.1", "192.0.2.2", "198.51.100.77", "2001:db8::5", "::1"]
    found = entries.validity([at(text) for text in asked])
    assert [validity is not None for validity in found] == [True, False, True, True, False]
    assert found[0] == Validity()


def test_entries_have_times(write: Write) -> None:
    """Epoch seconds, ISO dates and times bound an entry; a missing end is open."""
    path = write(
        "tor.csv",
        "ip,valid_from,valid_to\n192.0.2.1,100,200\n192.0.2.2\t2026-01-01\n"
        "192.0.2.3 2026-01-01T00:00:00+01:00 2026-01-02T00:00:00Z\n",
    )
    found = AddressList("tor", [path]).validity([at(f"192.0.2.{n}") for n in (1, 2, 3)])
    assert found == [
        Validity(100, 200),
        Validity(1_767_225_600, FOREVER),
        Validity(1_767_222_000, 1_767_312_000),
    ]


def test_an_entry_listed_twice_is_true_from_first_to_last(write: Write) -> None:
    """Two times of one range become the shortest time that covers both."""
    one, two = write("a", "192.0.2.1 100 200\n"), write("b", "192.0.2.1 300 400\n")
    assert AddressList("tor", [one, two]).validity([at("192.0.2.1")]) == [Validity(100, 400)]


def test_entries_may_age(write: Write) -> None:
    """With a lifetime an entry with a first time only ends; one without times does not."""
    text = "192.0.2.1\n192.0.2.2 1000\n192.0.2.3 1000 9000\n"
    entries = AddressList("ioc", [write("feed.txt", text)], lifetime=50)
    found = entries.validity([at(f"192.0.2.{n}") for n in (1, 2, 3)])
    assert found == [Validity(), Validity(1000, 1050), Validity(1000, 9000)]
    assert [entry.source for entry in found if entry is not None] == ["feed"] * 3


def test_the_digest_follows_the_entries(write: Write) -> None:
    """Comments do not change the digest, entries and times do."""
    texts = ["192.0.2.1", "192.0.2.1 # a", "192.0.2.2", "192.0.2.1 5"]
    digests = [AddressList("tor", [write("x", text)]).digest for text in texts]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("192.0.2.1\nexample.com\n", "a:2 is not an address"),
        ("192.0.2.1 yesterday\n", "a:1 has a time"),
    ],
)
def test_a_wrong_line_is_named(write: Write, text: str, told: str) -> None:
    """What cannot be read stops with file and line."""
    path = write("a", text)
    with pytest.raises(BadSettings, match=told):
        AddressList("tor", [path])


def test_a_missing_list_names_its_setting(tmp_path: Path) -> None:
    """The error says which setting to correct."""
    with pytest.raises(BadSettings, match=r"enrich\.tor_lists"):
        AddressList("tor", [tmp_path / "none"])
