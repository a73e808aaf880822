"""What is thought of each address and each client of a finding, whatever its reasons are.

Every anomaly's address and user agent are looked at: is it the organization's own, has the person
used it before, what is known of the network, did other systems see the person there at the time?
The judgement is written down in words and moves the score of the network's part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridtrail.collect.sightings import SIGHTINGS
from gridtrail.enrich.clients import AUTOMATED_KINDS
from gridtrail.enrich.dimensions import address_book
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.triage.anomaly import Anomaly
from gridtrail.triage.words import moment, quoted, shown

THERE_SECONDS = 12 * 3_600
"""A sighting at the same address this near says that the person was there."""

ELSEWHERE_SECONDS = 3_600
"""A sighting in another country this near says that the person was not here."""

THERE_NATS, ELSEWHERE_NATS = -6.0, 4.0
"""How a sighting moves the surprise of the address: a company system that knew the person there
outweighs a first sight of the network; one that saw them elsewhere makes it worse."""

_MOST = 20
_BAD_KINDS = ("tor", "hosting")
_OWN_KINDS = ("internal", "private")


@dataclass(frozen=True, slots=True)
class Judgement:
    """`addresses` and `clients` are JSON objects with `judgement` (good, unknown or bad) and
    `words`; `network_nats` moves the surprise of the network family."""

    addresses: Sequence[Mapping[str, Any]] = ()
    clients: Sequence[Mapping[str, Any]] = ()
    network_nats: float = 0.0


@dataclass(frozen=True, slots=True)
class Sighting:
    """Where another system saw a person; times are seconds since the epoch."""

    ip: str
    device: str
    system: str
    first_seen: int
    last_seen: int

    def distance(self, at: int) -> int:
        """Seconds between the sighting and the moment `at`; 0 while it lasted."""
        return max(self.first_seen - at, at - self.last_seen, 0)


def judge(
    lake: Lake, settings: Settings, anomalies: Sequence[Anomaly], context: Mapping[str, Any]
) -> Judgement:
    """The judgement on every address and client of `anomalies`, with the finding's `context`."""
    seen = _sightings(lake, anomalies)
    addresses, moves = [], [0.0]
    for ip in dict.fromkeys(one.ip for one in anomalies if one.ip):
        about = [one for one in anomalies if one.ip == ip]
        rows: Sequence[Mapping[str, Any]] = context["addresses"]
        row = next((row for row in rows if row["ip"] == ip), {})
        judged, nats = _address(settings, ip, about, row, seen)
        addresses.append(judged)
        moves.append(nats)
    agents = {one.ua for one in anomalies if one.ua}
    clients = [_client(row) for row in context["clients"] if row["ua"] in agents]
    # somebody elsewhere outweighs somebody there: a VPN's address may be shared with a stranger
    nats = max(moves) if max(moves) > 0 else min(moves)
    return Judgement(addresses[:_MOST], clients[:_MOST], nats)


def _sightings(lake: Lake, anomalies: Sequence[Anomaly]) -> Sequence[Sighting]:
    """What other systems saw of these people within a day."""
    people = {one.actor_email.lower() for one in anomalies if one.actor_email}
    people |= {one.raised.actor for one in anomalies if one.raised.actor}
    times = [one.happened for one in anomalies]
    lake.view(SIGHTINGS, "triage_sightings", org=anomalies[0].raised.org)
    rows = lake.engine.rows(
        "SELECT ip, device, system, first_seen, last_seen FROM triage_sightings "
        "WHERE list_contains(?, person) AND last_seen >= ? AND first_seen <= ? "
        "ORDER BY first_seen, ip, device, system LIMIT 10000",
        [sorted(people), min(times) - THERE_SECONDS, max(times) + THERE_SECONDS],
    )
    return [Sighting(**row) for row in rows.to_pylist()]


def _address(
    settings: Settings,
    ip: str,
    about: Sequence[Anomaly],
    row: Mapping[str, Any],
    seen: Sequence[Sighting],
) -> tuple[Mapping[str, Any], float]:
    at = about[0].happened
    facts = address_book(settings.enrich).facts(ip)
    kind = facts.kind_at(at)
    there = [one for one in seen if one.ip == ip and one.distance(at) <= THERE_SECONDS]
    elsewhere = _elsewhere(settings, ip, at, seen)
    words, judged, nats = [], "unknown", 0.0
    if kind in _OWN_KINDS:
        words, judged = ["it is the organization's own"], "good"
    elif kind in _BAD_KINDS:
        words, judged = [f"it belongs to a {kind} network"], "bad"
    if row.get("known_since"):
        words.append(f"this person used it already on {moment(row['known_since'])}")
        judged = judged if judged == "bad" else "good"
    if there:
        nearest = min(there, key=lambda one: one.distance(at))
        where = f"{shown(nearest.system)} saw this person there at {moment(nearest.last_seen)}"
        words.append(where + (f" on {quoted(nearest.device)}" if nearest.device else ""))
        judged, nats = "good", THERE_NATS
    if elsewhere is not None:
        words.append(elsewhere)
        judged, nats = "bad", ELSEWHERE_NATS
    if not words:
        words = ["nothing is known that speaks for or against it"]
    return {"ip": ip, "address_kind": kind, "judgement": judged, "words": "; ".join(words)}, nats


def _elsewhere(settings: Settings, ip: str, at: int, seen: Sequence[Sighting]) -> str | None:
    """That the person was in another country at the time, in words."""
    book = address_book(settings.enrich)
    here = book.facts(ip).country
    near = [one for one in seen if one.ip != ip and one.distance(at) <= ELSEWHERE_SECONDS]
    for one in sorted(near, key=lambda one: one.distance(at)):
        facts = book.facts(one.ip)
        if here and facts.country and facts.country != here and facts.kind_at(at) != "vpn":
            device = f" on {quoted(one.device)}" if one.device else ""
            return (
                f"{shown(one.system)} saw this person{device} in {shown(facts.country)} at "
                f"{moment(one.last_seen)}, while the address is in {shown(here)}"
            )
    return None


def _client(row: Mapping[str, Any]) -> Mapping[str, Any]:
    judged = "good" if row["expected"] else "unknown"
    words = ["people are expected to use it" if row["expected"] else "nobody listed it as expected"]
    if row["kind"] in AUTOMATED_KINDS and not row["expected"]:
        judged = "bad"
        words.append("it is a program, not a client of people")
    if row["known_since"]:
        words.append(f"this person used it already on {moment(row['known_since'])}")
    others = row["people"] - 1
    if others > 0:
        words.append(f"{others} others use it")
    return {
        "ua": row["ua"],
        "family": row["family"],
        "judgement": judged,
        "words": "; ".join(words),
    }
