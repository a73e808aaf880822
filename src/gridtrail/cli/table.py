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
_EASY = 14  # cells of a column that is easy to read; spare ones go when others get less
_SOFT = 8  # cells of a column that still say something
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
    columns (times, ids) are cut only when the others cannot give any more room; `spare` columns
    are left out when there is no room for all, the highest number first; `style` is a rich style
    or gives one for the cell's text; a cell is never wider than `widest` cells.
    """

    title: str
    value: Callable[[Row], object]
    right: bool = False
    whole: bool = False
    spare: int = 0
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
    spare: int = 0,
    style: str | Callable[[str], str] = "",
    widest: int = 60,
) -> Column:
    """A column that shows the row's value under `name`."""
    return Column(
        visible(title if title is not None else name),
        lambda row: row[name],
        right=right,
        whole=whole,
        spare=spare,
        style=style,
        widest=widest,
    )


def table_lines(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Text]:
    """A header line and one line a row, each at most `width` cells wide."""
    cells = [[visible(words(column.value(row))) for row in rows] for column in columns]
    kept, widths = fitted(columns, [*map(natural, columns, cells)], width)
    header = Text(no_wrap=True)
    for place, size in zip(kept, widths, strict=True):
        title = padded(cut(columns[place].title, size), size, right=columns[place].right)
        header.append((_GAP if header else "") + title, style="bold")
    lines = [header]
    for row in range(len(rows)):
        line = Text(no_wrap=True)
        for number, (place, size) in enumerate(zip(kept, widths, strict=True)):
            cell, column = cells[place][row], columns[place]
            line.append(_GAP if number else "")
            line.append(padded(cut(cell, size), size, right=column.right), column.style_of(cell))
        lines.append(line)
    for line in lines:
        line.rstrip()
        line.truncate(width)
    return lines


def natural(column: Column, cells: Sequence[str]) -> int:
    """Cells that `column` needs to show everything, within its `widest`."""
    needed = max([cell_len(column.title), *map(cell_len, cells)])
    return min(column.widest, max(1, needed))


def fitted(
    columns: Sequence[Column], natural: Sequence[int], width: int
) -> tuple[list[int], list[int]]:
    """Places of the columns that have room, and their widths: the widest give way first."""
    kept = list(range(len(columns)))
    spare = sorted((i for i in kept if columns[i].spare), key=lambda i: columns[i].spare)
    while spare and _least(columns, natural, kept) > width:
        kept.remove(spare.pop())
    widths = [natural[i] for i in kept]
    room = width - len(_GAP) * (len(kept) - 1)
    soft = [place for place, i in enumerate(kept) if not columns[i].whole]
    _shrink(widths, soft, room, smallest=_SOFT)
    _shrink(widths, range(len(kept)), room, smallest=_SMALLEST)
    return kept, widths


def _least(columns: Sequence[Column], natural: Sequence[int], kept: Sequence[int]) -> int:
    """Cells of the narrowest table of the columns `kept` that is easy to read."""
    sizes = (natural[i] if columns[i].whole else min(_EASY, natural[i]) for i in kept)
    return sum(sizes) + len(_GAP) * (len(kept) - 1)


def _shrink(widths: list[int], which: Sequence[int], room: int, *, smallest: int) -> None:
    while sum(widths) > room:
        candidates = [i for i in which if widths[i] > smallest]
        if not candidates:
            return
        widths[max(candidates, key=lambda i: widths[i])] -= 1
