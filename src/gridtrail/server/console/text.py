"""Strangers' text made safe to look at.

Escaping for HTML is the templates' part (always on). Here, what would hide, reorder or join text
is shown by its code: `invoice⟨U+202E⟩fdp.exe`. It is for people's eyes; links and forms carry the
text as it is.
"""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me", "Mc"})
_MARKS_IN_A_ROW = 2  # more would climb over the lines above and below
_KEPT = frozenset("\n\t")

# Default_Ignorable_Code_Point of Unicode 15 that the categories above do not name
_INVISIBLE = re.compile(
    "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u3164\\ufe00-\\ufe0f\\uffa0"
    "\\U000e0100-\\U000e01ef]"
)


def visible(text: str) -> str:
    """`text` with every control, invisible or reordering character shown by its code."""
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        hides = category in _HIDDEN or _INVISIBLE.match(character) is not None
        if (hides and character not in _KEPT) or marks > _MARKS_IN_A_ROW:
            out.append(f"⟨U+{ord(character):04X}⟩")
        else:
            out.append(character)
    return "".join(out)


def shortened(text: str, most: int) -> str:
    """`text` in at most `most` characters, cut in the middle: both ends tell most."""
    if len(text) <= most:
        return text
    tail = (most - 1) // 3
    return f"{text[: most - 1 - tail]}…{text[-tail:] if tail else ''}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 event`, `2,400 events`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def words(name: str) -> str:
    """A name with underscores as words: `excessive downloads`."""
    return name.replace("_", " ")
