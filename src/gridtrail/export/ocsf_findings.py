"""Anomaly events and findings as OCSF Detection Findings (class 2004)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gridtrail.export.attack import ocsf_attacks
from gridtrail.export.ocsf_names import OCSF_VERSION, SEVERITIES, kind_of
from gridtrail.export.ocsf_parts import actor, resource, source
from gridtrail.export.record import (
    Record,
    address,
    filled,
    objects,
    plain_text_in,
    text_in,
    texts_of,
)
from gridtrail.slack.reasons import REASONS

_CLASS = 2004
_CREATE, _UPDATE, _CLOSE = 1, 2, 3
_GRAVE = frozenset({"excessive_malware_uploads", "session_fingerprint", "unexpected_admin_action"})
"""Reasons that rule packs in the field take for medium; the others are low on their own."""

_OBSERVABLES = {"ip": (2, "IP Address"), "user": (10, "Resource UID")}
_BEHAVIOURAL = 2
_STATUSES = {
    "open": (1, "New"),
    "investigating": (2, "In Progress"),
    "closed": (4, "Resolved"),
}


def ocsf_anomaly(record: Record) -> dict[str, Any]:
    """An anomaly event: what was unusual, with the event as its evidence."""
    reasons = texts_of(record.details.get("reason"))
    severity_id, severity = SEVERITIES["medium" if _GRAVE & set(reasons) else "low"]
    ours = objects(record.event, "details", "gridtrail")
    time = record.date_create * 1000
    evidence = filled(
        actor=actor(record),
        src_endpoint=source(record),
        data=filled(details=dict(record.details), user_agent=text_in(record.context, "ua")),
    )
    return filled(
        **kind_of(_CLASS, _CREATE),
        time=time,
        severity_id=severity_id,
        severity=severity,
        status_id=1,
        status="New",
        is_alert=True,
        message=f"Anomaly: {', '.join(reasons) or 'no reason given'}",
        metadata=_metadata(record.org, record.id, "anomaly", bool(ours)),
        finding_info=filled(
            uid=record.id,
            title=f"Slack anomaly: {', '.join(reasons) or 'no reason given'}",
            desc=_meaning(reasons),
            created_time=time,
            types=reasons,
            attacks=ocsf_attacks(reasons),
            analytic=_analytic(ours) if ours else None,
        ),
        evidences=[evidence],
        resources=[resource(record)],
        observables=_observables(text_in(record.context, "ip_address"), record.thing.get("id")),
        raw_data=record.raw,
        unmapped={
            key: value
            for key, value in record.event.items()
            if key not in ("id", "date_create", "action")
        },
    )


def ocsf_finding(finding: Mapping[str, Any], *, raw: str, version: int = 1) -> dict[str, Any]:
    """A finding (the contract's JSON object); `raw` is its JSON text.

    `version` counts how often it was sent: the first is Create, later ones Update, a closed
    finding Close.
    """
    status_id, status = _STATUSES.get(str(finding.get("status")), (99, str(finding.get("status"))))
    if finding.get("verdict") in ("expected", "false_positive"):
        status_id, status = 3, "Suppressed"
    severity_id, severity = SEVERITIES.get(str(finding.get("severity")), (0, "Unknown"))
    reasons = texts_of(finding.get("reasons"))
    closed = finding.get("status") == "closed"
    activity = _CLOSE if closed else _CREATE if version == 1 else _UPDATE
    first, last = _milliseconds(finding, "first_seen"), _milliseconds(finding, "last_seen")
    advice = texts_of(finding.get("advice"))
    return filled(
        **kind_of(_CLASS, activity),
        time=last,
        start_time=first,
        end_time=last,
        severity_id=severity_id,
        severity=severity,
        status_id=status_id,
        status=status,
        status_detail=plain_text_in(finding, "verdict_reason"),
        is_alert=not closed,
        message=plain_text_in(finding, "title"),
        comment=plain_text_in(finding, "narrative"),
        count=len(texts_of(finding.get("event_ids"))) or None,
        metadata=_metadata(
            plain_text_in(finding, "org"), plain_text_in(finding, "id"), "finding", ours=True
        ),
        finding_info=_finding_info(finding, reasons, first, last),
        evidences=_evidences(finding),
        resources=[
            {"uid": one, "type": "user", "name": one} for one in texts_of(finding.get("actor_ids"))
        ],
        remediation={"desc": " ".join(advice)} if advice else None,
        observables=_observables(*texts_of(finding.get("ips"))[:100]),
        raw_data=raw,
        unmapped=dict(finding),
    )


def _finding_info(
    finding: Mapping[str, Any], reasons: Sequence[str], first: int, last: int
) -> dict[str, Any]:
    return filled(
        uid=plain_text_in(finding, "id") or "unknown",
        title=plain_text_in(finding, "title") or "Finding",
        desc=plain_text_in(finding, "narrative"),
        created_time=first,
        first_seen_time=first,
        last_seen_time=last,
        types=[*reasons, *texts_of(finding.get("rules"))],
        attacks=ocsf_attacks(reasons),
        related_events=[{"uid": one} for one in texts_of(finding.get("event_ids"))],
        data_sources=["Slack Audit Logs"],
    )


def _evidences(finding: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One for the context and history, one a session and one an address."""
    found: list[dict[str, Any]] = []
    data = {key: finding[key] for key in ("context", "history") if finding.get(key)}
    if data:
        found.append({"data": data})
    for one in texts_of(finding.get("session_ids")):
        found.append({"actor": {"session": {"uid": one}}})
    for one in texts_of(finding.get("ips")):
        ip = address(one)
        found.append({"src_endpoint": {"ip": ip} if ip else {"name": one}})
    return found


def _metadata(org: str | None, uid: str | None, code: str, ours: bool) -> dict[str, Any]:
    maker = {"name": "Gridtrail", "vendor_name": "Gridtrail"}
    slack = {"name": "Slack", "vendor_name": "Slack", "feature": {"name": "Audit Logs"}}
    return filled(
        version=OCSF_VERSION,
        product=maker if ours else slack,
        uid=uid,
        event_code=code,
        log_name="audit",
        log_provider="Gridtrail",
        tenant_uid=org,
    )


def _analytic(ours: Mapping[str, Any]) -> dict[str, Any]:
    name = ours.get("detector")
    version = ours.get("detector_version", ours.get("version"))
    return filled(
        name=name if isinstance(name, str) and name else "gridtrail",
        uid=name if isinstance(name, str) and name else "gridtrail",
        type_id=_BEHAVIOURAL,
        type="Behavioral",
        version=None if version is None else str(version),
    )


def _meaning(reasons: Sequence[str]) -> str | None:
    known = [REASONS[code].meaning for code in reasons if code in REASONS]
    return "; ".join(known) or None


def _observables(*values: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for value in values:
        if not isinstance(value, str) or not value:
            continue
        type_id, kind = _OBSERVABLES["ip" if address(value) else "user"]
        name = "evidences.src_endpoint.ip" if address(value) else "resources.uid"
        found.append({"name": name, "type_id": type_id, "type": kind, "value": value})
    return found


def _milliseconds(finding: Mapping[str, Any], key: str) -> int:
    value = finding.get(key)
    return value * 1000 if isinstance(value, int) else 0
