"""Strangers' text made safe for a terminal, and cut to a width.

Nothing that comes out of `visible` moves the cursor, changes a colour, hides, reorders or joins
text: what would do so is shown as an escape such as `\\x1b` or `\\u202e`. It is for people's eyes;
programs take JSON, which keeps the text as it is.
"""

from __future__ import annotations

from rich.cells import cell_len

from gridtrail.export.visible import visible as hiding_nothing

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """`text` on one line with every control, invisible or reordering character escaped."""
    return hiding_nothing(text, _escaped)


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def cut(text: str, width: int) -> str:
    """`text` in at most `width` terminal cells, cut in the middle: both ends tell most.

    `text` must be `visible` already; `width` is at least 1.
    """
    if cell_len(text) <= width:
        return text
    tail = _within(text[::-1], (width - 1) // 3)[::-1]
    head = _within(text, width - 1 - cell_len(tail))
    return f"{head}…{tail}"


def _within(text: str, width: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += cell_len(character)
        if used > width:
            return text[:index]
    return text


def padded(text: str, width: int, *, right: bool = False) -> str:
    """`text` filled with blanks to `width` cells, on its left when `right`."""
    fill = " " * max(0, width - cell_len(text))
    return fill + text if right else text + fill


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 event`, `2,400 events`."""
    word = noun if number == 1 else plural or noun + "s"
    return f"{number:,} {word}"
