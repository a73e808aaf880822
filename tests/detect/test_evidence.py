"""Evidence: numbers as text, and strings that cannot leave their quotes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.evidence import p_text, score_millinats, sql_text
from gridtrail.engine.duckdb import DuckDB


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_sql_text(engine: DuckDB, value: str) -> None:
    """Any text comes back from the engine as it was, out of one printable line."""
    literal = sql_text(value)

    assert literal.isprintable()
    assert engine.value(f"SELECT {literal}") == value


@pytest.mark.parametrize(
    ("p", "millinats", "text"),
    [(1.0, 0, "1.0e+00"), (1e-3, 6908, "1.0e-03"), (0.0, 690776, "1.0e-300")],
)
def test_numbers(p: float, millinats: int, text: str) -> None:
    """Surprise is a whole number of millinats, a p-value a text of two digits; 0 is not endless."""
    assert score_millinats(p) == millinats
    assert p_text(p) == text
