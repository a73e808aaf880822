"""stdout is data: one listing as a table, JSON, NDJSON or CSV.

The table is for people: safe against its content and as wide as the terminal. JSON, NDJSON and
CSV are for programs: exact (`gridtrail.export.values` says how).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, BinaryIO

from rich.console import Console
from rich.text import Text

from gridtrail.cli.table import Column, Row, table_lines
from gridtrail.cli.text import visible
from gridtrail.export.cells import csv_lines
from gridtrail.export.values import cell_text, escaped_in_json, json_text

_PIPE_WIDTH = 140  # cells of a table that goes to a file or a pipe, unless COLUMNS says more


class Format(StrEnum):
    """How a listing is printed."""

    table = "table"
    json = "json"
    ndjson = "ndjson"
    csv = "csv"


def on_terminal() -> bool:
    """Whether stdout is a person's terminal."""
    return sys.stdout.isatty()


def width() -> int:
    """Cells of a line: the terminal's, or COLUMNS, or 140 for a pipe."""
    if os.environ.get("COLUMNS", "").isdecimal():
        return max(20, int(os.environ["COLUMNS"]))
    return Console(file=sys.stdout).width if on_terminal() else _PIPE_WIDTH


def binary_stdout() -> BinaryIO:
    """stdout for bytes, after what was written as text."""
    sys.stdout.flush()
    return sys.stdout.buffer


def print_lines(lines: Iterable[Text]) -> None:
    """Print styled lines as they are: no wrapping, no markup, no highlighting."""
    console = Console(file=sys.stdout, width=max(width(), 400), markup=False, highlight=False)
    for line in lines:
        console.print(line, soft_wrap=True)


def listing(
    rows: Iterable[Row], output: Format, *, table: Sequence[Column], fields: Sequence[str]
) -> int:
    """Print `rows` and return their number.

    `table` are the columns for people. JSON and NDJSON give each row whole; CSV gives the row's
    `fields`, lists and objects as JSON text.
    """
    match output:
        case Format.table:
            kept = list(rows)
            print_lines(table_lines(table, kept, width()))
            return len(kept)
        case Format.json:
            return _write_json(rows)
        case Format.ndjson:
            return _write(json_text(dict(row)) + "\n" for row in rows)
        case Format.csv:
            return _write_csv(rows, fields)


def print_json(value: Any) -> None:
    """Print one JSON value, indented for reading."""
    _write([json_text(value, indent=2) + "\n"])


def print_raw(texts: Iterable[str]) -> None:
    """Print raw events one a line: byte for byte, or with escapes where a person's terminal is."""
    shown = escaped_in_json if on_terminal() else str
    _write(shown(text.replace("\n", " ").replace("\r", " ")) + "\n" for text in texts)


def write_text(text: str) -> None:
    """Write finished text on stdout, as UTF-8."""
    _write([text])


def _write_json(rows: Iterable[Row]) -> int:
    # one row a line: valid JSON for programs, and still good for grep
    lines = (f"{',' if number else '['}\n{json_text(dict(row))}" for number, row in enumerate(rows))
    count = _write(lines)
    _write(["\n]\n" if count else "[]\n"])
    return count


def _write(pieces: Iterable[str]) -> int:
    out = binary_stdout()
    count = 0
    for piece in pieces:
        out.write(piece.encode())
        count += 1
    return count


def _write_csv(rows: Iterable[Row], fields: Sequence[str]) -> int:
    out = binary_stdout()
    shown = visible if on_terminal() else str
    out.write(csv_lines([[shown(cell_text(field)) for field in fields]]))
    count = 0
    for row in rows:
        out.write(csv_lines([[shown(cell_text(row[field])) for field in fields]]))
        count += 1
    return count
