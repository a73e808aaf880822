"""Folders of rules: read anew when they change, and a broken file stops nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.errors import BadSettings
from gridtrail.rules.folder import PACK, RuleFolders, rule_folders
from gridtrail.settings import RulesSettings

RULE = """title: {name}
name: {name}
logsource: {{product: slack, service: audit}}
detection:
  selection: {{action: {action}}}
  condition: selection
"""


def write(folder: Path, name: str, action: str = "user_login") -> Path:
    """A file with one rule."""
    path = folder / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RULE.format(name=path.stem, action=action))
    return path


def names(folders: RuleFolders) -> list[str]:
    """Keys of the rules in force."""
    return [rule.key for rule in folders.current().firing]


def test_a_change_is_seen_at_the_next_look_and_nothing_else_is_read_again(tmp_path: Path) -> None:
    """Files come, change and go; without a change the same set is given."""
    write(tmp_path, "one")
    folders = RuleFolders([tmp_path])
    first = folders.current()
    assert folders.current() is first
    write(tmp_path, "deep/two")
    assert names(folders) == ["two", "one"]
    before = folders.current()["one"].version
    write(tmp_path, "one", "user_logout_changed")
    assert folders.current()["one"].version != before
    (tmp_path / "one.yml").unlink()
    assert names(folders) == ["two"]


def test_a_broken_file_is_told_with_its_line_and_the_others_go_on(tmp_path: Path) -> None:
    """No YAML, no rule, a wrong condition, a binary file, a name twice, an endless reference."""
    write(tmp_path, "good")
    texts = {
        "yaml": "a: [",
        "list": "- 1\n",
        "condition": RULE.format(name="x", action="y").replace("condition: sel", "condition: nos"),
        "twice": RULE.format(name="good", action="user_logout"),
        "dangling": "title: d\ncorrelation: {type: event_count, rules: gone, group-by: id, "
        "timespan: 1m, condition: {gte: 2}}\n",
        "circle": "title: c\nname: c\ncorrelation: {type: event_count, rules: c, group-by: id, "
        "timespan: 1m, condition: {gte: 2}}\n",
        "span": "title: s\ncorrelation: {type: event_count, rules: good, group-by: id, "
        "timespan: soon, condition: {gte: 2}}\n",
        "null": RULE.format(name="n", action='"a\\0b"'),
        "bomb": "a: &a [x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{c}: &{c} [{', '.join(['*' + p] * 8)}]\n"
            for p, c in zip("abcde", "bcdef", strict=True)
        )
        + "title: bomb\ndetection: {s: *f, condition: s}\nlogsource: {product: slack}\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yml").write_text(text)
    (tmp_path / "binary.yml").write_bytes(b"\xff\xfe\x00")
    folders = RuleFolders([tmp_path])
    told = {problem.path.stem for problem in folders.current().problems}
    assert told >= set(texts) - {"condition", "twice"} | {"binary"}
    assert "good" in {rule.key for rule in folders.current().rules}
    spans = [p for p in folders.current().problems if p.path.stem == "span"]
    assert "imespan" in spans[0].message


def test_hidden_folders_and_cases_are_passed_by(tmp_path: Path) -> None:
    """A git checkout may be named as it is."""
    write(tmp_path, ".git/hooks/one")
    write(tmp_path, "two")
    (tmp_path / "two.cases.yml").write_text("- nothing\n")
    folders = RuleFolders([tmp_path])
    assert names(folders) == ["two"]
    assert folders.current().problems == ()


def test_settings_choose_pack_folders_and_what_is_off(tmp_path: Path) -> None:
    """A rule that is switched off makes no hits; a folder that is not there is told."""
    write(tmp_path, "one")
    write(tmp_path, "two")
    off = rule_folders(RulesSettings(pack=False, folders=[tmp_path], disabled=["two"]))
    assert names(off) == ["one"]
    assert rule_folders(RulesSettings()).folders == [PACK]
    with pytest.raises(BadSettings, match="not there"):
        rule_folders(RulesSettings(folders=[tmp_path / "gone"]))


def test_the_pack_is_whole() -> None:
    """Every file of the pack is loaded, and each rule that fires has a UUID and a name."""
    rules = RuleFolders([PACK]).current()
    assert rules.problems == ()
    files = {path for path in PACK.rglob("*.yml") if not path.name.endswith(".cases.yml")}
    assert {rule.path for rule in rules.rules} == files
    assert all(rule.id != rule.key for rule in rules.firing)
