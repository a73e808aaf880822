"""Cells that a spreadsheet cannot run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.export.cells import harmless, is_dangerous, restored

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "@SUM(A1)",
    "+1-555-0100",
    "-2+3+cmd|' /C calc'!A0",
    "\t=1",
    "\r=1",
    "\n=1",
    "\tplain",
    " =1",
    "'=1",
    '"=1',
    " \"' =1",
    "\x00=1",
    "\ufeff=1",
    "\xa0@x",
    "＝1",
    "-",
    "-5a",
]
PLAIN = ["", "text", "a=b", "'tis", "-5", "+5.25", "-1e9", "0", "Mira Quinn", "{}", "ünïcode"]

cells = st.one_of(
    st.text(),
    st.text(alphabet="=+-@'\" \t\r\n0159eE.,a＝"),
    st.from_regex(r"[+-]?[0-9]{1,5}(\.[0-9]{1,3})?", fullmatch=True),
)


@pytest.mark.parametrize("text", FORMULAS)
def test_formula_gets_an_apostrophe(text: str) -> None:
    """What a spreadsheet might run starts with an apostrophe afterwards."""
    assert harmless(text) == "'" + text


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text_and_numbers_stay(text: str) -> None:
    """Text and numbers that no spreadsheet runs are not touched."""
    assert harmless(text) == text


@given(cells)
def test_text_comes_back(text: str) -> None:
    """The text can always be got back from its cell."""
    assert restored(harmless(text)) == text


@given(cells)
def test_first_character_tells_no_formula(text: str) -> None:
    """No cell starts with a formula's sign unless it is a plain number."""
    cell = harmless(text)
    if cell[:1] and cell[0] in "=+-@\t\r\n＝＋－＠":
        float(cell)


@given(cells)
def test_only_an_apostrophe_is_added(text: str) -> None:
    """A dangerous cell gains one character in front, any other cell none."""
    assert harmless(text) == ("'" + text if is_dangerous(text) else text)
