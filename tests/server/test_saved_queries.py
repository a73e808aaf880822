"""Queries are kept under a name, each with its owner."""

from __future__ import annotations

from pathlib import Path

import pytest

from gridtrail.errors import WrongUse
from gridtrail.server.saved_queries import MOST_SQL, SavedQueries

ANN, BO = ("U1", "Ann"), ("U2", "Bo")


def test_a_query_is_kept_replaced_and_forgotten(state_place: Path | str) -> None:
    """The same name of the same person is one query; somebody else's is another."""
    with SavedQueries(state_place, clock=lambda: 1_700_000_000.5) as store:
        first = store.save(" Busy people ", "SELECT 1", ANN)
        other = store.save("Busy people", "SELECT 2", BO)
        again = store.save("Busy people", "SELECT 3\0", ANN)
        assert (first.name, first.saved_at) == ("Busy people", 1_700_000_000)
        kept = {one.id: one for one in store.list()}
        assert set(kept) == {other.id, again.id}
        assert kept[again.id].sql == "SELECT 3\ufffd"
        assert store.delete(other.id) == other
        with pytest.raises(WrongUse, match="no such saved query"):
            store.delete(other.id)
        assert store.list() == [again]


@pytest.mark.parametrize(
    ("name", "sql", "says"),
    [
        ("", "SELECT 1", "name has"),
        ("x" * 101, "SELECT 1", "name has"),
        ("x\u202e", "SELECT 1", "name has"),
        ("x", "  ", "has 1 to"),
        ("x", "x" * (MOST_SQL + 1), "has 1 to"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path: Path, name: str, sql: str, says: str) -> None:
    """Bad names and sizes are named in the refusal."""
    with SavedQueries(tmp_path / "state.db") as store:
        with pytest.raises(WrongUse, match=says):
            store.save(name, sql, ANN)
        assert store.list() == []
