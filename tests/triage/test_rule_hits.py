"""Rule hits in findings: beside anomalies, alone, and what turns off what would see."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.rules.folder import PACK
from gridtrail.rules.run import run_rules
from gridtrail.settings import RulesSettings, Settings
from gridtrail.triage.finding import Finding

Acme = Any
Triaged = Callable[..., list[Finding]]

RULE = """
title: {title}
id: 00000000-0000-4000-8000-00000000000{number}
name: {name}
status: test
logsource: {{product: slack, service: audit}}
detection:
  selection:
    action: {action}
  condition: selection
tags: [{tags}]
level: {level}
"""
RULES = (
    ("Detections turned off", "blinding", "ip_allowlist_disabled", "attack.t1562.001", "high"),
    ("App approved", "approved", "app_approved", "attack.persistence", "medium"),
    ("App installed", "installed", "app_installed", "attack.persistence", "medium"),
    ("Compromised", "compromised", "user_logout_compromised", "attack.initial-access", "critical"),
    ("Ordinary", "ordinary", "channel_archive", "attack.impact", "low"),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with five rules of one action each, and the pack's of logins and guests."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for number, (title, name, action, tags, level) in enumerate(RULES):
        text = RULE.format(
            title=title, number=number, name=name, action=action, tags=tags, level=level
        )
        (folder / f"{name}.yml").write_text(text)
    for name in ("identity/guessed_then_signed_in", "identity/login_by_tool",
                 "data/outsiders_invited"):  # fmt: skip
        text = (PACK / f"{name}.yml").read_text()
        (folder / f"{Path(name).name}.yml").write_text(text)
    rules = RulesSettings(pack=False, folders=[folder])
    return Settings(data=tmp_path / "data", threads=1, rules=rules)


@pytest.fixture
def hit(
    lake: Lake, engine: DuckDB, settings: Settings, append: Callable[..., None], triaged: Triaged
) -> Triaged:
    """Appends events, runs the rules over them, and returns the findings."""

    def run(rows: list[Any]) -> list[Finding]:
        append(rows)
        assert run_rules(lake, engine, settings).problems == ()
        return triaged()

    return run


def test_a_hit_joins_the_anomalies_of_its_person(acme: Acme, hit: Triaged) -> None:
    """One finding holds both; it names the rule, in the narrative too, and scores higher."""
    rows = acme.usual() + acme.scraping() + acme.two_anomalies()
    (before,) = hit(rows)
    (after,) = hit([acme.event("a", acme.NOON + 500, "app_approved")])
    assert after.id == before.id
    assert after.rules == ("approved",)
    assert len(after.event_ids) == 3
    assert "“App approved”" in after.narrative
    assert after.history["score"]["nats"] > before.history["score"]["nats"]
    assert after.severity == "high"


def test_turning_off_what_would_see_goes_to_the_top(acme: Acme, hit: Triaged) -> None:
    """An odd address and detections turned off beside it are at least high, and said so."""
    (one,) = hit(
        [
            *acme.usual(),
            acme.anomaly("x", acme.NOON, "ip_address", ip="203.0.113.9"),
            acme.event("b", acme.NOON + 60, "ip_allowlist_disabled", ip="203.0.113.9"),
        ]
    )
    assert one.title == "Matt Salesman weakens what would see them"
    assert one.severity in ("high", "critical")
    assert one.advice[0].startswith("Undo what was turned off")


@pytest.mark.parametrize(
    ("action", "severity"),
    [
        ("user_logout_compromised", "high"),
        ("ip_allowlist_disabled", "medium"),
        ("app_approved", "low"),
    ],
)
def test_a_rule_alone_is_as_bad_as_its_level(
    acme: Acme, hit: Triaged, action: str, severity: str
) -> None:
    """A critical rule alone makes a high finding, a high one a medium, a medium one a low."""
    (one,) = hit([*acme.usual(), acme.event("a", acme.NOON, action)])
    assert one.severity == severity
    assert one.actor_ids == ("W0MATT",)
    assert one.title.startswith("Matt Salesman: “")


def test_mild_rules_make_no_findings(acme: Acme, hit: Triaged) -> None:
    """A low rule's hits stay in their table."""
    assert hit([*acme.usual(), acme.event("a", acme.NOON, "channel_archive")]) == []


def test_a_morning_of_administration_does_not_add_up(acme: Acme, hit: Triaged) -> None:
    """Many medium rules of one stage count once and stay low."""
    rows = [
        acme.event(f"a{n}", acme.NOON + n, ("app_approved", "app_installed")[n % 2])
        for n in range(20)
    ]
    (one,) = hit(acme.usual() + rows)
    assert one.rules == ("approved", "installed")
    assert one.severity == "low"
    assert "20 rule hits were raised" in one.narrative
    assert "the first time ever that anyone had 10 × “App approved” in a day" in one.narrative
    assert "rule:" not in one.narrative


def test_a_rule_that_hits_daily_says_less(acme: Acme, hit: Triaged) -> None:
    """What somebody's work does every day surprises less on the thirtieth day."""
    old = [acme.event(f"o{n}", acme.NOON - n * acme.DAY * 2, "app_approved") for n in range(2, 10)]
    found = hit(acme.usual() + old + [acme.event("new", acme.NOON, "app_approved")])
    by_time = sorted(found, key=lambda one: one.first_seen)
    assert by_time[-1].score < by_time[0].score - 2


def _tried(acme: Acme, **own: Any) -> list[Any]:
    """Twelve failed logins of twelve people from one address, then two of them sign in."""
    own = {"ip": "203.0.113.9", "session_id": None} | own
    failed = [
        acme.event(f"f{n}", acme.NOON + n, "user_login_failed", actor_id=f"W{n}", **own)
        for n in range(12)
    ]
    names = {f"W{n}": {"actor_id": f"W{n}", "actor_name": f"Person {n}"} for n in (3, 7)}
    opened = [
        acme.event(f"in {who}", acme.NOON + 60, **own | name | {"session_id": who})
        for who, name in names.items()
    ]
    return [*acme.usual(), *failed, *opened]


def test_tried_accounts_are_one_finding(acme: Acme, hit: Triaged) -> None:
    """Trying many accounts, and logins by a tool from there, are one finding about those who were
    signed in: the person who was tried last is not in it."""
    (one,) = hit(_tried(acme, ua="python-requests/2.32.3"))
    assert one.title == "Many accounts tried from “203.0.113.9”, and 2 accounts opened"
    assert one.severity == "high"
    assert set(one.actor_ids) == {"W3", "W7"}
    assert set(one.rules) == {
        "slack_accounts_tried", "slack_login_by_tool", "slack_spray_then_signed_in"
    }  # fmt: skip
    assert one.advice[1].startswith("Find out whose address “203.0.113.9” is")


def test_an_outage_of_sign_in_is_no_spray(acme: Acme, hit: Triaged) -> None:
    """Failed logins at an office, and people who sign in afterwards, are low and one finding, which
    is called by the address."""
    (one,) = hit(_tried(acme))
    assert one.title.startswith("The address “203.0.113.9”: ")
    assert one.severity == "low"


def test_who_was_tried_is_not_to_blame(acme: Acme, hit: Triaged) -> None:
    """When nobody got in the finding names nobody, and says what to do about the address."""
    (one,) = hit([row for row in _tried(acme) if not row["id"].startswith("in ")])
    assert one.actor_ids == ()
    assert one.title == "The address “203.0.113.9”: “Many accounts tried from one address”"
    assert "raised for the address “203.0.113.9”" in one.narrative
    assert len(one.advice) == 1


@pytest.mark.parametrize(("guests", "severity"), [(15, "low"), (40, "medium")])
def test_more_guests_are_worse(acme: Acme, hit: Triaged, guests: int, severity: str) -> None:
    """Fifteen invitations in an hour are low and forty medium; neither is a stolen account."""
    rows = [acme.event(f"g{n}", acme.NOON + 10 * n, "guest_created") for n in range(guests)]
    (one,) = hit(acme.usual() + rows)
    assert one.severity == severity
    assert one.title.startswith("Matt Salesman: “Many outsiders invited by one person”")
    assert ("Thirty or more outsiders" in one.title) == (guests == 40)


def _apps(acme: Acme, people: int) -> list[Any]:
    """An app that is odd once, and `people` who installed it an hour before."""
    app = {"entity_type": "app", "entity_id": "A0ROGUE", "entity_name": "Rogue"}
    rows = [
        acme.event(
            f"i{n}", acme.NOON + n, "app_installed", **app, actor_id=f"W{n}", session_id=f"{n}"
        )
        for n in range(people)
    ]
    own = {"app_id": "A0ROGUE", "ip": "203.0.113.5", "session_id": None, "actor_id": "W0ROY"}
    odd = acme.anomaly("x", acme.NOON + 3_600, "unexpected_api_call_volume", **app, **own)
    return [*acme.usual(), *rows, odd]


def test_who_gave_an_app_more_belongs_to_what_it_does(acme: Acme, hit: Triaged) -> None:
    """An app's odd calls and its installation an hour before are one finding, about the app."""
    (one,) = hit(_apps(acme, 1))
    assert one.actor_ids == ("A0ROGUE", "W0")
    assert one.title == "The app Rogue does what it never did"
    assert one.rules == ("installed",)


def test_an_app_that_is_rolled_out_joins_nobody(acme: Acme, hit: Triaged) -> None:
    """Four people who install one app are not drawn into what the app does."""
    found = hit(_apps(acme, 4))
    assert sorted(len(one.event_ids) for one in found) == [1] * 5


def _with_a_rule(acme: Acme, decided_by: str) -> list[Any]:
    evidence = {"detector": "unexpected_admin_action", "p_value": "1e-4"}
    details = {"gridtrail": {**evidence, "deciding_events": [decided_by]}}
    odd = acme.anomaly("x", acme.NOON, "unexpected_admin_action", details=details)
    return [*acme.usual(), odd, acme.event("b", acme.NOON, "ip_allowlist_disabled")]


def test_one_act_counts_once(acme: Acme, hit: Triaged) -> None:
    """A rule and a detector about the same event are one part of the score, the more surprising."""
    (one,) = hit(_with_a_rule(acme, "b"))
    families = one.history["score"]["families"]
    assert set(families) == {"admin"}
    rates = one.history["score"]["rates"]
    assert families["admin"] == rates["admin"] > 9.3  # more than the p-value: the rule is rarer


def test_two_acts_count_twice(acme: Acme, hit: Triaged) -> None:
    """A rule about another event than the detector's is a part of its own."""
    (one,) = hit(_with_a_rule(acme, "another"))
    assert set(one.history["score"]["families"]) == {"admin", "rules: blinding"}


def test_slacks_word_on_the_same_second_counts_once(acme: Acme, hit: Triaged) -> None:
    """Slack names no event, but when the act was: a rule of that person and second is the same."""
    happened = {"action_timestamp": acme.NOON * 1_000_000}
    odd = acme.anomaly("x", acme.NOON + 90, "unexpected_admin_action", details=happened)
    (one,) = hit([*acme.usual(), odd, acme.event("b", acme.NOON, "ip_allowlist_disabled")])
    assert set(one.history["score"]["families"]) == {"admin"}
