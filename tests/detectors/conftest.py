"""One runner for all cases, so that ordinary life is decided once for each detector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gridtrail.detect.cases import CaseRunner
from gridtrail.engine.duckdb import DuckDB


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CaseRunner]:
    """Runs cases; its engine compiles each detector once."""
    engine = DuckDB(threads=1)
    yield CaseRunner(tmp_path_factory.mktemp("cases"), engine)
    engine.close()
