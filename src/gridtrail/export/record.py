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

    `date_create` is seconds since the epoch, UTC, as the lake read it.
    """

    org: str
    id: str
    date_create: int
    action: str
    raw: str
    event: Mapping[str, Any]

    def part(self, *path: str) -> Mapping[str, Any]:
        """The object under `path`, or an empty one."""
        return objects(self.event, *path)

    def text(self, *path: str) -> str | None:
        """The text under `path`, as `text_in`."""
        return text_in(objects(self.event, *path[:-1]), path[-1])

    @property
    def person(self) -> Mapping[str, Any]:
        """The acting user, or an empty object."""
        return self.part("actor", self.text("actor", "type") or "user")

    @property
    def entity_type(self) -> str | None:
        """The kind of what was acted on."""
        return self.text("entity", "type")

    @property
    def thing(self) -> Mapping[str, Any]:
        """What was acted on, or an empty object."""
        kind = self.entity_type
        return self.part("entity", kind) if kind else {}


def record(org: str, event_id: str, date_create: int, action: str, raw: str) -> Record:
    """Parse the `raw` text of a stored event.

    Numbers that other systems cannot hold (beyond 64 bits, beyond a double) become text. Raises
    SkipRecord `not_json` or `not_an_object` for a text that is no event.
    """
    try:
        event = json.loads(raw, parse_int=_integer, parse_float=_number, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise SkipRecord("not_json", "The stored text is no JSON: run `gridtrail verify`.") from (
            error
        )
    if not isinstance(event, dict):
        raise SkipRecord("not_an_object", "The stored text is no event: run `gridtrail verify`.")
    return Record(org, event_id, date_create, action, raw, event)


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
