"""Several people on one odd network: a break-in, or people who travel or change their VPN together.

Thieves who hold passwords sign in anew. Who brings a session along that was theirs for days is the
same device in another place, so several such people at a hotel are colleagues on a journey. A
hosting network, a VPN or a relay is a place for stolen sessions too: there it takes a crowd of the
organization, by the day after, before it is taken for a new way out of the company.
"""

from __future__ import annotations

from collections.abc import Sequence

from gridtrail.enrich.dimensions import address_book
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.triage.anomaly import DAY_SECONDS, Anomaly
from gridtrail.triage.surroundings import Window
from gridtrail.triage.usual import attributed_sql

HOSTED = ("hosting", "vpn", "tor", "relay")
CROWD, CROWD_SHARE = 10, 4
"""So many people, and so many times those whom the finding is about, are a crowd."""

TOGETHER_NATS = -6.0
"""How much less surprising the network is then: as if a company system had seen them there."""


_DAYS, _SEEN = "triage_together_days", "triage_together"


def gathering(lake: Lake, window: Window, anomalies: Sequence[Anomaly], settings: Settings) -> str:
    """Why the people of a finding about nothing but an odd network are there together, in words;
    "" when nothing says so."""
    people = len({one.raised.actor for one in anomalies})
    if people < 2 or any(one.raised.stages != {"network"} for one in anomalies):
        return ""
    if any(not one.session_id or not one.ip for one in anomalies):
        return ""
    _read(lake, window)
    book = address_book(settings.enrich)
    facts = [book.facts(one.ip) for one in anomalies]
    kinds = {fact.kind_at(one.happened) for one, fact in zip(anomalies, facts, strict=True)}
    if kinds.isdisjoint(HOSTED):
        born = _births(lake, sorted({one.session_id for one in anomalies}))
        ages = [one.happened - born.get(one.session_id, one.happened) for one in anomalies]
        if min(ages) < DAY_SECONDS:
            return ""
        return f"all {people} people brought a session along that they had for days"
    crowd = _crowd(lake, window, settings, {fact.network for fact in facts})
    if crowd < max(CROWD, CROWD_SHARE * people):
        return ""
    return f"{crowd} people brought a session along to this network, that they had for days"


def _read(lake: Lake, window: Window) -> None:
    """Who was where in which session of their own, from what is usual to the day after."""
    latest = window.end + DAY_SECONDS
    lake.events_view(_DAYS, org=window.org, oldest=window.past, latest=latest)
    lake.engine.keep(
        _SEEN,
        "SELECT actor_id, session_id, ip, min(date_create) AS first_at, "
        "max(date_create) AS last_at "
        f"FROM ({attributed_sql(_DAYS, 'session_id')}) "
        "WHERE own AND session_id IS NOT NULL AND action <> 'anomaly' GROUP BY ALL",
    )


def _births(lake: Lake, sessions: Sequence[str]) -> dict[str, int]:
    """Session -> when it was first seen in the days that are looked at, seconds."""
    rows = lake.engine.rows(
        f"SELECT session_id, min(first_at) AS born FROM {_SEEN} "
        "WHERE list_contains(?, session_id) GROUP BY 1",
        [list(sessions)],
    )
    return {row["session_id"]: row["born"] for row in rows.to_pylist()}


def _crowd(lake: Lake, window: Window, settings: Settings, networks: set[str]) -> int:
    """How many people used these networks from the day of the finding on, in sessions that were
    theirs for a day or more."""
    start = window.first_midnight
    rows = lake.engine.rows(
        f"SELECT actor_id, session_id, ip FROM {_SEEN} WHERE last_at >= ?", [start]
    ).to_pylist()
    addresses = sorted({row["ip"] for row in rows})
    facts = address_book(settings.enrich).facts_many(addresses)
    here = {ip for ip, fact in zip(addresses, facts, strict=True) if fact.network in networks}
    there = [row for row in rows if row["ip"] in here]
    born = _births(lake, sorted({row["session_id"] for row in there}))
    return len({row["actor_id"] for row in there if born[row["session_id"]] < start})
