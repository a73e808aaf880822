"""Filters as SQL with parameters."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.query import EventFilter, condition, is_slack_id


@pytest.mark.parametrize("text", ["W0MIRAQ7X1", "U012AB3CD", "USLACKUSER", "USLACKSECURITY"])
def test_slack_ids(text: str) -> None:
    """Capital letters with a digit, eight or more, are an id, and so are Slack's placeholders."""
    assert is_slack_id(text)


@pytest.mark.parametrize(
    "text", ["Matt", "matt@acme.example", "MATTHEWSON", "W0", "w0miraq7x1", ""]
)
def test_names(text: str) -> None:
    """Anything else is a name or an e-mail."""
    assert not is_slack_id(text)


def test_values_are_never_text_of_the_query() -> None:
    """No value of a filter stands in the SQL; there are as many marks as values."""
    evil = "x'); DROP TABLE events; --"
    wanted = EventFilter(
        (evil, evil), evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, evil, 1, 2
    )
    found = condition(wanted)
    assert "DROP" not in found.sql
    assert found.sql.count("?") == len(found.values) == 19
    assert condition(EventFilter()).sql == "true"


@pytest.fixture(scope="module")
def letters() -> Iterator[DuckDB]:
    """An engine with every character of the first plane as the text of an event of its own."""
    engine = DuckDB()
    every = [chr(i) for i in range(1, 0x10000) if not 0xD800 <= i <= 0xDFFF]
    engine.register("letters", pa.table({"raw": every}))
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a", "Aa"),
        ("I", "Ii\u0130"),
        ("k", "Kk\u212a"),
        ("S", "Ss\u017f"),
        ("\u00e4", "\u00c4\u00e4"),
        (".", "."),
        ("[", "["),
        ("\\", "\\"),
        (" ", " "),
        ("0", "0"),
        ("\n", "\n"),
    ],
)
def test_a_text_is_found_in_any_letter_case(letters: DuckDB, text: str, found: str) -> None:
    """A character finds itself in any letter case, and no other; none is special."""
    asked = condition(EventFilter(text=text))
    rows = letters.rows(f"SELECT raw FROM letters WHERE {asked.sql} ORDER BY raw", asked.values)
    assert "".join(rows["raw"].to_pylist()) == found


@pytest.mark.parametrize("hidden", ["\u0130NVOICE", "invo\u0130ce", "INVOICE"])
def test_a_dotted_capital_hides_no_word(letters: DuckDB, hidden: str) -> None:
    """A word is found however its letters i are written."""
    asked = condition(EventFilter(text="invoice"))
    letters.register("one", pa.table({"raw": [f"the {hidden} 7", "the invoic e"]}))
    rows = letters.rows(f"SELECT raw FROM one WHERE {asked.sql}", asked.values)
    assert rows["raw"].to_pylist() == [f"the {hidden} 7"]
