"""The body of a page to its entries, byte for byte, and the cursor of the next page.

The body is not parsed as a whole: one entry that is no JSON by the book (half a surrogate pair,
bytes that are not UTF-8) must not cost the others. The entries are cut out by their brackets; what
is left around them is small and is parsed strictly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from gridtrail.collect.enclosures import container
from gridtrail.collect.records import Records
from gridtrail.collect.splitting import BOM
from gridtrail.errors import RetryLater

_NONE = np.empty(0, np.int64)


class BrokenBody(RetryLater):
    """The body is no page: cut off, not JSON, or another shape."""


@dataclass(frozen=True, slots=True)
class Page:
    """`cursor` is "" when the listing is over.

    `first` and `last` are the seconds of the first and the last entry, None when they do not say.
    """

    records: Records
    cursor: str
    first: int | None = None
    last: int | None = None


def read_page(body: bytes) -> Page:
    """The page in `body`.

    Raises BrokenBody saying what is wrong with it.
    """
    body = body.removeprefix(BOM)
    found = container(body, 0)
    if found is None or found[0].kind != "page":
        raise BrokenBody("the answer is no page of events")
    inside, skip = found
    rest = body[skip:]
    records, used, _ = inside.take(rest)
    after = rest[used:]
    if not rest[:used].endswith(b"]"):
        raise BrokenBody("the answer is cut off inside of its entries")
    cursor = _cursor(body[:skip] + b"]" + after)
    if records is None:
        return Page(Records(b"", _NONE, _NONE, str), cursor)
    last = len(records) - 1
    return Page(records, cursor, _second(records.raw(0)), _second(records.raw(last)))


def _cursor(around: bytes) -> str:
    try:
        page: Any = orjson.loads(around)
    except ValueError as error:
        raise BrokenBody("the answer is cut off or no JSON") from error
    if not isinstance(page, dict) or page.get("entries") != []:
        raise BrokenBody("the answer is no page of events")
    metadata = page.get("response_metadata") or {}
    cursor = metadata.get("next_cursor") if isinstance(metadata, dict) else 0
    if cursor is not None and not isinstance(cursor, str):
        raise BrokenBody("the answer's next_cursor is no text")
    return cursor or ""


def _second(raw: bytes) -> int | None:
    try:
        event: Any = orjson.loads(raw)
    except ValueError:
        return None
    second = event.get("date_create") if isinstance(event, dict) else None
    return second if type(second) is int else None
