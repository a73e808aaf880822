"""`gridtrail evaluate`, on outcomes that are there already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.lab.evaluate import outcome_file
from gridtrail.lab.organizations import organizations
from gridtrail.lab.outcome import Outcome, Rate, Said, ToldStory

Run = Callable[..., Any]
OPTIONS = ("-n", "2", "--seed", "9", "--people", "40", "--days", "40")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A directory with the outcomes of two organizations, with and without attacks."""
    for plan in organizations([9, 10], people=40, days=40):
        at = plan.start + 39 * 86_400
        story = ToldStory("tor", "loud", False, False, ["tor"], ["W0A"], at, at, 3)
        said = Said("x", at, "tor", "W0A", ["tor"], "words", None, 0)
        Outcome(
            plan.seed, plan.archetype, plan.people, plan.days, plan.start, 100, 1.0, [story],
            [said], [], [Rate("ip_address", "member", 4.0, 4, 100)],
        ).write(outcome_file(tmp_path, plan))  # fmt: skip
    return tmp_path


def test_every_format(gridtrail: Run, kept: Path) -> None:
    """The table has all its parts, programs get one row a line of it."""
    shown = gridtrail("evaluate", *OPTIONS, "--keep", str(kept))
    assert shown.code == 0
    for title in ("In short", "Attacks", "Harmless stories", "Realised over nominal"):
        assert title in shown.text
    rows = gridtrail("evaluate", *OPTIONS, "--keep", str(kept), "-f", "json").json
    tor = next(row for row in rows if row["kind"] == "tor")
    assert (tor["section"], tor["tried"], tor["raised"], tor["noted"]) == ("stories", 2, 2, 0)
    lines = gridtrail("evaluate", *OPTIONS, "--keep", str(kept), "-f", "csv").text.splitlines()
    assert len(lines) == len(rows) + 1


def test_page(gridtrail: Run, kept: Path, tmp_path: Path) -> None:
    """--write leaves a page with the command that makes it."""
    file = tmp_path / "quality.md"
    run = gridtrail("evaluate", *OPTIONS, "--keep", str(kept), "--write", str(file))
    assert run.code == 0
    assert "--organizations 2 --seed 9 --people 40 --days 40 --write" in file.read_text()
    assert "What this does not prove" in file.read_text()


def test_what_cannot_be(gridtrail: Run, tmp_path: Path) -> None:
    """Too few days, an unknown detector and a page in no directory are refused at once."""
    keep = ("--keep", str(tmp_path))
    assert "needs 40 days" in gridtrail("evaluate", "--days", "20", *keep).err
    assert gridtrail("evaluate", "--only", "nonsense", *keep).code == 2
    run = gridtrail("evaluate", *OPTIONS, "--write", str(tmp_path / "no" / "page.md"))
    assert (run.code, "is no directory" in run.err) == (2, True)
