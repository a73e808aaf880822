"""Patterns in which `*` stands for any text, as people write them into settings."""

from __future__ import annotations

from collections.abc import Iterable


def fits(text: str, pattern: str) -> bool:
    """Whether `text` is `pattern`, letter case aside; takes time in proportion to both."""
    text = text.casefold()
    first, *rest = pattern.casefold().split("*")
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    at = len(first)
    for part in rest[:-1]:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(rest[-1]) and text.endswith(rest[-1])


def fits_any(texts: Iterable[str], patterns: Iterable[str]) -> bool:
    """Whether one of `texts` fits one of `patterns`."""
    listed = list(patterns)
    return any(fits(text, pattern) for text in texts for pattern in listed)
