"""Writing anomaly events in Slack's shape.

The result is the same bytes wherever and however often it is computed: keys stand in Slack's
order, evidence keys in alphabetical order, and there are no floating-point numbers.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from gridtrail.errors import WrongUse
from gridtrail.slack import strict_json
from gridtrail.slack.event import EventFields, event_fields
from gridtrail.slack.reasons import REASONS, with_companions
from gridtrail.slack.strict_json import JsonObject, NumberText

ID_NAMESPACE = uuid.UUID("6f1d3c52-58a5-4b0e-9d0c-2b8f0c1a7e4d")
"""Namespace of the ids of Gridtrail's anomaly events; changing it would duplicate them all."""

_USER_KEYS = ("id", "name", "email", "team", "account_type")
_APP_KEYS = ("id", "name", "is_distributed", "is_directory_approved", "is_workflow_app", "scopes")
_LOCATION_KEYS = ("type", "id", "name", "domain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """What a detector found about the event that decided it.

    `deciding` is that event's JSON text. `subject` says whose behaviour is marked: its actor or
    the app in its context. Times are microseconds since the epoch. An optional field that is None
    or empty is left out, but for the two `previous_…`, which Slack always writes (blank if none).
    """

    org: str
    deciding: bytes
    reasons: Sequence[str]
    action_timestamp: int
    subject: Literal["user", "app"] = "user"
    location: str = ""
    previous_ip_address: str | None = None
    previous_ua: str | None = None
    ip_address_details: Sequence[str] = ()
    user_agent_change_details: Sequence[str] = ()
    detected_client: str | None = None
    detected_os: str | None = None
    api_call_method: str | None = None
    scraping_tool: str | None = None
    client_ja3_fingerprint: str | None = None
    client_ja4_fingerprint: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)  # goes under details.gridtrail


_OPTIONAL = (
    "ip_address_details",
    "user_agent_change_details",
    "detected_client",
    "detected_os",
    "api_call_method",
    "scraping_tool",
    "client_ja3_fingerprint",
    "client_ja4_fingerprint",
)


def anomaly_id(org: str, reasons: Iterable[str], subject_id: str, deciding_id: str) -> str:
    """The id of an anomaly event: a UUID (RFC 9562, version 5) of what it is about.

    Companions count as given and order does not matter, so that a repeated run finds the same id.
    Version 5 because collectors in the field refuse what is not one of the classic versions.
    """
    name = json.dumps([org, with_companions(reasons), subject_id, deciding_id], ensure_ascii=True)
    return str(uuid.uuid5(ID_NAMESPACE, name))


def anomaly_event(anomaly: Anomaly) -> bytes:
    """The anomaly event as JSON text (UTF-8, no spaces), readable by `read_event`.

    Its `date_create` is the deciding event's. The context keeps location, user agent, address
    and session (a number, as Slack sends it).

    Raises WrongUse for an unknown reason, a subject that the event does not have, or evidence
    that is not text, integers, booleans, None, and lists and mappings of these. Raises SkipRecord
    when `deciding` is no audit event.
    """
    codes = _known(anomaly.reasons)
    event = strict_json.read(anomaly.deciding)
    if not isinstance(event, JsonObject):
        raise WrongUse("The deciding event is not a JSON object: give the raw text of one event.")
    fields = event_fields(event)
    person = {"type": "user", "user": _chosen(_at(event, "actor", "user"), _USER_KEYS)}
    if anomaly.subject == "app":
        app = _chosen(_at(event, "context", "app"), _APP_KEYS)
        entity: dict[str, Any] = {"type": "app", "app": app}
        subject_id = fields.app_id
    else:
        entity, subject_id = person, fields.actor_id
    if subject_id is None:
        raise WrongUse(
            f"Event {fields.id} has no {anomaly.subject} to mark: choose another deciding event."
        )
    result = {
        "id": anomaly_id(anomaly.org, codes, subject_id, fields.id),
        "date_create": fields.date_create,
        "action": "anomaly",
        "actor": person,
        "entity": entity,
        "context": _context(event, fields),
        "details": _details(anomaly, codes),
    }
    return json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _known(reasons: Sequence[str]) -> tuple[str, ...]:
    unknown = sorted(set(reasons) - set(REASONS))
    if unknown or not reasons:
        what = f"{unknown[0]!r} is no reason" if unknown else "No reason was given"
        raise WrongUse(f"{what}: use one of {', '.join(REASONS)}.")
    return with_companions(reasons)


def _context(event: JsonObject, fields: EventFields) -> dict[str, Any]:
    session = fields.session_id
    numeric = session is not None and session.isascii() and session.isdigit() and len(session) < 19
    return {
        "location": _chosen(_at(event, "context", "location"), _LOCATION_KEYS),
        "ua": fields.ua or "",
        "session_id": int(session) if session is not None and numeric else session,
        "ip_address": fields.ip or "",
    }


def _details(anomaly: Anomaly, codes: tuple[str, ...]) -> dict[str, Any]:
    details: dict[str, Any] = {
        "action_timestamp": _checked(anomaly.action_timestamp, "action_timestamp"),
        "location": anomaly.location,
        "previous_ip_address": anomaly.previous_ip_address or "",
        "previous_ua": anomaly.previous_ua or "",
        "reason": list(codes),
    }
    for key in _OPTIONAL:
        value = getattr(anomaly, key)
        if value:
            details[key] = value if isinstance(value, str) else list(value)
    if anomaly.evidence:
        details["gridtrail"] = _checked(anomaly.evidence, "evidence")
    return details


def _at(event: JsonObject, *path: str) -> JsonObject:
    value: Any = event
    for key in path:
        value = value.get(key)
        if not isinstance(value, JsonObject):
            return JsonObject([])
    return value if isinstance(value, JsonObject) else JsonObject([])


def _chosen(source: JsonObject, keys: tuple[str, ...]) -> dict[str, Any]:
    """Those of `keys` that `source` has with a value of Slack's kind: text, boolean, texts."""
    return {key: source[key] for key in keys if _is_plain(source.get(key))}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(inner, str) for inner in value)
    return isinstance(value, (bool, str)) and not isinstance(value, NumberText)


def _checked(value: Any, where: str) -> Any:
    """`value` with sorted keys and lists for tuples. Raises WrongUse naming the bad place."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return int(value)
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise WrongUse(f"A key in {where} is not text: name it by text.")
        return {key: _checked(value[key], f"{where}.{key}") for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_checked(inner, f"{where}[{i}]") for i, inner in enumerate(value)]
    raise WrongUse(
        f"{where} is of type {type(value).__name__}, whose text differs between engines: give it "
        "as text or as a scaled 64-bit integer."
    )
