"""Text of a stranger for people to read: nothing in it hides, reorders or climbs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me", "Mc"})
_MARKS_IN_A_ROW = 2  # more would climb over the lines above and below

# Default_Ignorable_Code_Point of Unicode 15 that the categories above do not name
_INVISIBLE = re.compile(
    "[\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u3164\\ufe00-\\ufe0f\\uffa0"
    "\\U000e0100-\\U000e01ef]"
)


def by_code(character: str) -> str:
    """A character by its code, as pages and messages show it."""
    return f"⟨U+{ord(character):04X}⟩"


def visible(text: str, shown: Callable[[str], str] = by_code, kept: str = "") -> str:
    """`text` with every control, invisible or reordering character that is not in `kept` replaced
    by what `shown` makes of it."""
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in _MARKS else 0
        hides = category in _HIDDEN or _INVISIBLE.match(character) is not None
        if (hides and character not in kept) or marks > _MARKS_IN_A_ROW:
            out.append(shown(character))
        else:
            out.append(character)
    return "".join(out)
