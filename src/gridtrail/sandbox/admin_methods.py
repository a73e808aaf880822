"""Slack's methods for sessions and for the anomaly allow list.

Each takes an organization, the arguments and who calls, and gives the keys of the answer beside
`ok`; it raises MethodError for Slack's own errors.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gridtrail.enrich.clients import client_of
from gridtrail.sandbox.event_text import plain
from gridtrail.sandbox.organization import Caller, Organization, SessionSettings
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.sessions import Active
from gridtrail.slack.arguments import Arguments, MethodError

MAX_USERS = 1_000
SHORTEST, LONGEST = 28_800, 315_569_520
"""Seconds that a session may last."""
LARGEST_ASN = 4_294_967_295
_PAGE = 1_000

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a method works on; `now` in simulated seconds."""

    organization: Organization
    arguments: Arguments
    caller: Caller
    now: int


def list_sessions(at: Situation) -> Answer:
    """`admin.users.session.list`; an empty result for one user is the error no_active_sessions."""
    arguments, organization = at.arguments, at.organization
    user_id, team_id = arguments.text("user_id"), arguments.text("team_id")
    if bool(user_id) != bool(team_id):
        raise MethodError("missing_team" if user_id else "missing_user")
    limit = min(max(arguments.number("limit") or _PAGE, 1), _PAGE)
    begin = _position(arguments.text("cursor"))
    if user_id:
        _check_team(organization, team_id)
        chosen = [_person(organization, user_id)]
    else:
        chosen = list(organization.people.values())
    found = [one for person in chosen for one in organization.active_sessions(person, at.now)]
    if not found and user_id:
        raise MethodError("no_active_sessions")
    rest = len(found) > begin + limit
    cursor = base64.b64encode(f"sess:{begin + limit:09d}".encode()).decode() if rest else ""
    return {
        "active_sessions": [_describe(one) for one in found[begin : begin + limit]],
        "response_metadata": {"next_cursor": cursor},
    }


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        text = base64.b64decode(cursor.encode(), validate=True)
    except (ValueError, binascii.Error):
        raise MethodError("invalid_cursor") from None
    if not text.startswith(b"sess:") or not text[5:].isdigit() or len(text) != 14:
        raise MethodError("invalid_cursor")
    return int(text[5:])


def _describe(one: Active) -> Answer:
    described: Answer = {
        "user_id": one.person.id,
        "team_id": one.person.team_id,
        "session_id": one.session,
        "created": _device(one.created),
    }
    if one.recent is not None:
        described["recent"] = _device(one.recent)
    return described


def _device(use: tuple[int, str, str]) -> Answer:
    agent = plain(use[1])
    client = client_of(agent)
    hardware = {"macOS": "Mac", "Windows": "Intel", "Linux": "x86_64", "iOS": "iPhone"}
    return {
        "device_hardware": hardware.get(client.os, client.device_class),
        "os": client.os,
        "os_version": client.os_version,
        "slack_client_version": client.version if client.family.startswith("Slack") else "",
        "ip": use[2],
    }


def reset(at: Situation) -> Answer:
    """`admin.users.session.reset`: ends a person's sessions at once."""
    person = _resettable(at, at.arguments.text("user_id"))
    at.organization.reset(at.caller, person, at.now, _flags(at.arguments))
    return {}


def reset_bulk(at: Situation) -> Answer:
    """`admin.users.session.resetBulk`: only queues; what failed stands in the audit log."""
    user_ids = _user_ids(at.arguments)
    flags = _flags(at.arguments)
    if not any(one in at.organization.people for one in user_ids):
        raise MethodError("user_not_found")
    at.organization.reset_later(at.caller, user_ids, at.now, flags)
    return {}


def invalidate(at: Situation) -> Answer:
    """`admin.users.session.invalidate`: ends one session, named with user, team or neither."""
    arguments, organization = at.arguments, at.organization
    number, user_id = arguments.number("session_id"), arguments.text("user_id")
    if number is None:
        raise MethodError("invalid_arguments")
    if arguments.text("team_id"):
        _check_team(organization, arguments.text("team_id"))
    people = [_person(organization, user_id)] if user_id else organization.people.values()
    for person in people:
        for one in organization.active_sessions(person, at.now):
            if one.session == number:
                if not organization.can_reset(at.caller, person.id):
                    raise MethodError("cannot_invalidate_primary_owner")
                organization.invalidate(at.caller, one, at.now)
                return {}
    raise MethodError("session_not_found")


def get_settings(at: Situation) -> Answer:
    """`admin.users.session.getSettings`."""
    people = _people(at)
    settings = at.organization.settings
    kept = [(person.id, settings[person.id]) for person in people if person.id in settings]
    return {
        "session_settings": [
            {
                "user_id": user_id,
                "desktop_app_browser_quit": bool(one.desktop_app_browser_quit),
                "duration": one.duration or 0,
            }
            for user_id, one in kept
        ],
        "no_settings_applied": [person.id for person in people if person.id not in settings],
    }


def set_settings(at: Situation) -> Answer:
    """`admin.users.session.setSettings`; recorded and kept, without effect on how long life's
    sessions last."""
    people = _people(at)
    duration = at.arguments.number("duration")
    given = at.arguments.text("desktop_app_browser_quit")
    if duration is None and not given:
        raise MethodError("at_least_one_session_setting_required")
    if duration is not None and not SHORTEST <= duration <= LONGEST:
        raise MethodError("invalid_arguments")
    quits = at.arguments.flag("desktop_app_browser_quit") if given else None
    for person in people:
        before = at.organization.settings.get(person.id, SessionSettings())
        kept = SessionSettings(
            before.duration if duration is None else duration,
            before.desktop_app_browser_quit if quits is None else quits,
        )
        at.organization.set_settings(at.caller, person, kept, at.now)
    return {}


def clear_settings(at: Situation) -> Answer:
    """`admin.users.session.clearSettings`."""
    for person in _people(at):
        at.organization.set_settings(at.caller, person, None, at.now)
    return {}


def get_item(at: Situation) -> Answer:
    """`admin.audit.anomaly.allow.getItem`."""
    allowed = at.organization.detection.allowed
    return {"trusted_cidr": allowed.cidrs, "trusted_asns": allowed.asns}


def update_item(at: Situation) -> Answer:
    """`admin.audit.anomaly.allow.updateItem`: overwrites both lists, a list left out becomes empty
    (Slack says that what was added before is overwritten)."""
    cidrs = at.arguments.items("trusted_cidr", "trusted_cidrs") or []
    numbers = at.arguments.items("trusted_asns", "trusted_asn") or []
    if not all(one.isascii() and one.isdecimal() and len(one) < 12 for one in numbers):
        raise MethodError("invalid_field_or_data")
    asns = [int(one) for one in numbers]
    if not all(0 < one <= LARGEST_ASN for one in asns):
        raise MethodError("invalid_field_or_data")
    try:
        at.organization.detection.allowed.write(cidrs, asns)
    except ValueError:
        raise MethodError("invalid_field_or_data") from None
    return {}


def _flags(arguments: Arguments) -> dict[str, bool]:
    return {name: arguments.flag(name) for name in ("mobile_only", "web_only")}


def _user_ids(arguments: Arguments) -> list[str]:
    found = arguments.items("user_ids")
    if not found or len(found) > MAX_USERS:
        raise MethodError("invalid_arguments")
    return list(dict.fromkeys(found))


def _people(at: Situation) -> list[Person]:
    found = _user_ids(at.arguments)
    if any(one in at.organization.bots for one in found):
        raise MethodError("bots_not_allowed")
    return [_person(at.organization, one) for one in found]


def _person(organization: Organization, user_id: str) -> Person:
    person = organization.people.get(user_id)
    if person is None:
        raise MethodError("user_not_found")
    return person


def _resettable(at: Situation, user_id: str) -> Person:
    if user_id in at.organization.bots:
        raise MethodError("cannot_reset_bot")
    person = _person(at.organization, user_id)
    if not at.organization.can_reset(at.caller, user_id):
        raise MethodError("cannot_reset_primary_owner")
    return person


def _check_team(organization: Organization, team_id: str) -> None:
    world = organization.world
    known = {world.enterprise.id, *(place.id for place in world.workspaces)}
    if team_id not in known | {person.team_id for person in world.people}:
        raise MethodError("team_not_found")


@dataclass(frozen=True, slots=True)
class Method:
    """A method with the scope it needs and its tier."""

    run: Callable[[Situation], Answer]
    scope: str
    tier: int


METHODS: Mapping[str, Method] = {
    "admin.users.session.list": Method(list_sessions, "admin.users:read", 2),
    "admin.users.session.reset": Method(reset, "admin.users:write", 2),
    "admin.users.session.resetBulk": Method(reset_bulk, "admin.users:write", 2),
    "admin.users.session.invalidate": Method(invalidate, "admin.users:write", 2),
    "admin.users.session.getSettings": Method(get_settings, "admin.users:read", 4),
    "admin.users.session.setSettings": Method(set_settings, "admin.users:write", 4),
    "admin.users.session.clearSettings": Method(clear_settings, "admin.users:write", 4),
    "admin.audit.anomaly.allow.getItem": Method(get_item, "admin", 2),
    "admin.audit.anomaly.allow.updateItem": Method(update_item, "admin", 2),
}
