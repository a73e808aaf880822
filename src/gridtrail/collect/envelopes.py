"""Audit events out of the wrappings that other systems put around them.

What `raw` is, for each wrapping:

- plain event, and a row with the event's fields beside `p_*` columns (Panther): the record;
- `{"entries": […]}`, an array, several values on one line: the bytes of the inner value;
- `{"result": {"_raw": "…"}}`, `{"_raw": "…"}` (Splunk export), `{"event": "…"}` (Splunk HEC),
  `{"event": {"original": "…"}}`, `{"event.original": "…"}`, `{"message": "…"}` (Elastic, also
  under `_source`): the text, unescaped;
- the same with an object in place of the text: the bytes of that object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gridtrail.collect.enclosures import Enclosure, container
from gridtrail.errors import SkipRecord
from gridtrail.slack import strict_json

_MAX_LAYERS = 4
_SPACE = re.compile(r"[ \t\n\r]*")
_SEVERAL = re.compile(rb"\}\s*\{")
_decoder = json.JSONDecoder(parse_int=str, parse_float=str)


def unwrap(raw: bytes, *, is_json: bool) -> list[tuple[str, bytes]] | None:
    """The records inside of `raw`, each with its place in it; None when it wraps nothing.

    The places are such as `entries[3]`, or "" for the only one. `is_json` says that `raw` is one
    JSON value; what is not can still be a page, an array, or several values one after another.
    Never raises: what cannot be read wraps nothing.
    """
    found = container(raw, 0)
    if found is not None:
        return _elements(raw, *found)
    if not is_json and not _SEVERAL.search(raw):
        return None
    try:
        text = strict_json.decoded(raw)
        strict_json.check_depth(text)
    except SkipRecord:
        return None
    if not is_json:
        return _several(text)
    inner = _inner(text, 0)
    return None if inner is None else [("", inner)]


def _elements(raw: bytes, inside: Enclosure, skip: int) -> list[tuple[str, bytes]] | None:
    result: list[tuple[str, bytes]] = []
    rest = raw[skip:]
    closed = False
    while not closed:
        records, used, closed = inside.take(rest)
        if records is not None:
            result += [(records.place(i), records.raw(i)) for i in range(len(records))]
        if used == 0 and not closed:
            return None  # it never ends
        rest = rest[used:]
    following = rest.strip()
    return [*result, ("behind it", following)] if following else result


def _several(text: str) -> list[tuple[str, bytes]] | None:
    """Values one after another on one line; None when it is not that."""
    values: list[tuple[str, bytes]] = []
    position = _skip(text, 0)
    while position < len(text):
        try:
            _, end = _decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return None
        values.append((f"value {len(values) + 1}", _bytes(text[position:end])))
        position = _skip(text, end)
    return values if len(values) > 1 else None


def _inner(text: str, layer: int) -> bytes | None:
    try:
        members = dict(_members(text))
    except (ValueError, RecursionError, IndexError):
        return None
    for key in ("result", "_source"):
        if key in members and layer < _MAX_LAYERS and members[key][0] == "{":
            found = _inner(members[key], layer + 1)
            if found is not None:
                return found
    if members.get("event", "").startswith("{"):
        original = dict(_members(members["event"])).get("original")
        return _content(original) if original is not None else _bytes(members["event"])
    for key in ("_raw", "event", "event.original", "message"):
        found = _content(members[key]) if key in members else None
        if found is not None:
            return found
    return None


def _content(text: str) -> bytes | None:
    """The object, or the unescaped text, that the JSON `text` stands for; None for others."""
    if text.startswith("{"):
        return _bytes(text)
    if not text.startswith('"'):
        return None
    value = json.loads(text)
    return _bytes(value) if value.lstrip().startswith("{") else None


def _bytes(text: str) -> bytes:
    # half a surrogate pair cannot be written in UTF-8; these bytes are then refused as such
    return text.encode("utf-8", "surrogatepass")


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _members(text: str) -> Iterator[tuple[str, str]]:
    """Keys and JSON texts of the values of the object `text`. Raises ValueError if it is none."""
    position = _skip(text, 0)
    if text[position : position + 1] != "{":
        raise ValueError("not an object")
    position = _skip(text, position + 1)
    while text[position : position + 1] != "}":
        if text[position : position + 1] != '"':
            raise ValueError("a key is not text")
        key, end = _decoder.raw_decode(text, position)
        start = _skip(text, _skip(text, end) + 1)
        _, end = _decoder.raw_decode(text, start)
        yield key, text[start:end]
        position = _skip(text, end)
        if text[position : position + 1] == ",":
            position = _skip(text, position + 1)
