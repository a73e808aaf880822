"""Audit events as OCSF 1.5.0: every action in its class, nothing left out.

What a class has no place for is under `unmapped` (`details`, the location, unknown keys), and
`raw_data` is the event's text as it came.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridtrail.export.mapped import mapped
from gridtrail.export.ocsf_findings import ocsf_anomaly
from gridtrail.export.ocsf_names import OCSF_VERSION, kind_of
from gridtrail.export.ocsf_parts import (
    actor,
    file,
    group,
    http_request,
    resource,
    source,
    target_user,
)
from gridtrail.export.record import Record, filled

_DETECTION, _FILE_HOSTING = 2004, 6006
_HOST_PROFILE = (3004, 3005, 3006, 6001)
"""Classes that have an actor by the profile `host` alone."""

_STATUS = {"success": (1, "Success"), "failure": (2, "Failure"), "unknown": (0, "Unknown")}
_PLACED = frozenset({"id", "date_create", "action", "actor"})


def ocsf_event(record: Record) -> dict[str, Any]:
    """The event as an object of its OCSF class; an anomaly is a Detection Finding."""
    what = mapped(record.action)
    if what.class_uid == _DETECTION:
        return ocsf_anomaly(record)
    status_id, status = _STATUS[what.outcome]
    common = filled(
        **kind_of(what.class_uid, what.activity_id, record.action),
        time=record.date_create * 1000,
        severity_id=1,
        severity="Informational",
        status_id=status_id,
        status=status,
        message=record.action,
        metadata=metadata(record, what.class_uid),
        actor=actor(record),
        src_endpoint=source(record),
        http_request=None if what.class_uid == _FILE_HOSTING else http_request(record),
        raw_data=record.raw,
        unmapped=unmapped(record),
    )
    return common | _PARTS[what.class_uid](record)


def metadata(record: Record, class_uid: int) -> dict[str, Any]:
    """Where the event comes from, and what it was called there."""
    return filled(
        version=OCSF_VERSION,
        product={"name": "Slack", "vendor_name": "Slack", "feature": {"name": "Audit Logs"}},
        uid=record.id,
        event_code=record.action,
        log_name="audit",
        log_provider="Gridtrail",
        original_time=str(record.date_create),
        tenant_uid=record.org,
        profiles=["host"] if class_uid in _HOST_PROFILE else None,
    )


def unmapped(record: Record) -> dict[str, Any]:
    """All of the event that its class has no place for."""
    return {key: value for key, value in record.event.items() if key not in _PLACED}


def _access(record: Record) -> dict[str, Any]:
    return {"user": target_user(record), "privileges": [_privilege(record)]}


def _group(record: Record) -> dict[str, Any]:
    what = mapped(record.action)
    found: dict[str, Any] = {"group": group(record), "privileges": [_privilege(record)]}
    if what.activity_id in (3, 4):
        found["user"] = _member(record)
    return found


def _member(record: Record) -> dict[str, Any]:
    """Who joined or left: the actor of a channel's event, whom the details name of a group's."""
    if record.action.endswith(("_channel_join", "_channel_leave")):
        return dict(actor(record).get("user", target_user(record)))
    return target_user(record)


def _privilege(record: Record) -> str:
    """The right that is given or taken, as the event says it best."""
    details = record.details
    for key in ("role", "permission", "new_value"):
        value = details.get(key)
        if isinstance(value, str) and value:
            return value
    if mapped(record.action).activity_id in (3, 4):
        return "member"
    return record.action


def _api(record: Record) -> dict[str, Any]:
    api = {"operation": record.action, "service": {"name": "Slack"}}
    return {"api": api, "resources": [resource(record)]}


def _authentication(record: Record) -> dict[str, Any]:
    found = target_user(record) if record.entity_type == "user" else actor(record).get("user")
    agent = http_request(record)
    return filled(
        user=found or target_user(record),
        session=actor(record).get("session"),
        service={"name": "Slack"},
        is_remote=True,
        http_request=agent,
    )


_PARTS: dict[int, Callable[[Record], dict[str, Any]]] = {
    3001: lambda record: {"user": target_user(record)},
    3002: _authentication,
    3004: lambda record: {"entity": resource(record)},
    3005: _access,
    3006: _group,
    6001: lambda record: {"web_resources": [resource(record)]},
    6003: _api,
    _FILE_HOSTING: lambda record: {"file": file(record)},
}
"""Class -> what it has beside the common attributes."""
