"""Rules are told as their files are now, with what is wrong and what they hit."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.rules.state import RULE_HITS
from gridtrail.server.console.per_file import FileCounts
from gridtrail.server.console.rule_facts import (
    RuleShelf,
    file_name,
    newest_hits,
    rule_overview,
    technique_address,
)
from gridtrail.settings import RulesSettings

RULE = """
title: Logins of Ann
id: 5d6f0c5e-7f3a-4c80-9a3f-0f7f0a3f1c11
name: logins_of_ann
logsource: {product: slack, service: audit}
detection:
  selection: {action: user_login}
  condition: selection
level: high
tags: [attack.t1078.004]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one rule that runs and one that cannot."""
    (tmp_path / "ann.yml").write_text(RULE)
    broken = RULE.replace("Logins of Ann", "Broken").replace("logins_of_ann", "broken_one")
    broken = broken.replace("5d6f0c5e", "6d6f0c5e").replace("action:", "no_such_field:")
    (tmp_path / "broken.yml").write_text(broken)
    (tmp_path / "nonsense.yml").write_text("title: [")
    return tmp_path


def _hit(number: int, at: int, rule_id: str, org: str = "E0ACME") -> dict[str, Any]:
    return {
        "org": org, "day": dt.datetime.fromtimestamp(at, dt.UTC).date(), "id": f"{number:032}",
        "rule_id": rule_id, "rule": "a_name", "rule_version": "1", "title": "t", "level": "high",
        "at": at, "event_id": f"e{number}", "event_ids": [f"e{number}"], "subject": "W1",
        "actor_id": "W1", "session_id": None, "ip": None, "grouped": "{}",
    }  # fmt: skip


def test_a_changed_file_is_read_again(folder: Path) -> None:
    """The same answer until a file changes; what is broken is told with its place."""
    shelf = RuleShelf(RulesSettings(pack=False, folders=[folder]))
    first = shelf.current()
    assert shelf.current() is first
    assert "logins_of_ann" in first.rules
    places = {(one.path.name, one.line > 0) for one in first.problems}
    assert {("broken.yml", True), ("nonsense.yml", True)} <= places
    (folder / "nonsense.yml").unlink()
    os.utime(folder / "ann.yml", (1, 1))
    assert {one.path.name for one in shelf.current().problems} == {"broken.yml"}


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    """The page goes on and says which setting to correct."""
    shelf = RuleShelf(RulesSettings(pack=False, folders=[tmp_path / "gone"]))
    assert "rules.folders" in shelf.current().problem
    (tmp_path / "gone").mkdir()
    assert shelf.current().problem == ""


def test_rules_are_told_with_their_hits(
    new_data: Any, make_event: Any, noon: int, folder: Path
) -> None:
    """Hits of the last days by day; of rules that are gone by their old name; others' are not."""
    data = new_data()
    data.fill([make_event("a", 0)])
    known = "5d6f0c5e-7f3a-4c80-9a3f-0f7f0a3f1c11"
    hits = [_hit(1, noon, known), _hit(2, noon - 86_400, known), _hit(3, noon, "gone")]
    hits += [_hit(4, noon - 90 * 86_400, known), _hit(5, noon, known, "E0OTHER")]
    data.lake.write(RULE_HITS, pa.Table.from_pylist(hits, schema=RULE_HITS.schema))
    settings = RulesSettings(pack=False, folders=[folder], disabled=["logins_of_ann"])
    shelf = RuleShelf(settings).current()
    found = rule_overview(data.lake, settings, FileCounts(), shelf, "E0ACME")
    by_name = {one.rule.key: one for one in found.rules}
    ann = by_name["logins_of_ann"]
    assert ann.state == "off"
    assert ann.hits == {noon // 86_400: 1, noon // 86_400 - 1: 1}
    assert (ann.total, ann.last_hit, ann.tags) == (2, noon, ["attack.t1078.004"])
    assert found.strangers == {"a_name": 1}
    assert found.decided_to is None
    assert [row["event_id"] for row in newest_hits(data.lake, "E0ACME", known)] == [
        "e1",
        "e2",
        "e4",
    ]


@pytest.mark.parametrize(
    ("tag", "address"),
    [
        ("attack.t1078", "https://attack.mitre.org/techniques/T1078/"),
        ("attack.T1078.004", "https://attack.mitre.org/techniques/T1078/004/"),
        ("attack.persistence", None),
        ("attack.t1078/../x", None),
        ("javascript:alert(1)", None),
    ],
)
def test_only_techniques_lead_to_mitre(tag: str, address: str | None) -> None:
    """The address is made of letters and digits of the tag alone."""
    assert technique_address(tag) == address


def test_a_file_of_the_pack_is_named_by_its_place() -> None:
    """Others are named whole, so that people find them."""
    shelf = RuleShelf(RulesSettings()).current()
    assert file_name(shelf.rules.rules[0].path).startswith("pack/")
    assert file_name(Path("/etc/rules/x.yml")) == "/etc/rules/x.yml"
