from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gridtrail.lab.outcome import Outcome


def test_round_trip(made: Callable[..., Outcome], tmp_path: Path) -> None:
    """What is written is read back equal, and nothing else is left beside it."""
    made(seed=7, pushed=2).write(tmp_path / "one.json")
    assert Outcome.read(tmp_path / "one.json") == made(seed=7, pushed=2)
    assert [file.name for file in tmp_path.iterdir()] == ["one.json"]
