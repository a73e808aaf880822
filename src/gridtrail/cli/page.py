"""A page for people: headings, paragraphs, pairs and small tables, as wide as the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from gridtrail.cli.output import print_lines, width
from gridtrail.cli.table import Column, Row, table_lines
from gridtrail.cli.text import padded, visible

_WIDEST = 110  # longer lines are hard to read
_INDENT = "  "
_LABEL_CELLS = 10


class Page:
    """Lines that are collected and printed at once; every text given is made safe here."""

    def __init__(self) -> None:
        self._lines: list[Text] = []
        self._width = min(width(), _WIDEST)
        self._measure = Console(width=self._width, file=None, markup=False, highlight=False)

    def title(self, text: str, *, badge: str = "", style: str = "") -> None:
        """The page's first line."""
        line = Text()
        if badge:
            line.append(f"{visible(badge)}  ", style=style)
        line.append(visible(text), style="bold")
        self._wrapped(line, "")

    def heading(self, text: str) -> None:
        """An empty line and a heading."""
        self._lines += [Text(), Text(visible(text), style="bold")]

    def space(self) -> None:
        """An empty line."""
        self._lines.append(Text())

    def paragraph(self, text: str, *, style: str = "", indent: str = "") -> None:
        """Text over as many lines as it needs."""
        self._wrapped(Text(visible(text), style=style), indent)

    def pair(self, label: str, text: str) -> None:
        """A label and what it says; an empty label goes on with the one above."""
        self._wrapped(
            Text(visible(text)),
            _INDENT + padded(visible(label), _LABEL_CELLS) + " ",
            _INDENT + " " * (_LABEL_CELLS + 1),
        )

    def item(self, mark: str, text: str) -> None:
        """One entry of a list."""
        first = f"{_INDENT}{visible(mark)} "
        self._wrapped(Text(visible(text)), first, " " * len(first))

    def table(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """A small indented table."""
        for line in table_lines(columns, rows, width() - len(_INDENT)):
            self._lines.append(Text(_INDENT).append_text(line))

    def print(self) -> None:
        """Print everything on stdout."""
        print_lines(self._lines)

    def _wrapped(self, text: Text, first: str, later: str | None = None) -> None:
        rest = first if later is None else later
        room = max(20, self._width - max(len(first), len(rest)))
        for number, line in enumerate(text.wrap(self._measure, room)):
            line.rstrip()
            self._lines.append(Text(rest if number else first).append_text(line))
