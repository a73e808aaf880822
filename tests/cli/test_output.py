"""One listing in four formats."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtrail.cli.output import Format, listing, print_json, width
from gridtrail.cli.table import column
from gridtrail.export.cells import restored

any_text = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
nasty = st.text(alphabet="=+-@\t\r\n'\",;[]/\\ \x1b\x9b\u202e\u200b\u2028a漢")
values = st.none() | st.integers() | any_text | nasty | st.lists(any_text, max_size=2)
rows_of = st.lists(st.fixed_dictionaries({"a": values, "b": values}), max_size=4)
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
Capture = pytest.CaptureFixture[bytes]


def printed(rows: list[dict[str, object]], output: Format, capture: Capture) -> str:
    capture.readouterr()
    table = [column("a"), column("b")]
    assert listing(rows, output, table=table, fields=["a", "b"]) == len(rows)
    return capture.readouterr().out.decode()


@quick
@given(rows=rows_of)
def test_json_is_exact(rows: list[dict[str, object]], capfdbinary: Capture) -> None:
    """JSON and NDJSON give every row back as it was."""
    assert json.loads(printed(rows, Format.json, capfdbinary)) == rows
    lines = printed(rows, Format.ndjson, capfdbinary).split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == rows


@quick
@given(rows=rows_of)
def test_csv_is_exact(rows: list[dict[str, object]], capfdbinary: Capture) -> None:
    """CSV gives every text and number back through a plain CSV parser."""
    text = printed(rows, Format.csv, capfdbinary)
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["a", "b"]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        for cell, value in zip(line, [row["a"], row["b"]], strict=True):
            match value:
                case None:
                    assert cell == ""
                case list():
                    assert json.loads(cell) == value
                case _:
                    assert restored(cell) == str(value)


@quick
@given(rows=rows_of)
def test_table_is_one_line_a_row(rows: list[dict[str, object]], capfdbinary: Capture) -> None:
    """A table has a header and one line a row, whatever the cells hold."""
    text = printed(rows, Format.table, capfdbinary)
    assert len(text.split("\n")) == len(rows) + 2
    assert "\x1b" not in text


def test_headers_are_disarmed_too(capfdbinary: Capture) -> None:
    """A column named like a formula is as harmless as a cell."""
    listing([{"=1": 2}], Format.csv, table=[], fields=["=1"])
    assert capfdbinary.readouterr().out == b"'=1\r\n2\r\n"


def test_argument_bytes_do_not_break_json(capfdbinary: Capture) -> None:
    """Text with lone surrogates (odd bytes from a command line) is still valid UTF-8 JSON."""
    print_json({"name": "a\udcff"})
    assert json.loads(capfdbinary.readouterr().out) == {"name": "a\udcff"}


def test_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS says how wide a table is; a pipe has 140 cells."""
    monkeypatch.setenv("COLUMNS", "77")
    assert width() == 77
    monkeypatch.delenv("COLUMNS")
    assert width() == 140
