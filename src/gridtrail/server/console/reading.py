"""An event as its reader sees it: the JSON line by line, each value leading to its like."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from gridtrail.slack import strict_json
from gridtrail.slack.strict_json import JsonObject, NumberText

_PLACES: Mapping[tuple[str, ...], str] = {
    ("id",): "id",
    ("action",): "action",
    ("context", "ua"): "ua",
    ("context", "ip_address"): "ip",
    ("context", "session_id"): "session",
    ("context", "location", "id"): "workspace",
    ("context", "location", "domain"): "workspace",
    ("context", "app", "id"): "app",
    ("details", "previous_ip_address"): "ip",
    ("details", "previous_ua"): "ua",
    ("details", "app_id"): "app",
}
"""Where a value stands in an event -> the filter that finds its like."""

_PEOPLE = ("id", "email", "name")
_MOST_LINES = 4_000
_LONGEST_LINK = 1_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of printed JSON: `depth`, `"key": ` or "", the text, a link or None, and a comma."""

    depth: int
    key: str
    text: str
    kind: str  # text, number, word or mark
    href: str | None
    end: str


def json_lines(raw: str, href: Callable[[str, str], str]) -> list[Line]:
    """The lines of the event `raw`; `href(filter, value)` gives the address of its like.

    A value without a filter of its own is looked for as text. At most some thousand lines.
    """
    value = strict_json.read(raw.encode())
    found = []
    for line in _lines(value, (), "", "", href):
        found.append(line)
        if len(found) >= _MOST_LINES:
            found.append(Line(0, "", "… cut here: the export has it whole", "mark", None, ""))
            break
    return found


def details_of(text: str | None) -> dict[str, Any]:
    """The details of an event as an object; {} when they are none."""
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _lines(
    value: Any, path: tuple[str, ...], key: str, end: str, href: Callable[[str, str], str]
) -> Iterator[Line]:
    depth = len(path)
    if isinstance(value, JsonObject) and value:
        yield Line(depth, key, "{", "mark", None, "")
        yield from _members(value.pairs, path, href, keyed=True)
        yield Line(depth, "", "}", "mark", None, end)
    elif isinstance(value, list) and value:
        yield Line(depth, key, "[", "mark", None, "")
        yield from _members([("", one) for one in value], path, href, keyed=False)
        yield Line(depth, "", "]", "mark", None, end)
    else:
        yield _leaf(value, path, key, end, href)


def _members(
    pairs: list[tuple[str, Any]],
    path: tuple[str, ...],
    href: Callable[[str, str], str],
    *,
    keyed: bool,
) -> Iterator[Line]:
    for index, (name, value) in enumerate(pairs):
        key = f"{json.dumps(name, ensure_ascii=False)}: " if keyed else ""
        end = "," if index < len(pairs) - 1 else ""
        yield from _lines(value, (*path, name), key, end, href)


def _leaf(
    value: Any, path: tuple[str, ...], key: str, end: str, href: Callable[[str, str], str]
) -> Line:
    if isinstance(value, NumberText):
        return Line(len(path), key, value, "number", _link(path, value, href), end)
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return Line(len(path), key, text, "text", _link(path, value, href), end)
    kind = "mark" if isinstance(value, dict | list) else "word"
    return Line(len(path), key, json.dumps(value), kind, None, end)


def _link(path: tuple[str, ...], value: str, href: Callable[[str, str], str]) -> str | None:
    if not value or len(value) > _LONGEST_LINK:
        return None
    name = _filter_of(path)
    return href(name, value) if name is not None else None


def _filter_of(path: tuple[str, ...]) -> str | None:
    if path in _PLACES:
        return _PLACES[path]
    if path[0] == "actor" and path[-1] in _PEOPLE:
        return "actor"
    if path[0] == "entity" and path[-1] in ("id", "name"):
        return "entity"
    if path[:2] == ("details", "reason"):
        return "reason"
    if path[1:3] == ("gridtrail", "deciding_events"):
        return "id"
    return None if path[-1] in ("date_create", "type", "action_timestamp") else "text"
