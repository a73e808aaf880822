"""One process at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.errors import WrongUse
from gridtrail.lake.only_one import only_one


def test_only_one_at_a_time(tmp_path: Path) -> None:
    """Who comes second is refused with the sentence, and welcome once the first is gone."""
    home = tmp_path / "lake"
    with (
        only_one(home, "name", "It is taken."),
        only_one(home, "another", "No."),
        pytest.raises(WrongUse, match="It is taken"),
        only_one(home, "name", "It is taken."),
    ):
        pass
    with only_one(home, "name", "It is taken."):
        pass
