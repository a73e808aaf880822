"""Audit events and findings in the Elastic Common Schema (ECS), with nothing left out.

Fields are named as Elastic's own Slack integration names them (`slack.audit.context`,
`slack.audit.entity`, `user`, `source`), so its dashboards and rules work; what it drops is kept
beside (`slack.audit.details`, the app, unknown keys), and `event.original` is the text as it came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gridtrail.export.attack import techniques
from gridtrail.export.mapped import mapped
from gridtrail.export.record import (
    Record,
    address,
    filled,
    objects,
    plain_text_in,
    text_in,
    texts_of,
)
from gridtrail.export.values import iso_seconds

ECS_VERSION = "8.17.0"

_ALERT = "intrusion_detection"
_SEVERITIES = {"low": 21, "medium": 47, "high": 73, "critical": 99}
"""Elastic's own numbers for the severities of its rules."""

_TAKEN = frozenset({"id", "date_create", "action", "actor", "entity", "context", "details"})
_CONTEXT_TAKEN = frozenset({"ua", "ip_address", "location", "session_id"})


def ecs_event(record: Record) -> dict[str, Any]:
    """The event as an ECS document; an anomaly is an alert."""
    what = mapped(record.action)
    alert = record.action == "anomaly"
    reasons = texts_of(record.details.get("reason")) if alert else []
    ip, app = text_in(record.context, "ip_address"), objects(record.context, "app")
    person = record.person
    ids = [text_in(person, "id"), text_in(person, "email")]
    return filled(
        **{"@timestamp": iso_seconds(record.date_create)},
        ecs={"version": ECS_VERSION},
        event=filled(
            id=record.id,
            action=record.action,
            kind="alert" if alert else "event",
            category=list(what.categories),
            type=list(what.types),
            outcome=what.outcome,
            module="slack",
            dataset="slack.audit",
            provider="gridtrail",
            reason=", ".join(reasons),
            original=record.raw,
        ),
        message=record.action,
        organization={"id": record.org},
        user=filled(
            id=text_in(person, "id"),
            full_name=text_in(person, "name"),
            email=text_in(person, "email"),
        ),
        source=filled(address=ip, ip=address(ip)),
        user_agent=filled(original=text_in(record.context, "ua")),
        related=filled(user=[one for one in ids if one], ip=[one for one in [address(ip)] if one]),
        file=filled(name=text_in(record.thing, "name")) if record.entity_type == "file" else None,
        service=filled(id=text_in(app, "id"), name=text_in(app, "name")),
        threat=_threat(reasons),
        slack={"audit": _audit(record)},
    )


def _audit(record: Record) -> dict[str, Any]:
    """What Slack alone says, all of it."""
    event = record.event
    found = {key: value for key, value in event.items() if key not in _TAKEN}
    context = event.get("context")
    found["actor"] = event.get("actor")
    found["context"] = _context(record) if isinstance(context, dict) else context
    found["entity"] = _entity(event.get("entity"))
    found["details"] = event.get("details")
    return {key: value for key, value in found.items() if value is not None}


def _context(record: Record) -> dict[str, Any]:
    context = record.context
    found = {key: value for key, value in context.items() if key not in _CONTEXT_TAKEN}
    location = context.get("location")
    if isinstance(location, dict):
        found |= location
    elif location is not None:
        found["location"] = location
    session = context.get("session_id")
    if session is not None:
        # a keyword in Elastic's mapping
        found["session_id"] = text_in(record.context, "session_id") or str(session)
    return found


def _entity(entity: object) -> object:
    """The entity's object, with its kind as `entity_type`; one of an unknown shape as it is."""
    if not isinstance(entity, dict):
        return entity
    kind = entity.get("type")
    thing = entity.get(kind) if isinstance(kind, str) else None
    if not isinstance(thing, dict) or len(entity) != 2:
        return {"entity_type": kind, **{k: v for k, v in entity.items() if k != "type"}}
    return {**thing, "entity_type": kind}


def ecs_finding(finding: Mapping[str, Any], *, raw: str) -> dict[str, Any]:
    """A finding (the contract's JSON object) as an alert; `raw` is its JSON text."""
    people, ips = texts_of(finding.get("actor_ids")), texts_of(finding.get("ips"))
    reasons = texts_of(finding.get("reasons"))
    score = finding.get("score")
    return filled(
        **{"@timestamp": _time(finding, "last_seen")},
        ecs={"version": ECS_VERSION},
        event=filled(
            id=plain_text_in(finding, "id"),
            kind="alert",
            category=[_ALERT],
            type=["info"],
            outcome="unknown",
            module="gridtrail",
            dataset="gridtrail.finding",
            provider="gridtrail",
            severity=_SEVERITIES.get(str(finding.get("severity"))),
            risk_score=score if isinstance(score, int | float) else None,
            reason=plain_text_in(finding, "title"),
            start=_time(finding, "first_seen"),
            end=_time(finding, "last_seen"),
            original=raw,
        ),
        message=plain_text_in(finding, "narrative"),
        organization=filled(id=plain_text_in(finding, "org")),
        rule=filled(name=plain_text_in(finding, "title"), ruleset="gridtrail"),
        user=filled(id=people[0]) if people else None,
        related=filled(user=people, ip=[one for one in ips if address(one)]),
        threat=_threat(reasons),
        gridtrail={"finding": dict(finding)},
    )


def _threat(reasons: Sequence[str]) -> dict[str, Any] | None:
    found = techniques(reasons)
    if not found:
        return None
    technique = {"id": [uid for uid, _ in found], "name": [name for _, name in found]}
    return {"framework": "MITRE ATT&CK", "technique": technique}


def _time(finding: Mapping[str, Any], key: str) -> str | None:
    value = finding.get(key)
    return iso_seconds(value) if isinstance(value, int) else None
