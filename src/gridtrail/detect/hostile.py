"""Events as an attacker would write them: for checks that text shapes nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from gridtrail.detect import stage

TEXTS = (
    "'; DROP TABLE events; --",
    '" OR "1"="1',
    "line\nbreak\r\n\ttab",
    "\x00nul\x1b[2J",
    "{{7*7}}<script>alert(1)</script>${x}",
    "=cmd|' /C calc'!A0",
    "\u202eright to left\u2028\u2029",
    "%s %d \\ \\' $1 ?",
    "long" * 200,
)
"""Each goes after the value of a text field."""

NOVEL = "novel " * 20_000

_FIELDS = (
    ("actor", "user", "id"),
    ("actor", "user", "name"),
    ("actor", "user", "email"),
    ("actor", "user", "team"),
    ("entity", "file", "id"),
    ("entity", "file", "name"),
    ("entity", "file", "title"),
    ("entity", "file", "filetype"),
    ("context", "location", "id"),
    ("context", "location", "name"),
    ("context", "location", "domain"),
    ("context", "app", "id"),
    ("context", "app", "name"),
    ("context", "session_id"),
)


def poisoned(event: dict[str, Any]) -> dict[str, Any]:
    """`event` with a hostile text after every id and name, the same for the same value, and with
    unknown keys everywhere; time, action, address and user agent stay."""
    changed = copy.deepcopy(event)
    for number, path in enumerate(_FIELDS):
        holder = changed
        for key in path[:-1]:
            holder = holder.get(key) or {}
        value = holder.get(path[-1])
        if value not in (None, ""):
            holder[path[-1]] = _with_text(str(value), number)
    person = changed["entity"].get("user") or {}
    if person.get("id"):
        person["id"] = _with_text(str(person["id"]), 0)  # the same person as that actor
    for part in (changed, changed["actor"], changed["context"], changed["entity"]):
        part["x_unknown"] = {"deep": [1, 2.5, None, {"'": '"'}]}
    return changed


def _with_text(value: str, number: int) -> str:
    # by value, so that people keep their identity, and different texts meet each field
    chosen = (sum(value.encode()) + number) % len(TEXTS)
    return value + TEXTS[chosen]


def strangers(at: int) -> Iterator[dict[str, Any]]:
    """Events from `at` (seconds) on with broken addresses, user agents and sessions, by people
    nobody knows."""
    for number, text in enumerate((*TEXTS, NOVEL)):
        event = stage.slack_event(
            at + number, f"stranger{number}", "file_downloaded", place=text, client=text
        )
        event["context"]["session_id"] = text
        event["entity"] = {"type": text, text: {"id": text, "name": text}}
        yield event
        event = stage.slack_event(at + number, f"nobody{number}", "user_login", number=number)
        event["actor"] = {"type": text, text: {"id": text}}
        event["context"] = {"ua": text, "ip_address": text, "app": {"id": text}}
        yield event
