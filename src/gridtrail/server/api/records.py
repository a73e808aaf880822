"""A posted body to the bytes of its records, each with its place.

A body is one event, a list of events, `{"entries": [events]}`, or NDJSON (an event a line). What
a record holds is not looked at here; its bytes are kept as they came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gridtrail.server.api.refusals import Refusal

MAX_RECORDS = 100_000
"""Records in one body."""

_BOM = b"\xef\xbb\xbf"
_SPACE = re.compile(r"[ \t\r\n]*")
# numbers stay text: a long one would cost time that grows with the square of its length
_decoder = json.JSONDecoder(parse_int=str, parse_float=str)


@dataclass(frozen=True, slots=True)
class Posted:
    """One record and where in the body it stood (`line 3`, `[2]`, `entries[2]`)."""

    place: str
    raw: bytes


def read_body(body: bytes, *, lines: bool = False) -> list[Posted]:
    """The records of `body`; with `lines` it is NDJSON whatever it looks like.

    A line that is no JSON is a record all the same (its reader says what is wrong). Raises
    Refusal `invalid_json` when the body is neither one JSON value nor lines, and
    `request_too_large` for more than MAX_RECORDS.
    """
    found = _read(body.removeprefix(_BOM), lines=lines)
    if len(found) > MAX_RECORDS:
        raise Refusal(
            "request_too_large",
            f"{len(found)} records are too many: send at most {MAX_RECORDS} at once.",
        )
    if not found:
        raise Refusal("invalid_json", "The body holds no record: send at least one event.")
    return found


def _read(body: bytes, *, lines: bool) -> list[Posted]:
    if lines or not body.strip():
        return _lines(body)
    try:
        found = _document(body.decode())
    except RecursionError:
        raise Refusal("invalid_json", "The body nests too deep: send events as lines.") from None
    except ValueError as error:  # UnicodeDecodeError too
        if _looks_like_lines(body):
            return _lines(body)  # perhaps a line alone is bad
        raise Refusal(
            "invalid_json", f"The body is neither JSON nor lines of JSON ({error}): correct it."
        ) from None
    return _lines(body) if found is None else found


def _looks_like_lines(body: bytes) -> bool:
    found = [line for line in body.split(b"\n", 64) if line.strip()]
    return len(found) > 1 and all(line.lstrip()[:1] == b"{" for line in found[:2])


def _lines(body: bytes) -> list[Posted]:
    numbered = enumerate(body.split(b"\n"), 1)
    return [Posted(f"line {n}", line.strip()) for n, line in numbered if line.strip()]


def _document(text: str) -> list[Posted] | None:
    """The records of one JSON value; None when more stands after it, as in NDJSON."""
    start = _after_space(text, 0)
    value, end = _decoder.raw_decode(text, start)
    if _after_space(text, end) < len(text):
        return None
    if isinstance(value, list):
        return [Posted(f"[{i}]", raw) for i, raw in enumerate(_elements(text, start))]
    if _is_page(value):
        at = _entries(text, start)
        return [Posted(f"entries[{i}]", raw) for i, raw in enumerate(_elements(text, at))]
    return [Posted("line 1", text[start:end].encode())]


def _is_page(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("entries"), list) and "action" not in value
    )


def _elements(text: str, at: int) -> Iterator[bytes]:
    """The elements of the list that opens at `at`."""
    at = _after_space(text, at + 1)
    while text[at : at + 1] != "]":
        end = _decoder.raw_decode(text, at)[1]
        yield text[at:end].encode()
        at = _after_space(text, end)
        if text[at : at + 1] == ",":
            at = _after_space(text, at + 1)


def _entries(text: str, at: int) -> int:
    """Where the list under the last `entries` of the object at `at` opens (the text is JSON)."""
    found = at
    at = _after_space(text, at + 1)
    while text[at] != "}":
        key, end = _decoder.raw_decode(text, at)
        at = _after_space(text, _after_space(text, end) + 1)  # past the colon
        if key == "entries":
            found = at
        at = _after_space(text, _decoder.raw_decode(text, at)[1])
        if text[at] == ",":
            at = _after_space(text, at + 1)
    return found


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at
