"""The reference reader: the bytes of one audit event to the columns of the lake.

Whatever reads faster has to give the same result as `read_event` (the tests compare them).
It is lenient about what an event may hold (Slack adds actions, entity types and keys without
notice, and collectors on the way change types) and strict about JSON itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from gridtrail.errors import SkipRecord
from gridtrail.slack import strict_json
from gridtrail.slack.strict_json import JsonObject, NumberText

MAX_NAME = 256
"""Characters that an id or an action name may have."""

# Seconds until the year 5138; the same number of milli-, micro- or nanoseconds lies before 1974,
# and Slack has existed since 2013, so the magnitude alone tells the unit.
MAX_SECONDS = 10**11
_UNITS = ((MAX_SECONDS, 1), (10**14, 10**3), (10**17, 10**6), (10**20, 10**9))

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NUMERIC = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NAME_KEYS = ("name", "title", "template_name")
_EMPTY = JsonObject([])


@dataclass(frozen=True, slots=True)
class EventFields:
    """The columns of one event; empty text is None. Times are seconds since the epoch, UTC."""

    id: str
    date_create: int
    action: str
    actor_type: str | None
    actor_id: str | None
    actor_name: str | None
    actor_email: str | None
    actor_team: str | None
    entity_type: str | None
    entity_id: str | None  # of a message, which has no id: "<channel>:<timestamp>"
    entity_name: str | None  # its name, else title, else template_name
    location_type: str | None
    location_id: str | None
    location_domain: str | None
    ua: str | None
    ip: str | None
    session_id: str | None
    app_id: str | None
    reasons: tuple[str, ...] | None  # of anomaly events, else None
    details: str | None  # JSON text without spaces


def read_event(raw: bytes) -> EventFields:
    """The columns of the event whose JSON text is `raw`.

    Unknown keys, actions and entity types are fine; `actor`, `entity`, `context` and `details`
    may be missing or of a wrong type (their columns are then None).

    Raises SkipRecord with `not_utf8`, `too_deep`, `not_json`, `not_an_object`, `duplicate_key`,
    `no_id`, `no_action`, `no_time`, `bad_time` or `bad_field`.
    """
    event = strict_json.read(raw)
    if not isinstance(event, JsonObject):
        raise SkipRecord("not_an_object", "Not a JSON object: give one event a record.")
    return event_fields(event)


def event_fields(event: JsonObject) -> EventFields:
    """As `read_event`, for an object that `strict_json.read` gave."""
    actor, person = _typed(event, "actor", "user")
    entity, thing = _typed(event, "entity", None)
    context = _object(event, "context")
    location = _object(context, "location")
    app = _object(context, "app")
    _check_twice(event, actor, person, entity, thing, context, location, app)
    identity = _required(event, "id", "no_id")
    action = _required(event, "action", "no_action")
    return EventFields(
        id=identity,
        date_create=_seconds(event.get("date_create")),
        action=action,
        actor_type=_text(actor.get("type")),
        actor_id=_text(person.get("id")),
        actor_name=_text(person.get("name")),
        actor_email=_text(person.get("email")),
        actor_team=_text(person.get("team")),
        entity_type=_text(entity.get("type")),
        entity_id=_entity_id(entity, thing),
        entity_name=next((t for key in _NAME_KEYS if (t := _text(thing.get(key)))), None),
        location_type=_text(location.get("type")),
        location_id=_text(location.get("id")),
        location_domain=_text(location.get("domain")),
        ua=_text(context.get("ua")),
        ip=_text(context.get("ip_address")),
        session_id=_session(context.get("session_id")),
        app_id=_text(app.get("id")),
        reasons=_reasons(event) if action == "anomaly" else None,
        details=_details(event),
    )


def _object(holder: Mapping[str, Any], key: str) -> JsonObject:
    value = holder.get(key)
    return value if isinstance(value, JsonObject) else _EMPTY


def _typed(event: JsonObject, key: str, default: str | None) -> tuple[JsonObject, JsonObject]:
    """`{"type": T, T: {…}}` under `key`: the whole and the object named by its type."""
    whole = _object(event, key)
    kind = _text(whole.get("type")) or default
    return whole, _object(whole, kind) if kind else _EMPTY


def _check_twice(event: JsonObject, *parts: JsonObject) -> None:
    for part in (event, *parts, _object(event, "details")):
        if (key := part.twice) is not None:
            raise SkipRecord(
                "duplicate_key",
                f"The key {key[:64]!r} stands twice in one object: correct or drop the record.",
            )


def _text(value: Any) -> str | None:
    """Text as it is, a number as it is spelt; anything else, and empty text, is None."""
    return str(value) if isinstance(value, str) and value else None


def _required(event: JsonObject, key: str, reason: str) -> str:
    value = event.get(key)
    if value is None or value == "":
        raise SkipRecord(reason, f"It has no {key}: only whole audit events can be stored.")
    if not isinstance(value, str) or (isinstance(value, NumberText) and not value.whole):
        raise SkipRecord("bad_field", f"Its {key} is not text: correct or drop the record.")
    if len(value) > MAX_NAME or _CONTROL.search(value):
        raise SkipRecord(
            "bad_field",
            f"Its {key} has more than {MAX_NAME} characters or control characters: correct or "
            "drop the record.",
        )
    return str(value)


def _seconds(value: Any) -> int:
    """Seconds since the epoch from a number, numeric text or ISO 8601 text, of any usual unit."""
    if value is None or value == "":
        raise SkipRecord("no_time", "It has no date_create: only whole audit events can be stored.")
    if not isinstance(value, str):
        raise _bad_time("neither a number nor text")
    text = value.strip()
    if _NUMERIC.fullmatch(text):
        return _scaled(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _bad_time("neither a number nor an ISO 8601 time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1
    if seconds < 0:
        raise _bad_time("before 1970")
    return int(seconds)


def _scaled(text: str) -> int:
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal takes
        raise _bad_time("out of range") from None
    if number < 0:
        raise _bad_time("before 1970")
    for limit, unit in _UNITS:
        if number < limit:
            return int(number // unit)
    raise _bad_time("out of range")


def _bad_time(what: str) -> SkipRecord:
    return SkipRecord("bad_time", f"Its date_create is {what}: give seconds since the epoch.")


def _entity_id(entity: JsonObject, thing: JsonObject) -> str | None:
    found = _text(thing.get("id"))
    if found is None and entity.get("type") == "message":
        channel, timestamp = _text(thing.get("channel")), _text(thing.get("timestamp"))
        found = f"{channel}:{timestamp}" if channel and timestamp else None
    return found


def _session(value: Any) -> str | None:
    """Slack sends a number, text or null; a float (seen after a detour) is made whole."""
    if not isinstance(value, NumberText):
        return _text(value)
    if value.whole:
        return "0" if value == "-0" else str(value)
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    small = number.is_finite() and number.adjusted() < 20
    return str(int(number)) if small and number == int(number) else None


def _reasons(event: JsonObject) -> tuple[str, ...]:
    found = _object(event, "details").get("reason")
    codes = found if isinstance(found, list) else [found]
    return tuple(str(code) for code in codes if isinstance(code, str) and code)


def _details(event: JsonObject) -> str | None:
    value = event.get("details")
    return None if value is None or value == "" else strict_json.minified(value)
