"""The allow list: what an entry fits, when it holds, and that it changes nothing else."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.allow import AllowEntry, apply, from_settings
from gridtrail.detect.contract import Anomaly
from gridtrail.detect.emission import Candidate
from gridtrail.errors import WrongUse
from gridtrail.settings import AllowSettings, load_settings

NOON = 1_790_000_000
EVENT: Mapping[str, Any] = {
    "ip": "203.0.113.77",
    "asn": 64_500,
    "family": "Slack Desktop",
    "ua": "Mozilla/5.0 Slack_SSB/4.46.101",
}
ANOMALY = Anomaly(
    reasons=("ip_address",),
    p_value=1e-6,
    threshold=1,
    observed={},
    usual={},
    words="",
    query="",
    silent_if="",
    repeat_key="",
    deciding_events=("e1",),
)
CANDIDATE = Candidate(NOON, "e1", "W1", "user", "ip_address", (3600,), ANOMALY)


def why(candidate: Candidate = CANDIDATE, *, event: Mapping[str, Any] = EVENT, **entry: Any) -> Any:
    """Why an entry silences a candidate decided by `event`; None when it does not."""
    entries = [AllowEntry("office", **entry)]
    return apply([candidate], entries, {"e1": event})[0].anomaly.silenced


@pytest.mark.parametrize(
    "entry",
    [
        {"cidr": "203.0.113.0/24"},
        {"cidr": "203.0.113.9/24"},
        {"cidr": "203.0.113.77"},
        {"asn": 64_500},
        {"client": "slack desktop"},
        {"user_agent": "mozilla/*slack_ssb/*"},
        {"user": "W1"},
        {"user": "W1", "cidr": "203.0.113.0/24", "reasons": ("ip_address", "tor")},
        {"user": "W1", "reasons": ("asn",)},
        {"asn": 64_500, "since": NOON, "until": NOON + 1},
    ],
    ids=str,
)
def test_fits(entry: dict[str, Any]) -> None:
    """What an entry names is silenced, and the reason says which entry."""
    assert why(**entry) == "allowed: office"


@pytest.mark.parametrize(
    "entry",
    [
        {"cidr": "203.0.112.0/24"},
        {"cidr": "2001:db8::/32"},
        {"cidr": "::/0"},
        {"asn": 64_501},
        {"client": "Slack"},
        {"user_agent": "slack*"},
        {"user_agent": "Mozilla"},
        {"user": "W2"},
        {"app": "W1"},
        {"user": "W1", "asn": 64_501},
        {"user": "W1", "reasons": ("tor",)},
        {"asn": 64_500, "since": NOON + 1},
        {"asn": 64_500, "until": NOON},
    ],
    ids=str,
)
def test_near_miss(entry: dict[str, Any]) -> None:
    """One thing that does not fit, and it is said."""
    assert why(**entry) is None


@pytest.mark.parametrize(
    ("ip", "cidr", "fits"),
    [
        ("2001:db8::7", "2001:db8::/32", True),
        ("2001:db9::7", "2001:db8::/32", False),
        ("::ffff:203.0.113.77", "203.0.113.0/24", True),
        ("[2001:db8::7]:443", "2001:db8::/32", True),
        ("2002:cb00:714d::1", "203.0.113.0/24", False),
        ("no address", "0.0.0.0/0", False),
        (None, "0.0.0.0/0", False),
    ],
)
def test_addresses(ip: str | None, cidr: str, fits: bool) -> None:
    """Addresses are compared as such; one inside a tunnel's address is not trusted."""
    assert (why(event={**EVENT, "ip": ip}, cidr=cidr) is not None) is fits


def test_all_reasons_must_be_meant() -> None:
    """An anomaly with one reason that is not meant is said; companions are always meant."""
    both = replace(CANDIDATE, anomaly=replace(ANOMALY, reasons=("asn", "ip_address")))

    assert why(both, asn=64_500, reasons=("ip_address",)) is None
    assert why(both, asn=64_500, reasons=("asn",)) == "allowed: office"


def test_all_deciding_events_must_fit() -> None:
    """One deciding event from elsewhere, and it is said; so it is when its own is not there."""
    two = replace(CANDIDATE, anomaly=replace(ANOMALY, deciding_events=("e0", "e1")))
    entry = AllowEntry("office", asn=64_500)
    elsewhere = {**EVENT, "asn": 64_501}

    assert apply([two], [entry], {"e0": EVENT, "e1": EVENT})[0].anomaly.silenced
    assert not apply([two], [entry], {"e0": elsewhere, "e1": EVENT})[0].anomaly.silenced
    assert not apply([two], [entry], {"e0": EVENT})[0].anomaly.silenced
    assert not apply([two], [entry], {})[0].anomaly.silenced


def test_the_first_entry_is_named() -> None:
    """Of several entries the first that fits is the reason; what a detector silenced stays so."""
    entries = [AllowEntry("a", asn=1), AllowEntry("b", user="W1"), AllowEntry("c", user="W1")]
    silenced = replace(CANDIDATE, anomaly=replace(ANOMALY, silenced="quiet"))

    applied = apply([CANDIDATE, silenced], entries, {"e1": EVENT})

    assert [one.anomaly.silenced for one in applied] == ["allowed: b", "quiet"]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({}, "names nothing"),
        ({"cidr": "203.0.113.0/33"}, "no range"),
        ({"asn": 1, "reasons": ("odd",)}, "no reason"),
    ],
)
def test_wrong_entries(entry: dict[str, Any], told: str) -> None:
    """An entry that can fit nothing, or everything, is refused with what to do."""
    with pytest.raises(WrongUse, match=told):
        AllowEntry("office", **entry)


def test_from_the_settings_file(tmp_path: Path) -> None:
    """Entries of the settings file are read; days begin at midnight, UTC."""
    (tmp_path / "gridtrail.toml").write_text(
        '[[allow]]\nname = "office"\ncidr = "203.0.113.0/24"\nreasons = ["ip_address"]\n'
        'since = 2026-11-18\nuntil = 2026-11-19T12:00:00+02:00\n[[allow]]\nname = "b"\nasn = 5\n'
    )
    first, second = from_settings(load_settings(tmp_path).allow)

    midnight = int(dt.datetime(2026, 11, 18, tzinfo=dt.UTC).timestamp())
    assert first == AllowEntry(
        "office",
        cidr="203.0.113.0/24",
        reasons=("ip_address",),
        since=midnight,
        until=midnight + 34 * 3600,
    )
    assert second == AllowEntry("b", asn=5)
    assert from_settings([AllowSettings(name="c", user="W1")])[0].user == "W1"


@given(st.text("ab*"), st.text("ab"))
def test_patterns(pattern: str, text: str) -> None:
    """A pattern fits as the same pattern of a shell does."""
    entry: dict[str, Any] = {"user_agent": pattern}
    fits = why(event={**EVENT, "ua": text}, **entry) is not None
    assert fits == fnmatch.fnmatchcase(text, pattern)


def test_patterns_take_no_time() -> None:
    """A hostile user agent cannot make a pattern slow (with backtracking this would not end)."""
    assert why(event={**EVENT, "ua": "a" * 100_000}, user_agent="*a" * 40 + "b") is None
