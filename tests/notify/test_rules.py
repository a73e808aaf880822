"""Who hears what, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.notify.rules import hearers, opening
from gridtrail.settings_notify import ChannelSettings, NotifySettings, RuleSettings
from gridtrail.triage.finding import Finding

NOW = 1_795_132_800 + 15 * 3_600
"""A Friday afternoon (2026-11-20, 15:00 UTC)."""

FINDING = Finding(
    id="F1",
    org="E0ACME",
    title="t",
    narrative="n",
    score=30,
    severity="high",
    actor_ids=("W0MATT", "W0ANN"),
    reasons=("tor", "asn"),
    rules=("App installed",),
    context={
        "people": [
            {"id": "W0MATT", "name": "Matt", "email": "Matt@Sales.Acme.example"},
            {"id": "W0ANN", "name": "Ann", "email": ""},
        ]
    },
    history={"score": {"pattern": "tor", "patterns": {"stolen_session": 6.0}}},
)


def notify(*rules: dict[str, Any], **more: Any) -> NotifySettings:
    """Settings with two channels and these rules."""
    both: list[dict[str, Any]] = [
        {"name": name, "kind": "apprise", "url": "json://x"} for name in ("one", "two")
    ]
    channels = [ChannelSettings(**one) for one in both]
    return NotifySettings(channels=channels, rules=[RuleSettings(**r) for r in rules], **more)


def seconds(text: str) -> int:
    """A time, UTC without a zone."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


@pytest.mark.parametrize(
    ("rule", "hears"),
    [
        ({}, True),
        ({"severity": "high"}, True),
        ({"severity": "critical"}, False),
        ({"reasons": ["tor", "user_agent"]}, True),
        ({"reasons": ["user_agent"]}, False),
        ({"patterns": ["stolen_session"]}, True),
        ({"patterns": ["tor"]}, True),
        ({"patterns": ["rogue_app"]}, False),
        ({"rules": ["app *"]}, True),
        ({"rules": ["App"]}, False),
        ({"people": ["W0ANN"]}, True),
        ({"people": ["W0BOB"]}, False),
        ({"people": ["matt@sales.acme.example"]}, True),
        ({"people": ["*@sales.acme.example"]}, True),
        ({"people": ["*@board.acme.example"]}, False),
        ({"people": ["att@sales.acme.example"]}, False),
        ({"groups": ["sales"]}, True),
        ({"groups": ["boards"]}, True),
        ({"groups": ["others"]}, False),
        ({"groups": ["others"], "people": ["W0MATT"]}, True),
        ({"orgs": ["E0ACME"]}, True),
        ({"orgs": ["E0OTHER"]}, False),
        ({"reasons": ["tor"], "people": ["W0BOB"]}, False),
        ({"days": ["fri"]}, True),
        ({"days": ["sat"], "outside": "never"}, False),
    ],
)
def test_a_rule_hears_what_fits_all_it_names(rule: dict[str, Any], hears: bool) -> None:
    """Of each list one is enough, and all lists have to fit."""
    groups = {
        "boards": ["W0ANN"],
        "others": ["W0BOB"],
        "sales": ["x@acme.example", "*@sales.acme.example"],
    }
    settings = notify({"channels": ["one"], **rule}, groups=groups)
    assert hearers(settings, FINDING, NOW) == ({"one": NOW} if hears else {})


def test_without_rules_everybody_hears_what_is_medium() -> None:
    """No rule at all is not silence."""
    assert hearers(notify(), FINDING, NOW) == {"one": NOW, "two": NOW}
    assert hearers(notify(), replace(FINDING, severity="low"), NOW) == {}


def test_of_several_rules_the_earliest_speaks() -> None:
    """What one rule would tell on Monday, another tells now."""
    later = {"channels": ["one", "two"], "days": ["mon"]}
    both = [later, {"channels": ["two"]}]
    for rules in (both, both[::-1]):
        heard = hearers(notify(*rules), FINDING, NOW)
        assert heard == {"one": seconds("2026-11-23T00:00"), "two": NOW}


@pytest.mark.parametrize(
    ("begin", "end", "days", "zone", "now", "opens"),
    [
        ("08:00", "18:00", ["fri"], "UTC", "2026-11-20T07:59", "2026-11-20T08:00"),
        ("08:00", "18:00", ["fri"], "UTC", "2026-11-20T08:00", "2026-11-20T08:00"),
        ("08:00", "18:00", ["fri"], "UTC", "2026-11-20T18:00", "2026-11-27T08:00"),
        ("08:00", "18:00", ["fri", "mon"], "UTC", "2026-11-20T18:00", "2026-11-23T08:00"),
        # over midnight: Saturday's early hours are Friday's
        ("22:00", "06:00", ["fri"], "UTC", "2026-11-21T05:59", "2026-11-21T05:59"),
        ("22:00", "06:00", ["fri"], "UTC", "2026-11-21T06:00", "2026-11-27T22:00"),
        # hours of the place, in winter and in summer
        ("08:00", "18:00", ["fri"], "Europe/Berlin", "2026-11-20T06:00", "2026-11-20T07:00"),
        ("08:00", "18:00", ["fri"], "Europe/Berlin", "2026-07-24T05:00", "2026-07-24T06:00"),
        ("08:00", "18:00", ["sat"], "Asia/Tokyo", "2026-11-20T22:00", "2026-11-20T23:00"),
    ],
)
def test_hours_begin(
    begin: str, end: str, days: list[Any], zone: str, now: str, opens: str
) -> None:
    """A rule opens at the next beginning of its hours, in its own zone."""
    rule = RuleSettings(
        channels=["one"],
        days=days,
        hours_from=time.fromisoformat(begin),
        hours_to=time.fromisoformat(end),
        time_zone=zone,
    )
    assert opening(rule, seconds(now)) == seconds(opens)


@given(
    now=st.integers(1_700_000_000, 1_900_000_000),
    begin=st.times(),
    end=st.times(),
    days=st.lists(
        st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1, unique=True
    ),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]),
)
def test_an_opening_comes_within_eight_days(
    now: int, begin: time, end: time, days: list[Any], zone: str
) -> None:
    """Whatever the hours, they open, and what is open stays so for the same second."""
    rule = RuleSettings(channels=["one"], days=days, hours_from=begin, hours_to=end, time_zone=zone)
    opens = opening(rule, now)
    assert now <= opens <= now + 8 * 86_400 + 3_600
    assert opening(rule, opens) == opens
