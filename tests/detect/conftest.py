"""An engine for all, lakes in temporary directories, and small made-up organizations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridtrail.detect.stage import stage_settings
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings

NewLake = Callable[[], Lake]


@pytest.fixture(scope="session")
def engine() -> Iterator[DuckDB]:
    """One session for all tests: each expression is compiled once."""
    engine = DuckDB(threads=1)
    yield engine
    engine.close()


@pytest.fixture
def new_lake(tmp_path: Path, engine: DuckDB) -> NewLake:
    """Makes empty lakes."""
    numbers = itertools.count()
    return lambda: Lake(tmp_path / f"lake{next(numbers)}", engine)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings under which the places of the stage are known."""
    return stage_settings(tmp_path_factory.mktemp("stage"))
