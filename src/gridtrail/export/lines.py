"""One event or finding as one line of JSON, in any of the formats that have a line a record.

The lines are ASCII: everything else in them is escaped as JSON allows, so that no letter of a
stranger's can break a line, a frame or a terminal on the way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gridtrail.errors import SkipRecord
from gridtrail.export.ecs import ecs_event, ecs_finding
from gridtrail.export.formats import ExportFormat
from gridtrail.export.ocsf import ocsf_event
from gridtrail.export.ocsf_findings import ocsf_finding
from gridtrail.export.record import Record, record

_BEYOND_ASCII = re.compile("[^\\x00-\\x7e]")

_EVENTS: dict[ExportFormat, Callable[[Record], dict[str, Any]]] = {
    ExportFormat.ocsf: ocsf_event,
    ExportFormat.ecs: ecs_event,
}


def event_line(row: Mapping[str, Any], kind: ExportFormat) -> str:
    """The line of the event `row` (columns org, id, date_create, action, raw).

    NDJSON is the event as it came, with line breaks between its tokens as blanks. Raises
    SkipRecord when it cannot be converted.
    """
    raw = row["raw"]
    if kind is ExportFormat.ndjson:
        return _ascii(raw.replace("\n", " ").replace("\r", " "))
    parsed = record(row["org"], row["id"], row["date_create"], row["action"], raw)
    return _line(_EVENTS[kind](parsed))


def finding_line(finding: Mapping[str, Any], kind: ExportFormat, *, version: int = 1) -> str:
    """The line of a finding (the contract's JSON object); `version` counts its sendings.

    Raises SkipRecord when it cannot be converted.
    """
    raw = _line(finding)
    if kind is ExportFormat.ocsf:
        return _line(ocsf_finding(finding, raw=raw, version=version))
    if kind is ExportFormat.ecs:
        return _line(ecs_finding(finding, raw=raw))
    return raw


def _line(value: Mapping[str, Any]) -> str:
    try:
        return _ascii(orjson.dumps(value).decode())
    except orjson.JSONEncodeError:  # very deep, or with half a surrogate pair
        return _slow_line(value)


def _slow_line(value: Mapping[str, Any]) -> str:
    try:
        return _ascii(json.dumps(value, separators=(",", ":"), allow_nan=False))
    except (ValueError, RecursionError, TypeError) as error:
        raise SkipRecord("not_json", f"It has no form in JSON ({error}): look at it.") from error


def _ascii(text: str) -> str:
    """JSON `text` with everything beyond ASCII escaped: the same JSON."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _BEYOND_ASCII.sub(lambda found: _escaped(found.group()), text)


def _escaped(letter: str) -> str:
    return "\\u007f" if letter == "\x7f" else json.dumps(letter)[1:-1]
