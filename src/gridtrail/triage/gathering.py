"""Several people on one odd network: a break-in, or people who travel or change their VPN together.

Thieves who hold passwords sign in anew. Who brings a session along that was theirs for days is the
same device in another place, so several such people at a hotel are colleagues on a journey. A
hosting network, a VPN or a relay is a place for stolen sessions too: there it takes a crowd of the
organization, by the day after, before it is taken for a new way out of the company.
"""

from __future__ import annotations

from collections.abc import Sequence

from gridtrail.enrich.dimensions import address_book
from gridtrail.settings import Settings
from gridtrail.triage.anomaly import DAY_SECONDS, Anomaly
from gridtrail.triage.surroundings import OWN_CONTEXT, Surroundings

HOSTED = ("hosting", "vpn", "tor", "relay")
CROWD, CROWD_SHARE = 10, 4
"""So many people, and so many times those whom the finding is about, are a crowd."""

TOGETHER_NATS = -6.0
"""How much less surprising the network is then: as if a company system had seen them there."""


def gathering(around: Surroundings, anomalies: Sequence[Anomaly], settings: Settings) -> str:
    """Why the people of a finding about nothing but an odd network are there together, in words;
    "" when nothing says so."""
    if any(one.raised.stages != {"network"} for one in anomalies):
        return ""
    if any(not one.session_id or not one.ip for one in anomalies):
        return ""
    born = _births(around, sorted({one.session_id for one in anomalies}))
    if any(
        one.happened - born.get(one.session_id, one.happened) < DAY_SECONDS for one in anomalies
    ):
        return ""
    book = address_book(settings.enrich)
    facts = [book.facts(one.ip) for one in anomalies]
    people = len({one.raised.actor for one in anomalies})
    if not any(
        fact.kind_at(one.happened) in HOSTED for one, fact in zip(anomalies, facts, strict=True)
    ):
        return f"all {people} people brought a session along that they had for days"
    crowd = _crowd(around, settings, {fact.network for fact in facts})
    if crowd < max(CROWD, CROWD_SHARE * people):
        return ""
    return f"{crowd} people brought a session along to this network, that they had for days"


def _births(around: Surroundings, sessions: Sequence[str]) -> dict[str, int]:
    """Session -> when it was first seen in the days that are looked at, seconds."""
    rows = around.ask(
        "SELECT session_id, min(date_create) AS born FROM triage_days "
        f"WHERE list_contains(?, session_id) AND {OWN_CONTEXT} GROUP BY 1",
        [list(sessions)],
    )
    return {row["session_id"]: row["born"] for row in rows}


def _crowd(around: Surroundings, settings: Settings, networks: set[str]) -> int:
    """How many people used these networks from the day of the finding on, in sessions that were
    theirs for a day or more."""
    start = around.window.first_midnight
    rows = around.ask(
        "SELECT DISTINCT actor_id, session_id, ip FROM triage_days WHERE date_create >= ? "
        f"AND ip IS NOT NULL AND session_id IS NOT NULL AND action <> 'anomaly' AND {OWN_CONTEXT}",
        [start],
    )
    addresses = sorted({row["ip"] for row in rows})
    facts = address_book(settings.enrich).facts_many(addresses)
    here = {ip for ip, fact in zip(addresses, facts, strict=True) if fact.network in networks}
    there = [row for row in rows if row["ip"] in here]
    born = _births(around, sorted({row["session_id"] for row in there}))
    return len(
        {
            row["actor_id"]
            for row in there
            if born.get(row["session_id"], start) <= start - DAY_SECONDS
        }
    )
