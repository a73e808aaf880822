"""One runner for all cases, so that ordinary life is decided once for each detector."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import gridtrail.detectors
from gridtrail.detect.cases import CaseRunner, load_cases
from gridtrail.detect.checks import Bench
from gridtrail.detect.contract import Detector
from gridtrail.engine.duckdb import DuckDB

FOLDER = Path(gridtrail.detectors.__path__[0])


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseRunner]:
    """Runs cases; its engine compiles each detector once."""
    engine = DuckDB(threads=1)
    yield CaseRunner(tmp_path_factory.mktemp("cases"), engine)
    engine.close()


@pytest.fixture(scope="module")
def bench(request: pytest.FixtureRequest, runner: CaseRunner) -> Bench:
    """One detector (the parameter) with the events of its cases."""
    detector: Detector = request.param
    return Bench(runner, detector, load_cases(FOLDER / f"{detector.name}.cases.toml"))
