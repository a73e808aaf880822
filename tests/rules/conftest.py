"""An engine for all, rules from text, and lakes in temporary directories."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gridtrail.detect.stage import stage_settings
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.rules.folder import RuleFolders
from gridtrail.rules.rule import RuleSet
from gridtrail.settings import Settings

NewLake = Callable[[], Lake]
Rules = Callable[[str], RuleSet]


@pytest.fixture(scope="session")
def engine() -> Iterator[DuckDB]:
    """One session for all tests."""
    engine = DuckDB(threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def new_lake(tmp_path_factory: pytest.TempPathFactory, engine: DuckDB) -> NewLake:
    """Makes empty lakes."""
    folder = tmp_path_factory.mktemp("lakes")
    numbers = itertools.count()
    return lambda: Lake(folder / f"lake{next(numbers)}", engine)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings under which the places of the stage are known."""
    return stage_settings(tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="session")
def rules_of(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """Reads rules from the text of one file."""
    folder = tmp_path_factory.mktemp("rules")
    numbers = itertools.count()

    def read(text: str) -> RuleSet:
        path: Path = folder / f"given{next(numbers)}.yml"
        path.write_text(text, encoding="utf-8")
        return RuleFolders([path]).current()

    return read
