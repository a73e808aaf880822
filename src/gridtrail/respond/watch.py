"""Watching the audit log until Slack's own event says that a signing out happened.

Facts reference 6: `reset` makes `user_session_reset_by_admin`, `invalidate` makes
`user_session_invalidated`, `resetBulk` makes one `bulk_session_reset_by_admin` that lists whom it
succeeded and failed for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.respond.responses import Response, ResponseStore

EVENT_OF = {
    "reset": "user_session_reset_by_admin",
    "invalidate": "user_session_invalidated",
    "reset_bulk": "bulk_session_reset_by_admin",
}
"""The action of Slack's event, by method."""
SKEW_SECONDS = 60
"""Slack's clock may be so much behind ours."""
_MOST = 20_000
_COLUMNS = ("id", "date_create", "action", "entity_id", "details", "source")

Event = Mapping[str, Any]


def watch(
    lake: Lake,
    store: ResponseStore,
    *,
    confirm_seconds: int,
    org: str | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Response]:
    """Look once for the events of what was called; returns the responses whose state changed.

    After `confirm_seconds` without an event a response is unconfirmed, and is still looked for.
    """
    watched = store.watched(org)
    changed = []
    for one_org in sorted({one.org for one in watched}):
        mine = [one for one in watched if one.org == one_org and one.called_at is not None]
        events = _events(lake, one_org, min(one.called_at or 0 for one in mine))
        used = store.used_events(one_org)
        for response in mine:
            event = next((e for e in events if _is_of(e, response, used)), None)
            if event is not None:
                if response.method != "reset_bulk":
                    used.add(event["id"])
                _confirm(store, response, event)
                changed.append(store.get(response.id))
            elif _overdue(response, confirm_seconds, clock()):
                said = f"{response.said} Slack's own event is not in the lake.".lstrip()
                store.seen(response, "unconfirmed", said, None)
                changed.append(store.get(response.id))
    return changed


def _events(lake: Lake, org: str, called_at: int) -> list[Event]:
    """Slack's events that may confirm something, the oldest first."""
    actions, oldest = tuple(EVENT_OF.values()), called_at - SKEW_SECONDS
    wanted = EventFilter(actions=actions, org=org, oldest=oldest)
    rows = lake.newest(wanted, _MOST, columns=_COLUMNS).to_pylist()
    return [row for row in reversed(rows) if row["source"] != "gridtrail"]


def _is_of(event: Event, response: Response, used: set[str]) -> bool:
    if event["action"] != EVENT_OF[response.method]:
        return False
    if event["id"] in used and response.method != "reset_bulk":
        return False  # it is another's
    if event["date_create"] < (response.called_at or 0) - SKEW_SECONDS:
        return False
    details = _details(event)
    if response.method == "reset_bulk":
        return response.user_id in [
            *ids_of(details, "succeeded_users"),
            *ids_of(details, "failed_users"),
        ]
    if event["entity_id"] != response.user_id:
        return False
    if response.method == "invalidate":
        return True
    only = {name: bool(details.get(name)) for name in ("mobile_only", "web_only")}
    return only == {
        "mobile_only": response.devices == "mobile",
        "web_only": response.devices == "web",
    }


def _confirm(store: ResponseStore, response: Response, event: Event) -> None:
    failed = response.method == "reset_bulk" and response.user_id in ids_of(
        _details(event), "failed_users"
    )
    if failed:
        said = "Slack's log says that it failed for this user: sign them out alone to learn why."
        store.seen(response, "failed", said, event["id"])
    else:
        store.seen(response, "confirmed", "Slack's log says that it was done.", event["id"])


def _details(event: Event) -> Mapping[str, Any]:
    found = orjson.loads(event["details"]) if event["details"] else {}
    return found if isinstance(found, dict) else {}


def ids_of(details: Mapping[str, Any], name: str) -> list[str]:
    """Ids in a list, which Slack may give as objects, as the text of a JSON list (facts reference
    2) or joined by commas."""
    value = details.get(name)
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if not isinstance(value, list):
        return []
    return [str(one.get("id", "")) if isinstance(one, dict) else str(one) for one in value]


def _overdue(response: Response, confirm_seconds: int, now: float) -> bool:
    late = now > (response.called_at or 0) + confirm_seconds
    return late and response.state != "unconfirmed"
