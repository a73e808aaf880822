"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.errors import WrongUse
from gridtrail.export.files import whole_file


def test_file_appears_at_the_end(tmp_path: Path) -> None:
    """The name does not exist before the block ends, and holds everything afterwards."""
    target = tmp_path / "out.csv"
    with whole_file(target) as file:
        file.write(b"half")
        file.flush()
        assert not target.exists()
    assert target.read_bytes() == b"half"
    assert target.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [target]


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    """A block that fails leaves no file, and an older file as it was."""
    target = tmp_path / "out.csv"
    target.write_bytes(b"old")
    with pytest.raises(OSError, match="Invalid"), whole_file(target, replace=True) as file:
        file.seek(-file.write(b"new"))
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_existing_file_is_kept(tmp_path: Path) -> None:
    """A file that is there already is replaced only when asked for."""
    target = tmp_path / "out.csv"
    target.write_bytes(b"old")
    with pytest.raises(WrongUse, match="--force"), whole_file(target):
        pytest.fail("the block must not run")
    with whole_file(target, replace=True) as file:
        file.write(b"new")
    assert target.read_bytes() == b"new"


def test_file_that_appeared_meanwhile_is_kept(tmp_path: Path) -> None:
    """A file that somebody else wrote while the block ran is not replaced."""
    target = tmp_path / "out.csv"
    with pytest.raises(WrongUse, match="there already"), whole_file(target):
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs"


@pytest.mark.parametrize("where", [".", "missing/out.csv"])
def test_impossible_places(tmp_path: Path, where: str) -> None:
    """A directory or a place in a missing directory is refused in one sentence."""
    with pytest.raises(WrongUse), whole_file(tmp_path / where):
        pytest.fail("the block must not run")
