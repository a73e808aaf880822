"""Python rules of an existing collection: run unchanged, in processes that may fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gridtrail.detect import stage
from gridtrail.lake.lake import Lake
from gridtrail.rules.folder import RuleFolders
from gridtrail.rules.python_rules import brought_tests
from gridtrail.rules.python_run import PythonRunner, run_tests
from gridtrail.rules.rule import PythonRule, Rule, RuleSet
from gridtrail.rules.run import run_rules
from gridtrail.settings import Settings

DOWNLOADS = """
from panther_base_helpers import deep_get
from panther_slack_helpers import slack_alert_context
from our_words import ACTIONS


def rule(event):
    return event["action"] in ACTIONS and event.deep_get("actor", "type", default="") == "user"


def title(event):
    return f"Files taken by {deep_get(event, 'actor', 'user', 'name')}"


def severity(event):
    address = event.deep_get("context", "ip_address", default="")
    return "HIGH" if address.startswith("198") else "INFO"


def alert_context(event):
    return slack_alert_context(event)
"""
YAML = """
AnalysisType: rule
Filename: {name}.py
RuleID: Slack.{name}
DisplayName: {name}
Enabled: true
LogTypes: [Slack.AuditLogs]
Severity: Low
Threshold: {threshold}
DedupPeriodMinutes: 10
Tests:
  - Name: a download
    ExpectedResult: true
    Log: {{action: file_downloaded, actor: {{type: user, user: {{name: ann}}}}}}
  - Name: no download
    ExpectedResult: false
    Log: {{action: user_login, actor: {{type: user}}}}
"""
BROKEN = {
    "raises": "def rule(event):\n    return 1 / 0\n",
    "hangs": "def rule(event):\n    while True:\n        pass\n",
    "grows": "def rule(event):\n    return bool('x' * 10**11)\n",
    "calls": "import socket\n\ndef rule(event):\n    socket.create_connection(('127.0.0.1', 9))\n",
    "reads": "def rule(event):\n    return open('/etc/passwd').read()\n",
    "leaves": "import os\n\ndef rule(event):\n    os._exit(0)\n",
    "none": "x = 1\n",
}
NEVER = stage.second_of(30)


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of rules with helpers beside them."""
    root = tmp_path_factory.mktemp("checkout")
    rules, helpers = root / "rules" / "slack_rules", root / "global_helpers"
    for folder in (rules, helpers, root / ".git"):
        folder.mkdir(parents=True)
    (helpers / "our_words.py").write_text('ACTIONS = {"file_downloaded"}\n')
    (root / ".git" / "x.yml").write_text("title: not a rule\n")
    (rules / "downloads.py").write_text(DOWNLOADS)
    (rules / "downloads.yml").write_text(YAML.format(name="downloads", threshold=3))
    other = YAML.format(name="other", threshold=1).replace("Slack.AuditLogs", "Okta.SystemLog")
    (rules / "other.yml").write_text(other)
    return root


def in_force(folder: Path) -> RuleSet:
    """The rules of a folder."""
    return RuleFolders([folder]).current()


def test_threshold_and_period_are_a_sliding_count_by_what_belongs_together(
    collection: Path, new_lake: Callable[[], Lake], settings: Settings
) -> None:
    """Three downloads in ten minutes; title and severity are the rule's own words."""
    rules = in_force(collection)
    assert rules.problems == ()
    assert [rule.key for rule in rules.firing] == ["Slack.downloads"]
    lake = new_lake()
    at = stage.second_of(0, "10:00")
    events = [stage.slack_event(at + 200 * n, "ann", "file_downloaded") for n in range(3)]
    events += [stage.slack_event(at + 400 * n, "ben", "file_downloaded") for n in range(3)]
    stage.store(lake, events)
    report = run_rules(lake, lake.engine, settings, rules=rules, now=NEVER)
    assert report.problems == ()
    (hit,) = report.new
    assert (hit.title, hit.level, hit.subject) == ("Files taken by ann", "high", "W0ANN")
    assert (hit.event_id, len(hit.event_ids)) == (events[2]["id"], 3)


def test_tests_of_the_collection_run(collection: Path) -> None:
    """They pass, and one that expects otherwise is reported."""
    tests = brought_tests(in_force(collection).rules)
    assert [one.name for one in tests] == ["a download", "no download"]
    assert run_tests(tests) == []
    rule = tests[0].rule
    wrong = [type(tests[0])(rule, "turned round", not tests[0].expected, tests[0].event)]
    assert "turned round" in run_tests(wrong)[0].message


def test_a_rule_that_fails_is_reported_and_the_others_go_on(tmp_path: Path) -> None:
    """Whatever it does: errors, endless loops, memory, network, files, leaving."""
    rules = []
    for name, text in {**BROKEN, "good": "def rule(event):\n    return True\n"}.items():
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        rules.append(
            Rule(name, name, "1", name, "low", False, file, {}, {}, PythonRule(name, file, name))
        )
    runner = PythonRunner(rules, seconds=4)
    raws = [json.dumps({"action": "x", "id": str(n)}) for n in range(2)]
    assert [(one.rule, one.place) for one in runner.said(raws)] == [("good", 0), ("good", 1)]
    told = {problem.rule: problem.message for problem in runner.problems}
    assert set(told) == set(BROKEN)
    assert "more than 1 s" in told["hangs"]
    assert "may not use socket" in told["calls"]
    assert "may not open" in told["reads"]
    assert "ZeroDivisionError" in told["raises"]


def test_a_changed_python_file_is_another_version(collection: Path) -> None:
    """The version of a hit tells which text decided it."""
    folders = RuleFolders([collection])
    before = folders.current()["Slack.downloads"].version
    assert folders.current()["Slack.downloads"].version == before
    file = collection / "rules" / "slack_rules" / "downloads.py"
    file.write_text(file.read_text() + "\n# another\n")
    assert folders.current()["Slack.downloads"].version != before
