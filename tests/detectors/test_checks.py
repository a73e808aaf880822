"""Every detector passes the battery."""

from __future__ import annotations

from pathlib import Path

import pytest

import gridtrail.detectors
from gridtrail.detect.cases import CaseRunner, load_cases
from gridtrail.detect.checks import CHECKS, Bench
from gridtrail.detect.contract import Detector
from gridtrail.detectors import all_detectors

FOLDER = Path(gridtrail.detectors.__path__[0])


@pytest.fixture(scope="module", params=all_detectors(), ids=lambda detector: detector.name)
def bench(request: pytest.FixtureRequest, runner: CaseRunner) -> Bench:
    """One detector with the events of its cases."""
    detector: Detector = request.param
    return Bench(runner, detector, load_cases(FOLDER / f"{detector.name}.cases.toml"))


@pytest.mark.parametrize("name", CHECKS)
def test_check(bench: Bench, name: str) -> None:
    """The detector passes this check of the battery."""
    assert list(CHECKS[name](bench)) == []
