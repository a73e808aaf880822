"""Nothing in a stranger's text hides, reorders or joins."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.console.text import counted, shortened, visible


def test_plain_text_stays() -> None:
    """Words of any script, and lines, are left as they are."""
    for text in ("Glengarry-Leads.xlsx", "Größe naïve 東京 القاهرة", "two\nlines\tand a tab", ""):
        assert visible(text) == text


def test_odd_characters_are_named() -> None:
    """Overrides, zero-width and control characters are shown by their codes."""
    assert visible("a\u202eb\u200bc\x1b[0m\u3164") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+001B⟩[0m⟨U+3164⟩"
    assert visible("e\u0301\u0301\u0301\u0301").count("⟨U+0301⟩") == 2


@given(st.text())
def test_nothing_unseen_is_left(text: str) -> None:
    """Whatever the text, no format, control or private character is left but lines and tabs."""
    shown = visible(text).replace("\n", "").replace("\t", "")
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not any(unicodedata.category(one) in hidden for one in shown)
    assert visible(visible(text)) == visible(text)


@given(st.text(), st.integers(1, 20))
def test_shortened_text_is_short_and_keeps_both_ends(text: str, most: int) -> None:
    """The result has at most so many characters, and begins as the text does."""
    cut = shortened(text, most)
    assert len(cut) <= most
    assert cut == text or text.startswith(cut.partition("…")[0])


def test_numbers_are_told_with_their_noun() -> None:
    """One event, two thousand events, anomalies."""
    assert counted(1, "event") == "1 event"
    assert counted(2400, "anomaly", "anomalies") == "2,400 anomalies"
