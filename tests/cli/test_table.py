"""Tables for people."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from gridtrail.cli.table import Column, column, table_lines, words
from gridtrail.cli.text import visible

any_text = st.text(alphabet=st.characters(exclude_categories=[]), max_size=40)
nasty = st.text(alphabet="a \x1b[31m\x9b\r\n\t\u202e\u200b[]/red\\漢😀", max_size=40)
COLUMNS = [
    column("time", "time", whole=True),
    column("who", "who"),
    column("count", "count", right=True),
    Column("what", lambda row: row["what"], style="bold"),
]


@given(st.lists(st.tuples(any_text | nasty, any_text | nasty), max_size=5), st.integers(20, 100))
def test_lines_fit_and_stay_lines(texts: list[tuple[str, str]], width: int) -> None:
    """Each row is exactly one line, no wider than the terminal, without any control character."""
    rows = [
        {"time": "2026-10-01T08:15:30Z", "who": who, "count": 12, "what": what}
        for who, what in texts
    ]
    lines = table_lines(COLUMNS, rows, width)
    assert len(lines) == len(rows) + 1
    for line in lines:
        assert cell_len(line.plain) <= width
        assert visible(line.plain) == line.plain


@given(any_text | nasty)
def test_markup_is_text(text: str) -> None:
    """What a terminal receives for a cell is styled by the column alone."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=400, markup=False, highlight=False)
    lines = table_lines([Column("x", lambda row: row["x"])], [{"x": text}], 300)
    for line in lines[1:]:
        console.print(line, soft_wrap=True)
    assert "\x1b" not in out.getvalue()
    assert out.getvalue().count("\n") == 1


def test_widest_column_gives_way() -> None:
    """Times stay whole while longer columns are cut in the middle."""
    row = {"time": "2026-10-01T08:15:30Z", "who": "m" * 50, "count": 7, "what": "w" * 50}
    header, line = table_lines(COLUMNS, [row], 60)
    assert line.plain.startswith("2026-10-01T08:15:30Z  mmm")
    assert "…" in line.plain
    assert header.plain.split() == ["time", "who", "count", "what"]
    assert len(line.plain) <= 60


def test_numbers_stand_right() -> None:
    """Numbers are aligned at their right end."""
    rows = [{"n": 5}, {"n": 1234}]
    assert [line.plain for line in table_lines([column("n", right=True)], rows, 40)] == [
        "   n",
        "   5",
        "1234",
    ]


def test_no_rows_is_a_header() -> None:
    """An empty listing shows its columns."""
    assert [line.plain for line in table_lines(COLUMNS, [], 40)] == ["time  who  count  what"]


def test_words() -> None:
    """Lists of text are joined, null is empty, other things are JSON."""
    assert [words(v) for v in (None, ["a", "b"], {"a": 1}, True, 5)] == [
        "",
        "a, b",
        '{"a":1}',
        "true",
        "5",
    ]


def test_spare_columns_go_when_there_is_no_room() -> None:
    """A narrow terminal gets fewer columns, the sparest left out first, not unreadable ones."""
    columns = [
        column("id", whole=True),
        column("a", spare=2),
        column("b", spare=1),
        column("c"),
    ]
    row = {"id": "i" * 20, "a": "a" * 20, "b": "b" * 20, "c": "c" * 20}
    shown = {
        width: table_lines(columns, [row], width)[0].plain.split() for width in (90, 70, 52, 40)
    }
    assert shown[90] == ["id", "a", "b", "c"]
    assert shown[70] == ["id", "a", "b", "c"]
    assert shown[52] == ["id", "b", "c"]
    assert shown[40] == ["id", "c"]
