"""Programs that are not a person at a browser: HTTP libraries, scrapers, drivers, bots.

The list is data (`data/tools.toml`), read once.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gridtrail.enrich.agent_text import Product, is_version, leading, products


@dataclass(frozen=True, slots=True)
class ToolList:
    """The tool list ready for look-up; all keys are lower case."""

    names: dict[str, tuple[str, str]]  # name -> (family as we write it, kind)
    inside: tuple[tuple[str, str, str], ...]  # (text, family, kind), tools before bots
    generic: frozenset[str]
    uncut: tuple[str, ...]  # names that hold a separator, so that no product token equals them


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool found in a user agent."""

    family: str
    kind: str  # tool or bot
    version: str


@cache
def tool_list() -> ToolList:
    """The packaged tool list."""
    data = tomllib.loads(
        files("gridtrail.enrich").joinpath("data/tools.toml").read_text(encoding="utf-8")
    )
    names: dict[str, tuple[str, str]] = {}
    for kind, listed in data["names"].items():
        for name in listed:
            names.setdefault(name.lower(), (name, kind))
    inside = tuple(
        (text.lower(), text.strip("/;- "), kind)
        for kind, listed in data["inside"].items()
        for text in listed
    )
    uncut = tuple(name for name in names if leading(name).name != name)
    return ToolList(names, inside, frozenset(name.lower() for name in data["generic"]), uncut)


def tool_in(text: str) -> Tool | None:
    """The tool that a cleaned user agent names, the most telling one first, or None.

    An agent that starts like a browser's (`Mozilla/`) is only searched for the texts that give a
    tool away; any other agent by the names of its products and of the whole.
    """
    return _behind_browser(text) if text.startswith(("Mozilla/", "Opera/")) else _by_name(text)


def _behind_browser(text: str) -> Tool | None:
    lowered = text.lower()
    for needle, family, kind in tool_list().inside:
        at = lowered.find(needle)
        if at >= 0:
            whole = next(
                (p for p in products(text) if needle.strip("/;- ") in p.name.lower()), None
            )
            return Tool(*_named(whole, family, kind))
    return None


def _named(whole: Product | None, family: str, kind: str) -> tuple[str, str, str]:
    if whole is None:
        return family, kind, ""
    known = tool_list().names.get(whole.name.lower())
    shown = known[0] if known else whole.name[:80]
    return shown, known[1] if known else kind, whole.version if is_version(whole.version) else ""


def _by_name(text: str) -> Tool | None:
    known = tool_list()
    lowered = text.lower()
    for name in known.uncut:
        if lowered == name or lowered.startswith((name + "/", name + " ")):
            version = leading(text[len(name) - 1 :]).version
            return Tool(*known.names[name], version)
    called = leading(text)
    found: Tool | None = None
    for product in [called, *products(text)]:
        name = product.name.lower()
        if name not in known.names:
            continue
        family, kind = known.names[name]
        tool = Tool(family, kind, product.version if is_version(product.version) else "")
        if name not in known.generic:
            return tool
        found = found or tool
    return found or _first_word(called)


def _first_word(called: Product) -> Tool | None:
    """`curl 8.4` or `colly - https://…`: the first word is the tool."""
    word, _, rest = called.name.partition(" ")
    entry = tool_list().names.get(word.lower())
    if entry is None:
        return None
    version = rest.partition(" ")[0].lstrip("v")
    return Tool(*entry, version if is_version(version) else called.version)
