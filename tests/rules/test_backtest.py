"""Backtests: what a rule would have fired, and the difference to the version in force."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gridtrail.detect import stage
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.rules.backtest import Backtest, backtest
from gridtrail.rules.folder import RuleFolders
from gridtrail.rules.state import RULE_HITS
from gridtrail.settings import Settings

TEXT = """
title: download
name: download
logsource: {{product: slack, service: audit}}
detection:
  selection: {{action: file_downloaded}}
  condition: selection
---
title: many
id: 6f0d6b1e-92f4-4f0b-8a8b-7a4d3b8a2c56
name: many
correlation:
  type: event_count
  rules: download
  group-by: actor.user.id
  timespan: 10m
  condition: {{gte: {least}}}
"""


@pytest.fixture(scope="module")
def tried(
    new_lake: Callable[[], Lake], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Backtest]:
    """Backtests a rule (a name, or a text) against `many` with 5 on two days of two persons."""
    lake = new_lake()
    events = [
        stage.slack_event(stage.second_of(day, "10:00") + n, who, "file_downloaded")
        for day, who, count in ((-1, "ann", 5), (0, "ann", 3), (0, "ben", 8))
        for n in range(count)
    ]
    stage.store(lake, events)
    folder = tmp_path_factory.mktemp("force")
    (folder / "many.yml").write_text(TEXT.format(least=5))
    current = RuleFolders([folder]).current()

    def run(what: str, first: int = stage.second_of(-9)) -> Backtest:
        if "title" in what:
            file = tmp_path_factory.mktemp("tried") / "other.yml"
            file.write_text(what)
            what = str(file)
        last = stage.second_of(9)
        found = backtest(lake, lake.engine, settings, what, current, first=first, last=last)
        lake.view(RULE_HITS, "_none")
        assert lake.engine.value("SELECT count(*) FROM _none") == 0
        return found

    return run


def rows(found: Backtest) -> list[tuple[str, str, int, int, int, int]]:
    """Day, person and the four numbers of each row."""
    keys = ("day", "subject", "hits", "in_force", "added", "gone")
    return [tuple(row[key] for key in keys) for row in found.rows()]


def test_the_version_in_force_differs_in_nothing_from_itself(
    tried: Callable[..., Backtest],
) -> None:
    """By its name or its id, within the range alone."""
    found = tried("many")
    assert rows(found) == [
        ("2026-11-17", "W0ANN", 1, 1, 0, 0),
        ("2026-11-18", "W0BEN", 1, 1, 0, 0),
    ]
    assert rows(tried("6f0d6b1e-92f4-4f0b-8a8b-7a4d3b8a2c56", stage.second_of(0)))[0][1] == "W0BEN"


def test_another_threshold_shows_what_is_added_and_what_is_gone(
    tried: Callable[..., Backtest],
) -> None:
    """A hit is the same when its deciding event and group are."""
    found = tried(TEXT.format(least=8))
    assert rows(found) == [
        ("2026-11-17", "W0ANN", 0, 1, 0, 1),
        ("2026-11-18", "W0BEN", 1, 1, 1, 1),
    ]
    assert found.in_force is not None
    assert found.in_force.version != found.rule.version


def test_a_new_rule_may_use_rules_in_force(tried: Callable[..., Backtest]) -> None:
    """It has no version in force, so all is added."""
    text = TEXT.format(least=3).split("---")[1].replace("name: many", "name: few")
    found = tried(text.replace("2c56", "2c99").replace("title: many", "title: few"))
    assert found.in_force is None
    assert [row[2:] for row in rows(found)] == [(1, 0, 1, 0)] * 3


def test_what_is_not_there_or_broken_is_said(
    tried: Callable[..., Backtest], tmp_path: Path
) -> None:
    """One sentence with the next step."""
    with pytest.raises(WrongUse, match="There is no rule nothing"):
        tried("nothing")
    with pytest.raises(WrongUse, match=r"other\.yml:1"):
        tried("title: x\nbroken: true\n")
