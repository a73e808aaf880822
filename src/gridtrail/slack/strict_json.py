"""Strict reading of JSON that keeps what an ordinary reader throws away.

Refused: bytes that are not UTF-8, NaN and Infinity, anything after the value, nesting deeper than
`MAX_DEPTH`, and escapes of half a surrogate pair (RFC 8259 and RFC 3629). Kept: the spelling of
numbers, the order of keys, and keys that stand twice.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from gridtrail.errors import SkipRecord

MAX_DEPTH = 100

_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)  # the last quote may be missing
_BRACKET = re.compile(r"[\[\]{}]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_PLAIN_CONTROL = {0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0C: "\\f", 0x0D: "\\r"}
_ESCAPED = {code: _PLAIN_CONTROL.get(code, f"\\u{code:04X}") for code in range(0x20)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
}


class NumberText(str):
    """A JSON number as it was spelt; `whole` when it has neither fraction nor exponent."""

    __slots__ = ()

    @property
    def whole(self) -> bool:
        """Whether it is spelt as an integer."""
        return not ("." in self or "e" in self or "E" in self)


class JsonObject(dict[str, Any]):
    """A JSON object: of a key that stands twice the first value, `pairs` has them all."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(reversed(pairs))
        self.pairs = pairs

    @property
    def twice(self) -> str | None:
        """A key that stands more than once, or None."""
        if len(self) == len(self.pairs):
            return None
        seen: set[str] = set()
        for key, _ in self.pairs:
            if key in seen:
                return key
            seen.add(key)
        return None


def read(raw: bytes) -> Any:
    """The value of the JSON text `raw`: JsonObject, list, str, NumberText, bool or None.

    Raises SkipRecord with `not_utf8`, `too_deep` or `not_json`.
    """
    text = decoded(raw)
    check_depth(text)
    try:
        value = _decoder.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise SkipRecord("not_json", f"Not JSON ({error}): correct or drop the record.") from None
    _check_surrogates(text)
    return value


def decoded(raw: bytes) -> str:
    """`raw` as text. Raises SkipRecord with `not_utf8`."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SkipRecord(
            "not_utf8", f"Byte {error.start} is not UTF-8: convert the record to UTF-8."
        ) from None


def check_depth(text: str) -> None:
    """Raise SkipRecord with `too_deep` when `text` nests deeper than MAX_DEPTH."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise _too_deep()


def minified(value: Any) -> str:
    """`value` of `read` as JSON text without spaces: numbers as spelt, every key, same order.

    Escaped is only what must be, with upper-case hexadecimal: the form that the embedded engine
    gives, so that both ways of reading agree.
    """
    if isinstance(value, JsonObject):
        inside = ",".join(f"{_quoted(key)}:{minified(inner)}" for key, inner in value.pairs)
        return "{" + inside + "}"
    if isinstance(value, list):
        return "[" + ",".join(minified(inner) for inner in value) + "]"
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    return "null" if value is None else "true" if value else "false"


def _quoted(text: str) -> str:
    return '"' + text.translate(_ESCAPED) + '"'


def _too_deep() -> SkipRecord:
    return SkipRecord("too_deep", f"Nested deeper than {MAX_DEPTH} levels: drop the record.")


def _check_surrogates(text: str) -> None:
    r"""A `\uD83D` must be followed at once by its `\uDE00`; no engine can store half a pair."""
    if "\\ud" not in text and "\\uD" not in text:
        return
    expected_at = -1  # where the second half has to stand, or -1
    for escape in _ESCAPE.finditer(text):
        code = int(escape[1], 16) if escape[1] else 0
        second = 0xDC00 <= code <= 0xDFFF
        if second != (escape.start() == expected_at) or (expected_at >= 0 and not second):
            break
        expected_at = escape.end() if 0xD800 <= code <= 0xDBFF else -1
    else:
        if expected_at < 0:
            return
    raise SkipRecord(
        "not_utf8", "Half of a surrogate pair stands alone in it: correct or drop the record."
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=JsonObject,
    parse_int=NumberText,
    parse_float=NumberText,
    parse_constant=_refuse_constant,
)
