"""Addresses of the console's pages; every filter stands in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode


def link(path: str, values: Mapping[str, object] | None = None, **more: object) -> str:
    """`path` with `values` and `more` as its query; what is None or empty is left out.

    A list gives one parameter for each item. Any text is safe: it is percent-encoded.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in {**(values or {}), **more}.items():
        items: Iterable[object] = value if isinstance(value, list | tuple) else (value,)
        pairs += [(name.rstrip("_"), str(item)) for item in items if item not in (None, "", False)]
    return f"{path}?{urlencode(pairs, errors='replace')}" if pairs else path


def local(path: str) -> str:
    """`path` when it is one of this site (for going back after signing in), else `/`."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if plain and path.isprintable() and path.isascii() and "\\" not in path else "/"
