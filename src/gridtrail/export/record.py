"""One audit event, parsed so that no shape and no value in it can surprise a converter.

Slack adds keys and changes types without notice, and every string is a stranger's, so whatever is
read goes through the helpers here: what is not of the kind wanted is not there.
"""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gridtrail.errors import SkipRecord

_LONG = range(-(2**63), 2**63)
_MAX_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Record:
    """An event of the organization `org`: `raw` is its JSON text, `event` the object in it.

    `date_create` is seconds since the epoch, UTC, as the lake read it. `person` is the acting user
    (or app), `thing` what was acted on and `entity_type` its kind; of these, `context` and
    `details`, what the event does not have is an empty object.
    """

    org: str
    id: str
    date_create: int
    action: str
    raw: str
    event: Mapping[str, Any]
    context: Mapping[str, Any]
    details: Mapping[str, Any]
    actor_type: str | None
    person: Mapping[str, Any]
    entity_type: str | None
    thing: Mapping[str, Any]


def record(org: str, event_id: str, date_create: int, action: str, raw: str) -> Record:
    """Parse the `raw` text of a stored event.

    Numbers that other systems cannot hold (beyond 64 bits, beyond a double) become text. Raises
    SkipRecord `not_json` or `not_an_object` for a text that is no event.
    """
    try:
        event = _DECODER.decode(raw)
    except (ValueError, RecursionError) as error:
        raise SkipRecord("not_json", "The stored text is no JSON: run `gridtrail verify`.") from (
            error
        )
    if not isinstance(event, dict):
        raise SkipRecord("not_an_object", "The stored text is no event: run `gridtrail verify`.")
    acting = objects(event, "actor")
    who = text_in(acting, "type")
    entity = objects(event, "entity")
    kind = text_in(entity, "type")
    return Record(
        org,
        event_id,
        date_create,
        action,
        raw,
        event,
        context=objects(event, "context"),
        details=objects(event, "details"),
        actor_type=who,
        person=objects(acting, who or "user"),
        entity_type=kind,
        thing=objects(entity, kind) if kind else {},
    )


def objects(holder: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The object under `path` in `holder`, or an empty one."""
    found: Any = holder
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def text_in(holder: Mapping[str, Any], key: str) -> str | None:
    """The text under `key`: a number as its digits; None for anything else and for empty text."""
    value = holder.get(key)
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) and value else None


def plain_text_in(holder: Mapping[str, Any], key: str) -> str | None:
    """The text under `key`, when it is one; None for anything else and for empty text."""
    value = holder.get(key)
    return value if isinstance(value, str) and value else None


def texts_of(value: object) -> list[str]:
    """The texts in a list, or the one text that `value` is."""
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, str) and one]


@lru_cache(4096)
def address(text: str | None) -> str | None:
    """`text` when it is an IP address, else None."""
    if text is None:
        return None
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return None
    return text


def filled(**values: Any) -> dict[str, Any]:
    """The `values` that are there: None, empty lists and empty objects are left out."""
    return {key: value for key, value in values.items() if value or value in _MEANT}


_MEANT = (0, False)


def _integer(digits: str) -> int | str:
    if len(digits) > _MAX_DIGITS:
        return digits
    number = int(digits)
    return number if number in _LONG else digits


def _number(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=str)
"""Kept: making one for each event would take a tenth of all the time."""
