"""Every detector with the cases beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

import gridtrail.detectors
from gridtrail.detect.cases import Case, CaseRunner, load_cases
from gridtrail.detect.contract import Detector
from gridtrail.detectors import all_detectors

FOLDER = Path(gridtrail.detectors.__path__[0])
CASES = {d.name: load_cases(FOLDER / f"{d.name}.cases.toml") for d in all_detectors()}
PAIRS = [(detector, case) for detector in all_detectors() for case in CASES[detector.name]]


def test_files_are_loaded() -> None:
    """Every file of the folder is a detector of that name, and every case file belongs to one."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")

    assert [detector.name for detector in all_detectors()] == names
    assert sorted(path.name for path in FOLDER.glob("*.cases.toml")) == [
        f"{name}.cases.toml" for name in names
    ]


def test_both_kinds_of_cases() -> None:
    """Every detector has three cases or more that fire and four near misses or more."""
    for name, cases in CASES.items():
        firing = [case for case in cases if case.finds]
        near = [case for case in cases if not case.finds and case.given]

        assert len(firing) >= 3, name
        assert len(near) >= 4, name


@pytest.mark.parametrize(("detector", "case"), PAIRS, ids=[f"{d.name}: {c.name}" for d, c in PAIRS])
def test_case(runner: CaseRunner, detector: Detector, case: Case) -> None:
    """Given the history and the events of the case, the detector finds what the case says."""
    assert runner.problems(detector, case) == []
