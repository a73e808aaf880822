from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from gridtrail.errors import WrongUse
from gridtrail.lab.evaluate import chosen, evaluate, outcome_file
from gridtrail.lab.outcome import Outcome
from gridtrail.sandbox.plan import Plan

PLANS = [Plan(seed=1, people=20, days=3), Plan(seed=2, people=20, days=3)]


def test_an_evaluation_goes_on_where_it_ended(tmp_path: Path) -> None:
    """Each plan is tried in a process of its own; what is there already is not tried again."""
    shares: list[float] = []
    first = evaluate(
        PLANS[:1], tmp_path, only=["tor"], on_progress=lambda share, _: shares.append(share)
    )
    assert [one.seed for one in first] == [1]
    assert min(shares) < 0.5 < max(shares) <= 1
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]  # nothing else is kept
    file = outcome_file(tmp_path, PLANS[0], ["tor"])
    dataclasses.replace(Outcome.read(file), events=-1).write(file)
    again = evaluate(PLANS, tmp_path, only=["tor"], processes=1, keep=True)
    assert again[0].events == -1
    assert (again[1].seed, again[1].people) == (2, 20)
    assert (outcome_file(tmp_path, PLANS[1], ["tor"]).with_suffix("") / "data" / "lake").is_dir()


def test_which_detectors() -> None:
    """All detectors, or those named; an unknown name lists what there is."""
    assert len(chosen([])) > 10
    assert [one.name for one in chosen(["tor", "asn"])] == ["asn", "tor"]
    with pytest.raises(WrongUse, match="unexpected_scraping"):
        chosen(["scraping"])


def test_outcomes_have_names_of_their_own(tmp_path: Path) -> None:
    """Another plan or other detectors have another file."""
    files = {outcome_file(tmp_path, plan, only) for plan in PLANS for only in ((), ("tor",))}
    assert len(files) == 4
