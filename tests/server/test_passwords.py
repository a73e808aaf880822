"""Passwords are kept so that nobody can read them."""

from __future__ import annotations

import pytest

from gridtrail.errors import WrongUse
from gridtrail.server.passwords import hashed, matches

GOOD = "correct horse battery"


def test_a_password_matches_what_was_made_of_it_and_nothing_else() -> None:
    """Only the same password matches; with no account none does."""
    stored = hashed(GOOD)
    assert stored.startswith("$argon2id$")
    assert GOOD not in stored
    assert matches(stored, GOOD)
    assert not matches(stored, GOOD + " ")
    assert not matches(None, GOOD)
    assert not matches("no hash", GOOD)


def test_the_same_password_is_stored_differently_each_time() -> None:
    """Equal passwords cannot be seen to be equal."""
    assert hashed(GOOD) != hashed(GOOD)


@pytest.mark.parametrize("bad", ["", "short", "x" * 257])
def test_a_password_is_neither_short_nor_endless(bad: str) -> None:
    """Too short and too long passwords are refused, and match nothing."""
    with pytest.raises(WrongUse, match="12 to 256"):
        hashed(bad)
    assert not matches(hashed(GOOD), bad)
