"""The linter: each known mistake is found, with its line, and a sound rule is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.rules.folder import PACK, RuleFolders
from gridtrail.rules.lint import lint
from gridtrail.rules.rule import Problem

SOUND = """
title: Files downloaded by a script
id: 6f0d6b1e-92f4-4f0b-8a8b-7a4d3b8a2c55
name: sound
description: A tool downloads a file.
references: [https://attack.mitre.org/techniques/T1213/]
tags: [attack.collection, attack.t1213]
logsource: {product: slack, service: audit}
detection:
  selection:
    action: file_downloaded
    client.kind: tool
  condition: selection
falsepositives: [An approved script.]
level: medium
"""
CASES = """
- name: curl
  given: [{does: file_downloaded, client: curl}]
  fires: 1
- name: a person
  given: [{does: file_downloaded}]
  fires: 0
"""
COUNTED = """
title: base
name: base
logsource: {product: slack, service: audit}
detection:
  selection: {action: file_downloaded}
  condition: selection
---
title: Counted
id: 6f0d6b1e-92f4-4f0b-8a8b-7a4d3b8a2c56
name: counted
correlation:
  type: event_count
  rules: base
  group-by: actor.user.id
  timespan: 5m
  condition: {gte: 10}
"""


def found(folder: Path, text: str, cases: str = CASES) -> list[Problem]:
    """Problems of a file of rules with these cases."""
    folder.mkdir(exist_ok=True)
    (folder / "it.yml").write_text(text)
    (folder / "it.cases.yml").write_text(cases)
    return lint(RuleFolders([folder]).current())


def test_a_sound_rule_and_the_pack_have_no_errors(tmp_path: Path) -> None:
    """Nothing is said of what is well written."""
    assert found(tmp_path / "a", SOUND) == []
    errors = [p for p in lint(RuleFolders([PACK]).current()) if p.severity == "error"]
    assert [str(problem) for problem in errors] == []


@pytest.mark.parametrize(
    ("old", "new", "check", "says"),
    [
        ("file_downloaded", "file_download", "action", "file_downloaded"),
        ("client.kind: tool", "client.kind: tol", "word", "use desktop"),
        ("client.kind: tool", "client.knd: tool", "load", "did you mean client.kind"),
        ("client.kind: tool", "entity.fil.name: x", "field", "type 'fil'"),
        ("client.kind: tool", "details.new_vlue: x", "field", "details.new_vlue"),
        ("client.kind: tool", "context.ip: x", "field", "use ip_address"),
        ("client.kind: tool", "entity.name: '*'", "pattern", "every text"),
        ("client.kind: tool", "entity.name|re: '.*'", "pattern", "every text"),
        ("client.kind: tool", "entity.name|contains: '.'", "pattern", "by chance"),
        ("action: file_downloaded", "action|contains: sso", "pattern", "list their names"),
        ("action: file_downloaded", "action|startswith: zzz", "pattern", "No action"),
        ("client.kind: tool", "actor.user.id|fieldref: actor.user.id", "itself", "with itself"),
        ("client.kind: tool", "added(details.a,details.a)|exists: true", "itself", "itself"),
        ("client.kind: tool", "", "near_miss", ""),
        ("    action: file_downloaded\n", "", "any_action", "names no action"),
        ("product: slack", "product: okta", "logsource", "not Slack"),
        ("level: medium\n", "", "metadata", "no level"),
        ("attack.collection, attack.t1213", "cve.2020-1", "metadata", "ATT&CK"),
        ("  condition:", "  other: {action: user_login}\n  condition:", "unused", "'other'"),
    ],
)
def test_each_mistake_is_found(tmp_path: Path, old: str, new: str, check: str, says: str) -> None:
    """The check that is about it says so; the message helps."""
    problems = found(tmp_path, SOUND.replace(old, new))
    if check == "near_miss":  # nothing but an action has no near miss of the same action
        assert "near_miss" not in {problem.check for problem in problems}
        return
    fitting = [problem for problem in problems if problem.check == check]
    assert fitting, problems
    assert says in fitting[0].message


def test_scopes_that_stay_the_same_are_told(tmp_path: Path) -> None:
    """A rule on expanded scopes must compare the lists."""
    text = SOUND.replace("file_downloaded", "app_scopes_expanded")
    assert "scopes" in {problem.check for problem in found(tmp_path, text)}


def test_a_problem_names_the_line(tmp_path: Path) -> None:
    """File and line of the key that is wrong, also of what cannot be read."""
    (problem,) = [p for p in found(tmp_path, SOUND.replace("tool", "tol")) if p.check == "word"]
    assert str(problem).startswith(f"{tmp_path / 'it.yml'}:12: sound: ")
    (broken,) = found(tmp_path, SOUND.replace("level: medium", "level: awful"))
    assert (broken.line, broken.check) == (15, "load")
    (no_yaml,) = found(tmp_path, "title: x\n  y: [")
    assert no_yaml.line == 2


def test_thresholds_need_near_misses_and_rows_are_not_things(tmp_path: Path) -> None:
    """A threshold without a case just below it is an error; counting files by rows a warning."""
    ten = "- {name: ten, given: [{does: file_downloaded, times: 10, over: 1m}], fires: 1}\n"
    checks = {p.check: p.severity for p in found(tmp_path, COUNTED, ten)}
    assert checks["near_miss"] == "error"
    assert checks["rows"] == "warning"
    other = ten + "- {name: unrelated, given: [{does: user_logout}], fires: 0}\n"
    assert "near_miss" in {p.check for p in found(tmp_path, COUNTED, other)}
    near = ten + "- {name: nine, given: [{does: file_downloaded, times: 9}], fires: 0}\n"
    assert "near_miss" not in {p.check for p in found(tmp_path, COUNTED, near)}
    ignored = COUNTED + "lint_ignore: {rows: rows are meant}\n"
    assert "rows" not in {p.check for p in found(tmp_path, ignored, near)}


def test_duplicates_and_the_same_rule_twice_in_a_window_are_found(tmp_path: Path) -> None:
    """Two rules of one meaning, one id or one title; a window of a rule with itself."""
    second = SOUND.replace("name: sound", "name: again")
    said = [p.message for p in found(tmp_path, SOUND + "---" + second) if p.check == "duplicate"]
    assert len(said) == 3
    itself = COUNTED.replace("event_count", "temporal").replace(
        "rules: base", "rules: [base, base]"
    )
    assert "itself" in {p.check for p in found(tmp_path, itself)}


@pytest.mark.parametrize(
    ("cases", "says"),
    [
        ("[1]", "name, given (events) and fires"),
        ("{a: 1}", "no list of cases"),
        ("- {name: x, given: [{dose: file_downloaded}], fires: 1}", "'dose' is unknown"),
        ("- {name: x, given: [{does: x, over: soon}], fires: 1}", "no span of time"),
        ("- {name: x, given: [], fires: yes}", "is a number"),
        ("- [", "cannot be read"),
    ],
)
def test_a_broken_case_is_a_problem_of_its_file(tmp_path: Path, cases: str, says: str) -> None:
    """It is told with the file of cases, and the rules go on."""
    problems = [p for p in found(tmp_path, SOUND, cases) if p.path.name == "it.cases.yml"]
    assert [says in p.message for p in problems] == [True], problems
