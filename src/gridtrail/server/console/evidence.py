"""Anomaly events with what they say themselves: observed beside usual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.server.console import saying
from gridtrail.server.console.listing import ROW, Row, select
from gridtrail.server.console.reading import details_of
from gridtrail.server.console.selecting import Selection
from gridtrail.slack.reasons import REASONS
from gridtrail.triage.finding import Finding
from gridtrail.triage.reasons import family_of

_CAME = {"import": ", imported", "post": ", posted"}
_MOST = 50
_MOST_FACTS = 40
_OF_SLACK = (
    "location",
    "previous_ip_address",
    "previous_ua",
    "ip_address_details",
    "user_agent_change_details",
    "detected_client",
    "detected_os",
    "api_call_method",
    "scraping_tool",
    "client_ja3_fingerprint",
    "client_ja4_fingerprint",
)
_NEAREST = ("person", "session", "peers", "organization")
Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An anomaly event as a person reads it; facts are (name, value) texts.

    `ours` says whether Gridtrail raised it; Slack's own say little more than their reasons.
    `raiser` is who did in words, with how it came when nobody but its sender vouches for it.
    """

    row: Row
    ours: bool
    raiser: str
    words: str
    silent_if: str
    query: str
    observed: Facts
    usual: Sequence[tuple[str, Facts]]  # of the person, the peers, the organization
    facts: Facts
    deciding: Sequence[str]

    @property
    def allowing(self) -> Mapping[str, object]:
        """What would allow it, as the form of the allow list takes it; all of it must fit.

        The address where the network is odd, the agent where the client is, else the person alone.
        """
        row = self.row
        families = {family_of(one) for one in row["reasons"] or ()}
        place = "app" if row["actor_type"] == "app" else "user"
        return {
            place: row["actor_id"],
            "cidr": row["ip"] if "network" in families else None,
            "ua": row["ua"] if "client" in families else None,
            "for": [one for one in row["reasons"] or () if one in REASONS],
        }


def anomalies_of(lake: Lake, finding: Finding) -> list[Anomaly]:
    """The finding's anomalies, oldest first."""
    wanted = EventFilter(
        org=finding.org,
        actions=("anomaly",),
        oldest=finding.first_seen,
        latest=finding.last_seen,
    )
    which = Selection(wanted, more=("list_contains(?, id)", (list(finding.event_ids),)))
    columns = ", ".join((*ROW, "details"))
    rows = select(lake, which, columns, f"ORDER BY date_create, id LIMIT {_MOST}")
    return [anomaly_of(row) for row in rows]


def anomaly_of(row: Row) -> Anomaly:
    """The anomaly in a row that has the columns ROW and `details`."""
    details = details_of(row["details"])
    ours = details.get("gridtrail")
    own: Mapping[str, Any] = ours if isinstance(ours, dict) else {}
    usual = own.get("usual")
    baselines = usual if isinstance(usual, dict) else {}
    deciding = own.get("deciding_events")
    return Anomaly(
        row=row,
        ours=bool(own),
        raiser=("Gridtrail" if own else "Slack") + _CAME.get(row["source"], ""),
        words=_text(own.get("words")) or _meaning(row["reasons"]),
        silent_if=_text(own.get("silent_if")),
        query=_text(own.get("query")),
        observed=_facts(own.get("observed")),
        usual=[(name, facts) for name in _ordered(baselines) if (facts := _facts(baselines[name]))],
        facts=[
            *saying.pairs({one: details[one] for one in _OF_SLACK if details.get(one)}),
            *_made_for(own.get("threshold_for")),
        ],
        deciding=[one for one in deciding if isinstance(one, str)]
        if isinstance(deciding, list)
        else [],
    )


def _made_for(value: object) -> Facts:
    """What the threshold was made for, and by whose word."""
    if not isinstance(value, dict):
        return []
    number, by = _text(value.get("per_1000_users_day")), _text(value.get("set_by"))
    who = by if by in ("", "default", "settings") else f"change {by}"
    return [("threshold made for", f"{number} per 1,000 users and day ({who})")] if number else []


def _ordered(baselines: Mapping[str, Any]) -> list[str]:
    """The names of baselines, the nearest to the person first."""
    return [*(one for one in _NEAREST if one in baselines), *sorted(set(baselines) - set(_NEAREST))]


def _meaning(reasons: Sequence[str] | None) -> str:
    known = [REASONS[one].meaning for one in reasons or () if one in REASONS]
    return "; ".join(known).capitalize()


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _facts(value: object) -> Facts:
    if isinstance(value, dict):
        return list(saying.pairs(value))[:_MOST_FACTS]
    return [] if value is None else [("", saying.text("", value))]
