"""Keeping the allow list: who, why, from when to when; nothing is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import WrongUse
from gridtrail.lake.query import EventFilter
from gridtrail.respond.allow_list import AllowList, StoredEntry, draft, entries, normalised
from gridtrail.respond.trail import Trail

NOW = 1_795_000_000


def made(now: int = NOW, **more: Any) -> StoredEntry:
    """An entry of Ann's."""
    given: dict[str, Any] = {"owner": "ann", "reason": "our office", "now": now, "since": now}
    return draft(**given | more)[0]


def test_an_entry_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    """Every field survives, and detection gets the entry with its times."""
    one = made(
        cidr="192.0.2.0/24", asn=64500, client="Slack Desktop", user_agent="Go*", user="W0MATT0001",
        app="A0APP00001", reasons=("user_agent",), expires_at=NOW + 10, name="office",
    )  # fmt: skip
    place = tmp_path / "state.db"
    with AllowList(place, clock=lambda: NOW) as kept:
        kept.add(one)
        assert kept.all() == [one]
        assert kept.get(one.id[:5]) == one
    (entry,) = entries(place)
    assert (entry.name, entry.cidr, entry.asn, entry.user) == ("office", *(
        one.cidr, one.asn, one.user
    ))  # fmt: skip
    assert (entry.since, entry.until, entry.reasons) == (NOW, NOW + 10, ("user_agent",))


def test_removing_ends_and_forgets_nothing(tmp_path: Path) -> None:
    """A removed entry still silences what was in its time; it cannot be removed twice."""
    place = tmp_path / "state.db"
    clock = [NOW]
    with AllowList(place, clock=lambda: clock[0]) as kept:
        one = kept.add(made(cidr="192.0.2.0/24"))
        with pytest.raises(WrongUse, match="allowed already"):
            kept.add(made(cidr="192.0.2.7/24"))
        clock[0] += 100
        ended = kept.remove(one.id, "bob")
        assert (ended.removed_at, ended.removed_by) == (NOW + 100, "bob")
        with pytest.raises(WrongUse, match="has ended"):
            kept.remove(one.id, "bob")
        kept.add(made(NOW + 100, cidr="192.0.2.0/24"))
    first, second = entries(place)
    assert (first.holds(NOW), first.holds(NOW + 99), first.holds(NOW + 100)) == (True, True, False)
    assert second.holds(NOW + 100)


def test_expired_entries_leave_by_themselves() -> None:
    """At its end an entry holds no more, without anybody doing anything."""
    one = made(asn=64500, expires_at=NOW + 60)
    assert (one.state(NOW + 59), one.state(NOW + 60)) == ("active", "expired")
    assert not one.entry.holds(NOW + 60)
    assert made(asn=64500, since=NOW + 5).state(NOW) == "later"


@pytest.mark.parametrize(
    ("given", "range_", "notices"),
    [
        ("8.8.8.8/24", "8.8.8.0/24", 1),
        ("8.8.8.0/24", "8.8.8.0/24", 0),
        ("8.8.8.8", "8.8.8.8/32", 0),
        ("2001:db8::1/32", "2001:db8::/32", 1),
    ],
)
def test_host_bits_are_dropped_with_a_notice(given: str, range_: str, notices: int) -> None:
    """The range that is meant is said."""
    found, told = normalised(given)
    assert (found, len(told)) == (range_, notices)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({}, "names nothing"),
        ({"cidr": "office"}, "no range"),
        ({"asn": 0}, "no ASN"),
        ({"asn": 64500, "owner": " "}, "--owner"),
        ({"asn": 64500, "reason": ""}, "--reason"),
        ({"asn": 64500, "expires_at": NOW}, "end before it begins"),
        ({"asn": 64500, "reasons": ("nonsense",)}, "no reason"),
    ],
)
def test_what_cannot_be_an_entry(wrong: dict[str, Any], words: str) -> None:
    """The sentence says what is missing or wrong."""
    with pytest.raises(WrongUse, match=words):
        made(**wrong)


def test_what_expired_is_told_once(state_place: Path | str, log: Any) -> None:
    """With a place in the trail; what somebody removed, or what does not end, is not told."""
    clock = [NOW]
    with AllowList(state_place, clock=lambda: clock[0]) as kept:
        short = kept.add(made(cidr="192.0.2.0/24", expires_at=NOW + 10, org="E0ACME"))
        kept.add(made(cidr="198.51.100.0/24"))
        gone = kept.add(made(asn=64500, expires_at=NOW + 10))
        kept.remove(gone.id, "bob")
        clock[0] += 9
        assert kept.tell_expired("E0OTHER") == []
        clock[0] += 1
        assert [one.id for one in kept.tell_expired("E0OTHER")] == [short.id]
        assert kept.tell_expired("E0OTHER") == []
    with Trail(state_place) as trail:
        assert trail.move(log.lake) == 1
    (row,) = log.lake.newest(EventFilter()).to_pylist()
    assert (row["action"], row["org"]) == ("gridtrail_allow_entry_expired", "E0ACME")
    assert (row["entity_type"], row["entity_id"]) == ("allow_entry", short.id)


def test_an_entry_says_for_whom_it_is(tmp_path: Path) -> None:
    """Detection gets the organization with it; for all is another entry than for one."""
    place = tmp_path / "state.db"
    with AllowList(place, clock=lambda: NOW) as kept:
        kept.add(made(asn=64500, org="E0ACME"))
        kept.add(made(asn=64500))
        assert [one.words for one in kept.all()].count("asn 64500 in E0ACME") == 1
    assert sorted(str(one.org) for one in entries(place)) == ["E0ACME", "None"]
