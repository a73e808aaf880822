"""The query string of `GET /audit/v1/logs`, read as leniently as Slack's clients need it.

- An empty parameter counts as not given; an unknown one is ignored; of a repeated one the last
  counts (repeated `action`s are taken together).
- With a cursor, a filter given again is used as given, one left out is the first page's. So both
  kinds of client work: those that repeat their filters and those that drop them.
- A `limit` that is no number, or below 1, becomes the default; above the maximum, the maximum.
- `oldest` and `latest` may be spelt with a fraction or an exponent; the fraction is cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from gridtrail.server.api.cursors import Cursor, Filters
from gridtrail.server.api.refusals import Refusal
from gridtrail.slack.audit_api import BEGINNING, MAX_ACTIONS, MAX_LIMIT

DEFAULT_LIMIT = 200

_WHOLE = re.compile(r"[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{0,18})?(?:[eE]\+?[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request wants: the events of `filters` at or before the second `position`.

    `position` is None on a first page.
    """

    filters: Filters
    limit: int
    position: int | None

    @property
    def latest(self) -> int | None:
        """The newest second to look at."""
        bounds = [b for b in (self.filters.latest, self.position) if b is not None]
        return min(bounds, default=None)


def read_query(parameters: Iterable[tuple[str, str]], org: str) -> Asked:
    """What the decoded query `parameters` of a request for `org` ask for.

    Raises Refusal `invalid_cursor`, `invalid_range` or `invalid_action` (too many; whether each
    is supported is not looked at here).
    """
    given = _given(parameters)
    cursor = Cursor.decode(given["cursor"], org) if "cursor" in given else None
    before = cursor.filters if cursor is not None else Filters()
    filters = Filters(
        actions=_actions(given["action"]) if "action" in given else before.actions,
        actor=given.get("actor", before.actor),
        entity=given.get("entity", before.entity),
        oldest=_seconds("oldest", given["oldest"]) if "oldest" in given else before.oldest,
        latest=_seconds("latest", given["latest"]) if "latest" in given else before.latest,
    )
    if None not in (filters.oldest, filters.latest) and _after(filters.oldest, filters.latest):
        raise Refusal("invalid_range", "oldest is after latest: swap them.")
    limit = _limit(given.get("limit"), DEFAULT_LIMIT if cursor is None else cursor.limit)
    return Asked(filters, limit, None if cursor is None else cursor.position)


def _given(parameters: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parameters:
        text = value.strip()
        if not text:
            continue
        found[name] = f"{found[name]},{text}" if name == "action" and name in found else text
    return found


def _actions(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if len(names) > MAX_ACTIONS:
        raise Refusal(
            "invalid_action",
            f"{len(names)} actions are too many: ask for at most {MAX_ACTIONS} at once.",
        )
    return names


def _seconds(name: str, text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Refusal("invalid_range", f"{name} is not a number: give Unix seconds.")
    seconds = int(Decimal(text))
    if seconds < BEGINNING:
        raise Refusal(
            "invalid_range",
            f"{name} is before March 2018, when audit logs begin: give {BEGINNING} or later.",
        )
    return seconds


def _after(first: int | None, second: int | None) -> bool:
    return first is not None and second is not None and first > second


def _limit(text: str | None, default: int) -> int:
    if text is None:
        return default
    digits = text.removeprefix("+")
    if not _WHOLE.fullmatch(digits):
        # more digits than any page has are still a wish for many
        return MAX_LIMIT if digits.isascii() and digits.isdecimal() else DEFAULT_LIMIT
    return min(int(digits), MAX_LIMIT) or DEFAULT_LIMIT
