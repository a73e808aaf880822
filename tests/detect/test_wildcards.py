"""Patterns with `*`."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.wildcards import fits, fits_any


@given(st.text("ab", max_size=8), st.text("ab*", max_size=6))
def test_it_says_what_a_regular_expression_says(text: str, pattern: str) -> None:
    """A star stands for any text, everything else for itself."""
    same = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
    assert fits(text, pattern) == same


def test_letter_case_does_not_count() -> None:
    """Names are written in many ways."""
    assert fits("Glengarry-LEADS.xlsx", "*leads*")
    assert fits_any(["a", "Straße"], ["x", "STRASSE"])
    assert not fits_any(["a"], [])
