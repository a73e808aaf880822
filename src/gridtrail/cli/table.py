"""Tables for people: one line a row, never wider than the terminal, safe against their content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from gridtrail.cli.text import cut, padded, visible
from gridtrail.export.values import json_text, plain

Row = Mapping[str, Any]

_GAP = "  "
_SMALLEST = 3  # cells of a column when nothing else helps


def words(value: object) -> str:
    """`value` for a table cell: null is empty, text as it is, lists joined by commas."""
    if value is None:
        return ""
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    ready = plain(value)
    return ready if isinstance(ready, str) else json_text(ready)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table for people.

    `value` takes the row and gives anything `words` can show; `right` is for numbers; `whole`
    columns (times, ids) are cut only when the others cannot give any more room; `style` is a rich
    style or gives one for the cell's text; a cell is never wider than `widest` cells.
    """

    title: str
    value: Callable[[Row], object]
    right: bool = False
    whole: bool = False
    style: str | Callable[[str], str] = ""
    widest: int = 60

    def style_of(self, text: str) -> str:
        """The rich style of a cell that says `text`."""
        return self.style if isinstance(self.style, str) else self.style(text)


def column(
    name: str,
    title: str | None = None,
    *,
    right: bool = False,
    whole: bool = False,
    style: str | Callable[[str], str] = "",
    widest: int = 60,
) -> Column:
    """A column that shows the row's value under `name`."""
    return Column(
        visible(title if title is not None else name),
        lambda row: row[name],
        right=right,
        whole=whole,
        style=style,
        widest=widest,
    )


def table_lines(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Text]:
    """A header line and one line a row, each at most `width` cells wide."""
    cells = [[visible(words(column.value(row))) for column in columns] for row in rows]
    widths = fitted(columns, cells, width)
    header = Text(no_wrap=True)
    for index, (column, size) in enumerate(zip(columns, widths, strict=True)):
        title = padded(cut(column.title, size), size, right=column.right)
        header.append((_GAP if index else "") + title, style="bold")
    lines = [header]
    lines += [_line(columns, row_cells, widths) for row_cells in cells]
    for line in lines:
        line.rstrip()
        line.truncate(width)
    return lines


def _line(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> Text:
    line = Text(no_wrap=True)
    for index, (column, cell, size) in enumerate(zip(columns, cells, widths, strict=True)):
        if index:
            line.append(_GAP)
        line.append(padded(cut(cell, size), size, right=column.right), style=column.style_of(cell))
    return line


def fitted(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Widths of the columns: as wide as their content, the widest giving way until they fit."""
    widths = [
        min(column.widest, max(1, cell_len(column.title), *(cell_len(row[i]) for row in cells)))
        if cells
        else max(1, cell_len(column.title))
        for i, column in enumerate(columns)
    ]
    room = width - len(_GAP) * (len(columns) - 1)
    soft = [i for i, column in enumerate(columns) if not column.whole]
    _shrink(widths, soft, room, smallest=8)
    _shrink(widths, range(len(columns)), room, smallest=_SMALLEST)
    return widths


def _shrink(widths: list[int], which: Sequence[int], room: int, *, smallest: int) -> None:
    while sum(widths) > room:
        candidates = [i for i in which if widths[i] > smallest]
        if not candidates:
            return
        widths[max(candidates, key=lambda i: widths[i])] -= 1
