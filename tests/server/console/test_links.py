"""Addresses carry any text, and never leave the site."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.console.links import link, local

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(TEXTS, st.lists(TEXTS, min_size=1))
def test_what_is_put_in_comes_out(one: str, several: list[str]) -> None:
    """Each value is read back as it was; lists give one parameter an item."""
    query = urlsplit(link("/logs", {"actor": one}, action=several)).query
    assert parse_qsl(query, keep_blank_values=True) == [
        ("actor", one),
        *(("action", name) for name in several),
    ]


def test_what_is_not_set_is_left_out() -> None:
    """None, empty texts and lists, and what is set to None afterwards."""
    assert link("/logs", {"actor": None, "ip": "", "action": []}) == "/logs"
    assert link("/logs", {"actor": "W1", "ip": "x"}, actor=None) == "/logs?ip=x"


@given(st.text())
def test_a_goal_is_never_another_site(path: str) -> None:
    """Whatever is asked for, the goal is a path of this site."""
    found = local(path)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert urlsplit(found).netloc == ""


def test_a_goal_of_ours_is_kept() -> None:
    """A page with its filters."""
    assert local("/logs?actor=W1") == "/logs?actor=W1"
