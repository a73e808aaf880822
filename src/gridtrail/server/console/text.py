"""Strangers' text made safe to look at.

Escaping for HTML is the templates' part (always on). Here, what would hide, reorder or join text
is shown by its code: `invoice⟨U+202E⟩fdp.exe`. It is for people's eyes; links and forms carry the
text as it is.
"""

from __future__ import annotations

from gridtrail.export.visible import visible as hiding_nothing

_RULE = "rule:"
"""Stands before the name of a rule among reasons."""


def visible(text: str) -> str:
    """`text` with every control, invisible or reordering character shown by its code; it may have
    several lines."""
    return hiding_nothing(text, kept="\n\t")


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
    """A name with underscores as words: `excessive downloads`; that of a rule as `rule_words`."""
    if name.startswith(_RULE):
        return f"rule: {rule_words(name.removeprefix(_RULE))}"
    return name.replace("_", " ")


def rule_words(name: str) -> str:
    """The name of a rule as words; those of the pack begin alike, which tells nothing."""
    return name.removeprefix("slack_").replace("_", " ")
