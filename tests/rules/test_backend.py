"""Conditions: what each of Sigma's forms matches, and what it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.detect import stage
from gridtrail.engine.duckdb import DuckDB
from gridtrail.enrich.dimensions import refresh
from gridtrail.lake.lake import Lake
from gridtrail.rules.compile import plan
from gridtrail.rules.evaluate import Evaluation
from gridtrail.rules.rule import RuleSet
from gridtrail.rules.state import hits_of
from gridtrail.settings import Settings

DETAILS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "text": {"new_value": "Off", "duration": 7, "is_workflow": True},
    "list": {"new_value": ["ORG_ADMINS", "ORG_OWNERS"], "duration": "90"},
    "object": {"new_value": {"type": ["NO_ONE"]}, "channels": [{"id": "C1"}, {"id": "C2"}]},
    "jsontext": {"new_value": '["U1", "U2"]', "previous_value": "u2"},
    "empty": {"new_value": "", "scopes": []},
    "scopes": {"new_scopes": ["a:read", "admin"], "previous_scopes": ["a:read"]},
    "same": {"new_scopes": "a:read,b:read", "previous_scopes": ["b:read", "a:read"]},
}
RULE = """
title: it
name: it
logsource: {{product: slack, service: audit}}
detection:
  selection:
    action: pref.sso_setting_changed
    {item}
  condition: {condition}
"""


@pytest.fixture(scope="module")
def names(engine: DuckDB, new_lake: Callable[[], Lake], settings: Settings) -> dict[str, str]:
    """Event id → name of its details; the events are the engine's relation `forms`."""
    made = {}
    rows = []
    for number, (name, details) in enumerate(DETAILS.items()):
        event = stage.slack_event(
            stage.second_of(0, f"0{number}:30"),
            "ann" if number % 2 else "ben",
            "pref.sso_setting_changed",
            details=details,
            place="tor" if name == "text" else "office",
            client="curl" if name == "list" else "desktop",
        )
        if name == "same":
            event["entity"] = {"type": "file", "file": {"id": "F1", "name": "Ünïcode 100%.PDF"}}
        made[event["id"]] = name
        rows.append(event)
    engine.register("_forms", stage.event_rows(rows))
    engine.keep("forms", "SELECT * FROM _forms")
    engine.unregister("_forms")
    refresh(new_lake(), engine, "forms", settings)
    return made


@pytest.fixture(scope="module")
def matched(
    engine: DuckDB, names: dict[str, str], rules_of: Callable[[str], RuleSet]
) -> Callable[..., set[str]]:
    """Which of the events a comparison matches."""

    def run(item: str, condition: str = "selection") -> set[str]:
        planned = plan(rules_of(RULE.format(item=item, condition=condition)))
        problems = [*planned.rules.problems, *planned.problems]
        assert problems == []
        evaluation = Evaluation(engine, planned)
        evaluation.add("forms")
        return {names[hit.event_id] for hit in hits_of(evaluation.hits(0, 2**40))}

    return run


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        ("details.new_value: 'off'", "text"),
        ("details.new_value|cased: 'off'", ""),
        ("details.new_value|cased: 'Off'", "text"),
        ("details.new_value: org_owners", "list"),
        ("details.new_value|startswith: ORG_", "list"),
        ("details.new_value|endswith: owners", "list"),
        ("details.new_value|contains: RG_O", "list"),
        ("details.new_value|contains|all: [ORG_, OWN]", "list"),
        ("details.new_value: 'o?f'", "text"),
        ("details.new_value: 'O*G_*NERS'", "list"),
        ("details.new_value|re: '^ORG_A'", "list"),
        ("details.new_value|re|i: '^org_a'", "list"),
        ("details.new_value: [nothing, 'off', U2]", "text jsontext"),
        ("details.new_value.type: NO_ONE", "object"),
        ("'details.channels[].id': C2", "object"),
        ("details.new_value: null", "none empty scopes same"),
        ("details.new_value|exists: true", "text list object jsontext"),
        ("details.new_value|exists: false", "none empty scopes same"),
        ("details.duration: 7", "text"),
        ("details.duration|gt: 30", "list"),
        ("details.duration|lte: 7", "text"),
        ("details.is_workflow: true", "text"),
        ("details.previous_value|fieldref: details.new_value", "jsontext"),
        ("added(details.new_scopes,details.previous_scopes)|exists: true", "scopes"),
        ("added(details.new_scopes,details.previous_scopes)|contains: admin", "scopes"),
        ("count(details.new_scopes)|gte: 2", "scopes same"),
        ("context.ip_address|cidr: 198.18.60.0/24", "text"),
        ("address.kind: tor", "text"),
        ("address.asn: 64530", "text"),
        ("client.family: curl", "list"),
        ("client.automated: true", "list"),
        ("date_create|hour: 2", "list"),
        ("date_create|hour|gte: 6", "scopes same"),
        ("entity.file.name|endswith: '.pdf'", "same"),
        ("entity.file.name: 'ünÏcode 100%.pdf'", "same"),
        ("entity.channel.name: '*'", ""),
        ("entity.type: file", "same"),
        ("context.location.name: STAGE", " ".join(DETAILS)),
        ("actor.user.email: ann@stage.example", "text object empty same"),
        ("subject: w0ann", "text object empty same"),
    ],
)
def test_each_form_matches_what_it_says(
    matched: Callable[..., set[str]], item: str, wanted: str
) -> None:
    """Case does not matter, lists match by any item, absent fields match nothing."""
    assert matched(item) == set(wanted.split())


def test_not_holds_where_a_field_is_missing(matched: Callable[..., set[str]]) -> None:
    """A negation is the rest, whatever is null in between."""
    all_of = set(DETAILS)
    text = "action: pref.sso_setting_changed\n  other:\n    details.new_value: 'off'"
    assert matched(text, "selection and not other") == all_of - {"text"}
    assert matched(text, "selection and not (not other)") == {"text"}
    two = text + "\n    details.duration|gt: 3"
    assert matched(two, "selection and not other") == all_of - {"text"}


def test_keywords_are_looked_for_in_the_event_itself(
    engine: DuckDB, names: dict[str, str], rules_of: Callable[[str], RuleSet]
) -> None:
    """A list of words without a field is found anywhere, for any action."""
    text = RULE.format(item="a: b", condition="selection").replace(
        "selection:\n    action: pref.sso_setting_changed\n    a: b", "selection: [no_one, 'x?z']"
    )
    evaluation = Evaluation(engine, plan(rules_of(text)))
    evaluation.add("forms")
    assert [names[h.event_id] for h in hits_of(evaluation.hits(0, 2**40))] == ["object"]


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("contxt.ip_address: x", "did you mean context.ip_address"),
        ('"details.a\'b": x', "no path of an event"),
        ("grown(details.a): x", "no path of an event"),
        ("added(details.a): x", "write added(new, old)"),
        ("entity.name|re: '('", "invalid"),
        ("entity.name|base64offset: x", ""),
    ],
)
def test_what_cannot_be_said_is_a_problem_with_a_hint(
    rules_of: Callable[[str], RuleSet], item: str, says: str
) -> None:
    """The rule does not run, and the message says what to do."""
    planned = plan(rules_of(RULE.format(item=item, condition="selection")))
    problems = [*planned.rules.problems, *planned.problems]
    assert len(problems) == (1 if says else 0)
    assert all(says in problem.message for problem in problems)
