"""Values of the lake and of queries as JSON and as CSV cells.

Nothing is lost: a number that JSON cannot hold becomes its text, bytes that are no UTF-8 become
`{"base64": "…"}`. Times are ISO 8601 in UTC.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from gridtrail.export.cells import harmless

# Shown raw, these would move or hide text on a terminal or break a line: DEL, C1 controls,
# bidirectional and zero-width characters, line separators, tags, non-characters.
_UNSAFE_IN_TEXT = re.compile(
    "[\\x7f-\\x9f\\xad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f"
    "\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff"
    "\\ud800-\\udfff\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a\\U000e0000-\\U000e0fff]"
)


def iso_time(moment: datetime) -> str:
    """`2026-10-01T08:15:30Z`; with microseconds when there are any; naive means UTC."""
    utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return utc.isoformat().replace("+00:00", "Z")


def iso_seconds(seconds: int) -> str:
    """Seconds since the epoch as `2026-10-01T08:15:30Z`; as they are when no calendar has them."""
    try:
        return iso_time(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def plain(value: object) -> object:
    """`value` as what JSON knows: null, true, numbers, text, lists, objects with text keys."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            return iso_time(value)
        case date() | time():
            return value.isoformat()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() if hasattr(value, "nanoseconds"):
            return _duration_of(*value)
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return _odd(value)


def _odd(value: object) -> object:
    match value:
        case bytes() | bytearray() | memoryview():
            return _text_of(bytes(value))
        case Decimal():
            return _number_of(value)
        case timedelta():
            return value.total_seconds()
        case UUID():
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")


def _duration_of(months: int, days: int, nanoseconds: int) -> str:
    """An Arrow interval (months, days, nanoseconds) as an ISO 8601 duration: `P0M1DT2.5S`."""
    return f"P{months}M{days}DT{plain(Decimal(nanoseconds) / 1_000_000_000)}S"


def _text_of(raw: bytes) -> object:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(raw).decode("ascii")}


def _number_of(number: Decimal) -> object:
    if not number.is_finite():
        return str(number)
    if number == number.to_integral_value():
        return int(number)
    nearest = float(number)
    return nearest if Decimal(repr(nearest)) == number else str(number)


def json_text(value: object, *, indent: int | None = None) -> str:
    """`value` as JSON: non-ASCII letters kept, everything invisible escaped, no loss."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(plain(value), ensure_ascii=False, indent=indent, separators=separators)
    return escaped_in_json(text)


def escaped_in_json(text: str) -> str:
    """JSON `text` with the invisible and unruly characters of its strings as `\\uXXXX`.

    It is the same JSON: outside its strings JSON has no such characters.
    """
    return _UNSAFE_IN_TEXT.sub(lambda found: json.dumps(found.group())[1:-1], text)


def cell_text(value: object) -> str:
    """`value` as a CSV cell: null is empty, lists and objects are JSON, formulas are disarmed."""
    match value:
        case None:
            return ""
        case str():
            return harmless(value)
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)
    ready = plain(value)
    return harmless(ready if isinstance(ready, str) else json_text(ready))
