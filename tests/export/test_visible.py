"""Text of a stranger, for people to read."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.export.visible import visible


def test_what_hides_is_shown() -> None:
    """Characters that hide, turn around or pile up are shown by their code, on one line."""
    assert visible("a\u202eb\u200bc\nd") == "a⟨U+202E⟩b⟨U+200B⟩c⟨U+000A⟩d"
    assert visible("e" + "\u0301" * 4).endswith("⟨U+0301⟩⟨U+0301⟩")
    assert visible("Größe 日本 🙂") == "Größe 日本 🙂"


@given(st.text())
def test_nothing_hides(text: str) -> None:
    """Whatever comes, no control or format character is left but those that are kept."""
    left = {unicodedata.category(c) for c in visible(text)}
    assert left.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    assert visible(text, lambda _: "", kept="\n").count("\n") == text.count("\n")
