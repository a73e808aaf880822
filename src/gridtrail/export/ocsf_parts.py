"""OCSF objects of an audit event: users, endpoints, files, resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridtrail.export.record import Record, address, filled, objects, text_in

_USER, _FILE_REGULAR = 1, 1
_UNKNOWN_NAME = "unknown"


def user(person: Mapping[str, Any]) -> dict[str, Any]:
    """A Slack user as OCSF's user; one of whom nothing is known is named `unknown`."""
    uid, name = text_in(person, "id"), text_in(person, "name")
    email, team = text_in(person, "email"), text_in(person, "team")
    if uid is None and name is None and email is None:
        return {"name": _UNKNOWN_NAME, "type_id": 0, "type": "Unknown"}
    return filled(
        uid=uid,
        name=name or email or uid,
        full_name=name,
        email_addr=email,
        type_id=_USER,
        type="User",
        org={"uid": team} if team else None,
    )


def session(record: Record) -> dict[str, Any] | None:
    """The session of the event, when it names one."""
    uid = text_in(record.context, "session_id")
    return {"uid": uid} if uid else None


def actor(record: Record) -> dict[str, Any]:
    """Who did it: the user, the session, and the app through which it was done."""
    app = objects(record.context, "app")
    if record.actor_type == "app":
        app = record.person
        return filled(
            app_uid=text_in(app, "id"),
            app_name=text_in(app, "name") or text_in(app, "id") or _UNKNOWN_NAME,
            session=session(record),
        )
    return filled(
        user=user(record.person),
        session=session(record),
        app_uid=text_in(app, "id"),
        app_name=text_in(app, "name"),
    )


def source(record: Record) -> dict[str, Any]:
    """Where it came from; a text that is no address is the endpoint's name."""
    text = text_in(record.context, "ip_address")
    ip = address(text)
    return {"ip": ip} if ip else {"name": text or _UNKNOWN_NAME}


def http_request(record: Record) -> dict[str, Any] | None:
    """The user agent, when there is one."""
    agent = text_in(record.context, "ua")
    return {"user_agent": agent} if agent else None


def resource(record: Record) -> dict[str, Any]:
    """What was acted on, as a resource of any class; its fields are kept under `data`."""
    thing = record.thing
    return filled(
        uid=text_in(thing, "id") or message_id(thing),
        name=name_of(thing) or record.entity_type or _UNKNOWN_NAME,
        type=record.entity_type,
        data=dict(thing),
    )


def file(record: Record) -> dict[str, Any]:
    """The file that was acted on."""
    thing = record.thing
    uid = text_in(thing, "id")
    return filled(
        uid=uid,
        name=name_of(thing) or uid or _UNKNOWN_NAME,
        type_id=_FILE_REGULAR,
        type="Regular File",
        desc=text_in(thing, "title"),
    )


def group(record: Record) -> dict[str, Any]:
    """The group (user group, channel, role) that was acted on."""
    thing = record.thing
    uid = text_in(thing, "id")
    return filled(uid=uid, name=name_of(thing) or uid or _UNKNOWN_NAME, type=record.entity_type)


def target_user(record: Record) -> dict[str, Any]:
    """Whose account, session or rights are meant: the entity when it is a user, else whom the
    details name, else nobody known."""
    if record.entity_type == "user":
        return user(record.thing)
    details = record.details
    for key in ("target_user", "target_entity", "user"):
        named = details.get(key)
        if isinstance(named, str) and named:
            return user({"id": named})
        if isinstance(named, dict):
            return user(objects(named, "user") or named)
    return user({})


def name_of(thing: Mapping[str, Any]) -> str | None:
    """The name of an entity: name, else title, else template_name."""
    for key in ("name", "title", "template_name"):
        found = text_in(thing, key)
        if found:
            return found
    return None


def message_id(thing: Mapping[str, Any]) -> str | None:
    """`<channel>:<timestamp>` of a message, which has no id."""
    channel, timestamp = text_in(thing, "channel"), text_in(thing, "timestamp")
    return f"{channel}:{timestamp}" if channel and timestamp else None
