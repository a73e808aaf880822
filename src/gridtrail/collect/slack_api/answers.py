"""What an answer of the far side means: free of input and output.

Statuses and codes: facts reference 1.4. Slack answers a wrong token with a 401 that is no JSON, and
between it and us stand proxies that answer in HTML; so the status decides where the body is silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from gridtrail.collect.slack_api.pages import BrokenBody, Page, read_page
from gridtrail.collect.slack_api.reading import Call
from gridtrail.collect.slack_api.refusals import next_step

MOST_PATIENCE = 3_600  # seconds; a longer Retry-After is a mistake or malice

_BUSY_STATUSES = frozenset({408, 425, 500, 502, 503, 504, 507, 509, 520, 521, 522, 523, 524, 529})
_BUSY_ERRORS = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
)
_RATE_ERRORS = frozenset({"rate_limited", "ratelimited"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: header names in any letter case. `url` without the query string."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""

    def header(self, name: str) -> str | None:
        """The header `name`, in any letter case."""
        return next((v for k, v in self.headers.items() if k.lower() == name.lower()), None)

    @property
    def date(self) -> int | None:
        """The far side's clock, seconds since the epoch, from its Date header."""
        try:
            moment = parsedate_to_datetime(self.header("date") or "")
        except ValueError:
            return None
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return int(moment.timestamp())


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No whole answer came; `why` says what happened instead."""

    why: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many calls; wait at least `seconds`, which is None when the far side does not say."""

    seconds: int | None


@dataclass(frozen=True, slots=True)
class Broken:
    """This answer is of no use, another one may be."""

    why: str


@dataclass(frozen=True, slots=True)
class CursorRefused:
    """The cursor is stale or foreign: its window starts again."""


@dataclass(frozen=True, slots=True)
class ActionRefused:
    """At least one of the call's actions is not supported."""


@dataclass(frozen=True, slots=True)
class RangeRefused:
    """The far side has no such time."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Calling again does not help, somebody has to change something; `sentence` says what.

    `certain` is False when it may have been a proxy on the way that spoke.
    """

    sentence: str
    certain: bool


Outcome = Page | Throttled | Broken | CursorRefused | ActionRefused | RangeRefused | Denied


def understand(call: Call, answer: Answer | NoAnswer) -> Outcome:
    """What `answer` to `call` means."""
    if isinstance(answer, NoAnswer):
        return Broken(answer.why)
    error = _error(answer.body)
    if answer.status == 429 or error in _RATE_ERRORS:
        return Throttled(_retry_after(answer))
    if answer.status in _BUSY_STATUSES or error in _BUSY_ERRORS:
        return Broken(f"the far side answers {answer.status} {error or ''}".rstrip())
    if 200 <= answer.status < 300 and error is None:
        return _page(answer.body)
    return _refusal(call, answer, error)


def _page(body: bytes) -> Page | Broken:
    try:
        return read_page(body)
    except BrokenBody as broken:
        return Broken(str(broken))


def _refusal(call: Call, answer: Answer, error: str | None) -> Outcome:
    named: dict[str, Outcome] = {
        "invalid_cursor": CursorRefused(),
        "invalid_action": ActionRefused(),
        "invalid_range": RangeRefused(),
    }
    if error in named:
        return named[error]
    if answer.status == 400 and error is None:
        # what a bare 400 is about is known from what was asked (facts reference 1.2)
        if call.cursor:
            return CursorRefused()
        if call.actions:
            return ActionRefused()
    return Denied(next_step(error, answer.status, answer.url), certain=error is not None)


def _error(body: bytes) -> str | None:
    """The error code of a small JSON answer that has one."""
    text = body.strip()
    if len(text) > 65_536 or not text.startswith(b"{"):
        return None
    try:
        value: Any = orjson.loads(text)
    except ValueError:
        return None
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, str) and error else None


def _retry_after(answer: Answer) -> int | None:
    text = (answer.header("retry-after") or "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return min(int(text), MOST_PATIENCE)
