"""CSV lines, and text in them that a spreadsheet cannot take for a formula.

A cell that begins with one of `= + - @`, a tab or a line break is run as a formula by
spreadsheets (OWASP, "CSV Injection"); some skip quotes and blanks in front of it, some take the
full-width forms too. Such a cell gets one apostrophe in front, which spreadsheets show as text.
Nothing else is changed, so that `restored` gives the text back exactly.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

PLAIN_START = r"^[0-9A-Za-z{\[(<#/._]"
"""A cell that begins like this is never dangerous (RE2 and Python); most cells do."""

_SKIPPED = "'\"`\\s\\x00-\\x20\\x7f-\\xa0\\u200b\\u2060\\ufeff"
_DANGEROUS = re.compile(f"[{_SKIPPED}]*[=+\\-@＝＋－＠]|['\"`\\x20]*[\\t\\r\\n]")
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?\Z")


def is_dangerous(text: str) -> bool:
    """Whether a spreadsheet might run the cell `text`; a plain number is harmless."""
    return _DANGEROUS.match(text) is not None and _NUMBER.match(text) is None


def harmless(text: str) -> str:
    """`text` as a CSV cell: an apostrophe in front when a spreadsheet might run it."""
    return "'" + text if is_dangerous(text) else text


def restored(cell: str) -> str:
    """The text from which `harmless` made `cell`."""
    return cell[1:] if cell.startswith("'") and is_dangerous(cell[1:]) else cell


def csv_lines(rows: Iterable[Sequence[str]]) -> bytes:
    """`rows` of finished cells as RFC 4180 lines (CRLF, quotes doubled)."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")
