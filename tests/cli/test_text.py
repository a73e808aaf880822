"""Strangers' text on a terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gridtrail.cli.text import counted, cut, padded, visible

any_text = st.text(alphabet=st.characters(exclude_categories=[]))
nasty = st.text(
    alphabet="ab \x1b\x9b\x07\x08\r\n\t\x00\x7f\u202e\u2066\u200b\u200d\ufeff\u0301[]\\漢"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Mira Quinn", "Mira Quinn"),
        ("żółw 漢字 😀", "żółw 漢字 😀"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("invoice\u202efdp.exe", "invoice\\u202efdp.exe"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\u3164", "\\u3164"),
        ("a\U000e0041", "a\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301\\u0301\\u0301"),
        ("[red]x[/red]", "[red]x[/red]"),
    ],
)
def test_escapes(text: str, shown: str) -> None:
    """Letters stay, what would move, hide or reorder text is shown as an escape."""
    assert visible(text) == shown


@given(any_text | nasty)
def test_nothing_unruly_is_left(text: str) -> None:
    """No control, format, surrogate, private or separator character survives."""
    for character in visible(text):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(any_text | nasty)
def test_showing_twice_changes_nothing(text: str) -> None:
    """What is safe already stays as it is."""
    assert visible(visible(text)) == visible(text)


@given(any_text | nasty, st.integers(1, 30))
def test_cut_fits(text: str, width: int) -> None:
    """Cut text is never wider than asked for, and short text stays whole."""
    shown = visible(text)
    short = cut(shown, width)
    assert cell_len(short) <= width
    assert short == shown or "…" in short
    assert cell_len(padded(short, width)) == width


def test_cut_keeps_both_ends() -> None:
    """A long text loses its middle."""
    assert cut("abcdefghijklmnop", 10) == "abcdef…nop"
    assert cut("漢字漢字漢字", 7) == "漢字…字"


def test_counted() -> None:
    """Numbers and their nouns agree."""
    assert [counted(n, "event") for n in (0, 1, 2400)] == ["0 events", "1 event", "2,400 events"]
    assert counted(2, "entry", "entries") == "2 entries"
