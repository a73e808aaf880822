"""What Slack's log says of signings-out that were not ours, of Slack's own automatic response, and
of signing in anew.

Slack has no method to read the settings of its anomaly event response, and the form of the event
that says they changed is not published (facts reference 4): it is read for what can be known of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.respond.guard import Deed, Scope
from gridtrail.respond.watch import ids_of
from gridtrail.settings_respond import RespondSettings
from gridtrail.slack.reasons import REASONS
from gridtrail.triage.surroundings import LOGINS

BY_RESPONSE = "user_sessions_reset_by_anomaly_event_response"
BULK = "bulk_session_reset_by_admin"
_WORDS = {
    BY_RESPONSE: "Slack's own anomaly event response signed the person out",
    "user_sessions_reset_by_circuit_breaker": "Slack's circuit breaker signed the person out",
    "user_session_reset_by_admin": "An administrator signed the person out in Slack",
    BULK: "An administrator signed the person out in Slack, among others",
}
_CHANGED = "pref.anomaly_event_response_changed"
_COLUMNS = ("date_create", "action", "entity_id", "details", "source")


def slacks_deeds(lake: Lake, org: str, oldest: int) -> list[Deed]:
    """Signings-out in Slack's log since second `oldest`, ours among them."""
    wanted = EventFilter(actions=tuple(_WORDS), org=org, oldest=oldest)
    rows = [row for part in lake.matching(wanted, columns=_COLUMNS) for row in part.to_pylist()]
    found = []
    for row in rows:
        if row["source"] == "gridtrail":
            continue
        details = _object(row["details"])
        bulk = row["action"] == BULK
        people = ids_of(details, "succeeded_users") if bulk else [row["entity_id"] or ""]
        at, words = row["date_create"], _WORDS[row["action"]]
        found += [Deed(one, at, words, _scope(details)) for one in people if one]
    return found


def _scope(details: Mapping[str, Any]) -> Scope:
    mobile, web = (bool(details.get(name)) for name in ("mobile_only", "web_only"))
    if mobile == web:
        return "all"
    return "mobile" if mobile else "web"


def signed_in_since(lake: Lake, org: str, person: str, after: int, until: int) -> bool:
    """Whether the person signed in after the second `after`, `until` included."""
    wanted = EventFilter(actions=LOGINS, actor=person, org=org, oldest=after + 1, latest=until)
    return bool(lake.newest(wanted, 1, columns=("id",)).num_rows)


def slack_ends_for(lake: Lake, org: str, settings: RespondSettings) -> frozenset[str]:
    """The reasons for which Slack itself ends sessions, as the settings say, or else Slack's log of
    its preference; none where neither says anything."""
    if settings.slack_ends_sessions_for is not None:
        return frozenset(settings.slack_ends_sessions_for)
    wanted = EventFilter(actions=(_CHANGED,), org=org)
    rows = lake.newest(wanted, 1, columns=("details",)).to_pylist()
    value = _object(rows[0]["details"]).get("new_value") if rows else None
    if isinstance(value, dict) and _says_off(value.get("enabled")):
        return frozenset()
    can = {code for code, one in REASONS.items() if one.can_end_sessions}
    return frozenset(can & set(_texts(value)))


def _says_off(value: object) -> bool:
    return value is False or [text.casefold() for text in _texts(value)] == ["false"]


def _texts(value: object) -> Iterator[str]:
    """Every text in a JSON value; of an object also the names that something true stands under."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if one is True:
                yield name
            else:
                yield from _texts(one)


def _object(text: str | None) -> Mapping[str, Any]:
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
