"""`gridtrail rules`: list, lint, test, run, backtest, convert."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Store = Callable[[Sequence[Mapping[str, Any] | str]], None]

RULE = """
title: Three files in a minute
id: 6f0d6b1e-92f4-4f0b-8a8b-7a4d3b8a2c56
name: three
description: Quick.
references: [https://example.org]
tags: [attack.collection, attack.t1213]
falsepositives: [Haste.]
level: high
correlation:
  type: value_count
  rules: download
  group-by: actor.user.id
  timespan: 1m
  condition: {field: entity.id, gte: 3}
---
title: download
name: download
logsource: {product: slack, service: audit}
detection:
  selection: {action: file_downloaded}
  condition: selection
level: informational
"""
CASES = """
- name: three
  given: [{does: file_downloaded, times: 3, over: 30s}]
  fires: [{who: ann}]
- name: two
  given: [{does: file_downloaded, times: 2, over: 30s}]
  fires: 0
"""


@pytest.fixture
def own(data: Path, tmp_path: Path) -> Path:
    """A folder of rules that the settings name; the pack is off."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "three.yml").write_text(RULE)
    (folder / "three.cases.yml").write_text(CASES)
    data.mkdir()
    (data / "gridtrail.toml").write_text(f'[rules]\npack = false\nfolders = ["{folder}"]\n')
    return folder


def test_rules_are_listed_and_broken_ones_told(gridtrail: Run, own: Path) -> None:
    """Rules that only others use are not in the list; a broken file is told and stops nothing."""
    (own / "broken.yml").write_text("title: x\ndetection: [")
    result = gridtrail("rules", "list", "--format", "ndjson")
    assert result.code == 0
    assert [(row["rule"], row["kind"], row["level"]) for row in result.rows] == [
        ("three", "value_count", "high")
    ]
    assert "broken.yml:2: It is no YAML" in result.err


def test_lint_and_test_end_with_one_when_something_is_wrong(gridtrail: Run, own: Path) -> None:
    """Sound rules pass; a wrong case and a wrong name do not."""
    assert gridtrail("rules", "lint").code == 0
    assert gridtrail("rules", "test").code == 0
    (own / "three.cases.yml").write_text(CASES.replace("times: 2", "times: 3"))
    (own / "three.yml").write_text(RULE.replace("file_downloaded", "file_download"))
    lint = gridtrail("rules", "lint", str(own), "--format", "json")
    assert lint.code == 1
    (row,) = [row for row in lint.json if row["check"] == "action"]
    assert row["place"].endswith("three.yml:21")
    tested = gridtrail("rules", "test", str(own), "--format", "json")
    assert tested.code == 1
    assert "1 hits expected, found nothing" in tested.json[0]["message"]


def test_a_run_prints_new_hits_once_and_a_backtest_the_difference(
    gridtrail: Run, own: Path, store: Store, event: Callable[..., Any]
) -> None:
    """A dry run keeps nothing; the second real run has nothing new."""
    assert "There are no events yet" in gridtrail("rules", "run").err
    store([event(number) for number in range(3)])
    dry = gridtrail("rules", "run", "--dry-run", "--format", "ndjson")
    kept = gridtrail("rules", "run", "--format", "ndjson")
    assert kept.rows == dry.rows
    assert [(row["rule"], row["subject"], row["event_id"]) for row in kept.rows] == [
        ("three", "W0MIRAQ7X1", "event-0002")
    ]
    assert gridtrail("rules", "run", "--format", "ndjson").rows == []
    other = own.parent / "other.yml"
    other.write_text(RULE.replace("gte: 3", "gte: 2"))
    tried = gridtrail("rules", "backtest", str(other), "--from", "2026-09-01", "--format", "json")
    assert [(r["day"], r["hits"], r["in_force"], r["added"], r["gone"]) for r in tried.json] == [
        ("2026-09-21", 1, 1, 1, 1)
    ]
    hits = gridtrail(
        "rules", "backtest", "three", "--from", "2026-09-01", "--hits", "--format", "ndjson"
    )
    assert hits.rows == kept.rows


def test_a_rule_is_converted_or_what_to_install_is_said(gridtrail: Run, own: Path) -> None:
    """The query alone goes to stdout."""
    assert gridtrail("rules", "convert", "download", "--to", "gridtrail").text == (
        "e.\"action\" = 'file_downloaded'\n"
    )
    refused = gridtrail("rules", "convert", "download", "--to", "nowhere")
    assert refused.code == 2
    assert "pip install pysigma-backend-nowhere" in refused.err
    assert gridtrail("rules", "convert", "gone", "--to", "gridtrail").code == 2
