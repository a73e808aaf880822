"""What the organization's policy (`[policy]` in the settings) says of a finding.

Each thing that the policy says is one sentence, and moves a family's surprise by a fixed number of
nats, adds a pattern, or takes a family out of what the patterns see. Numbers are the odds that a
policy states: six nats is one in 400, four one in 55, two one in 7, one one in 3.

A client's name is the attacker's to choose: a sanctioned one counts only for people whose access
(network, session) is not unusual.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from gridtrail.detect.wildcards import fits_any
from gridtrail.engine.duckdb import DuckDB
from gridtrail.enrich.address_text import read_address, read_network
from gridtrail.enrich.clients import client_of
from gridtrail.enrich.dimensions import address_book
from gridtrail.settings import Settings
from gridtrail.settings_policy import PolicySettings
from gridtrail.triage.anomaly import DAY_SECONDS, Anomaly
from gridtrail.triage.patterns import FORBIDDEN_CLIENT, LEAVING_INSIDER, Pattern, by_actor
from gridtrail.triage.words import day, listed, quoted, shown

SANCTIONED_NATS = -6.0
"""A sanctioned client, or a service account's, moves the family client by this."""

VPN_NATS = -6.0
"""An address of the company VPN moves the family network by this."""

FORBIDDEN_COUNTRY_NATS, OTHER_COUNTRY_NATS = 4.0, 2.0
"""An address in a forbidden country, or in none of the expected ones, moves the family network."""

SERVICE_NETWORK_NATS = 2.0
"""Programs do not travel: a service account's odd network weighs more than a person's."""

HOURS_NATS = 1.0
"""Everything flagged happened outside working hours."""

LEAVING_DAYS, AFTER_DAYS = 30, 14
"""A leaver is one from so many days before the last day on; a person who is deactivated so many
days after the finding or sooner was leaving too."""

_TAKING = frozenset({"volume", "scraping"})
_ACCESS = frozenset({"network", "session"})


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a policy says: `rows` as JSON {policy, value, words, family, nats}; `moves` by family;
    `bonuses` beside the families; `seen` are the anomalies as the patterns should see them."""

    rows: Sequence[Mapping[str, Any]] = ()
    moves: Mapping[str, float] = field(default_factory=dict)
    bonuses: Mapping[str, float] = field(default_factory=dict)
    patterns: Sequence[Pattern] = ()
    seen: Sequence[Anomaly] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    policy: str
    value: str
    words: str
    family: str = ""
    nats: float = 0.0


def rule_on(
    settings: Settings, anomalies: Sequence[Anomaly], deactivated: Mapping[str, int]
) -> Ruling:
    """What the policy of `settings` says of these anomalies; `deactivated` tells when an actor was
    deactivated within AFTER_DAYS after the last of them (seconds since the epoch)."""
    vpn = {ip for ip in _addresses(anomalies) if _is_vpn(settings, ip)}
    seen = [_without_network(one) if one.ip in vpn else one for one in anomalies]
    seen = _without_sanctioned(settings.policy, seen)
    leaving = list(_leaving(settings.policy, anomalies, deactivated))
    forbidden = list(_forbidden(settings.policy, anomalies))
    said = [
        *forbidden,
        *leaving,
        *_sanctioned(settings.policy, anomalies, seen),
        *_networks(settings, anomalies, vpn),
        *_service(settings.policy, anomalies),
        *_hours(settings.policy, anomalies),
    ]
    patterns = [FORBIDDEN_CLIENT] if forbidden else []
    patterns += [LEAVING_INSIDER] if leaving else []
    return Ruling(
        rows=[
            {
                "policy": one.policy,
                "value": shown(one.value),
                "words": one.words,
                "family": one.family,
                "nats": one.nats,
            }
            for one in said
        ],
        moves=together(*({one.family: one.nats} for one in said if one.family)),
        bonuses={one.policy: one.nats for one in said if one.nats and not one.family},
        patterns=patterns,
        seen=seen,
    )


def together(*moves: Mapping[str, float]) -> dict[str, float]:
    """Several moves of each family as one: the worst where something is worse, else the best."""
    found: dict[str, list[float]] = {}
    for one in moves:
        for family, nats in one.items():
            if nats:
                found.setdefault(family, []).append(nats)
    return {f: max(n) if max(n) > 0 else min(n) for f, n in sorted(found.items())}


def read_deactivated(engine: DuckDB, view: str, org: str) -> dict[str, list[int]]:
    """Person -> when they were deactivated (seconds, sorted), from the events view `view`."""
    rows = engine.rows(
        f"SELECT entity_id AS person, date_create AS seconds FROM {view} "
        "WHERE org = ? AND action = 'user_deactivated' AND entity_id IS NOT NULL ORDER BY ALL",
        [org],
    )
    found: dict[str, list[int]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["person"], []).append(row["seconds"])
    return found


def deactivated_after(
    ends: Mapping[str, Sequence[int]], actors: Iterable[str | None], last: int
) -> dict[str, int]:
    """Those of `actors` that were deactivated within AFTER_DAYS after `last`, and when first."""
    soon = last + AFTER_DAYS * DAY_SECONDS
    found = {}
    for actor in actors:
        times = [at for at in ends.get(actor or "", ()) if last <= at <= soon]
        if actor is not None and times:
            found[actor] = times[0]
    return found


def is_client(ua: str, patterns: Sequence[str]) -> bool:
    """Whether the user agent or its family is one of `patterns`."""
    return bool(ua and patterns) and fits_any((ua, client_of(ua).family), patterns)


def _people(policy_names: Sequence[str], one: Anomaly) -> bool:
    names = {name.casefold() for name in policy_names}
    return bool(names & {one.actor_email.casefold(), (one.raised.actor or "").casefold()})


def _addresses(anomalies: Sequence[Anomaly]) -> list[str]:
    return list(dict.fromkeys(one.ip for one in anomalies if one.ip))


# --- clients -----------------------------------------------------------------------------------


def _forbidden(policy: PolicySettings, anomalies: Sequence[Anomaly]) -> Iterator[_Said]:
    for ua in dict.fromkeys(one.ua for one in anomalies):
        if is_client(ua, policy.forbidden_clients):
            name = shown(client_of(ua).family or ua)
            words = f"the client {quoted(ua)} is forbidden here"
            yield _Said("forbidden_clients", name, words)


def _is_sanctioned(policy: PolicySettings, one: Anomaly) -> bool:
    if is_client(one.ua, policy.forbidden_clients):
        return False
    return is_client(one.ua, policy.sanctioned_clients) or _people(policy.service_accounts, one)


def _without_sanctioned(policy: PolicySettings, anomalies: Sequence[Anomaly]) -> list[Anomaly]:
    """The anomalies, the client no longer odd where it is sanctioned and the access is usual."""
    odd = {
        actor
        for actor, mine in by_actor(anomalies).items()
        if any(one.raised.stages & _ACCESS for one in mine)
    }
    return [
        _with_usual_client(one)
        if one.raised.actor not in odd and not one.raised.level and _is_sanctioned(policy, one)
        else one
        for one in anomalies
    ]


def _with_usual_client(one: Anomaly) -> Anomaly:
    # what is left of scraping with an agreed tool is that much was read
    left = {"volume" if f == "scraping" else f for f in one.raised.families if f != "client"}
    return replace(one, raised=replace(one.raised, families=frozenset(left)))


def _sanctioned(
    policy: PolicySettings, anomalies: Sequence[Anomaly], seen: Sequence[Anomaly]
) -> Iterator[_Said]:
    told: set[str] = set()
    changed = {a.raised.id for a, b in zip(anomalies, seen, strict=True) if "client" in
               a.raised.families and "client" not in b.raised.families}  # fmt: skip
    left = any("client" in one.raised.families for one in seen)
    for one in anomalies:
        if one.ua in told or not is_client(one.ua, policy.sanctioned_clients):
            continue
        if is_client(one.ua, policy.forbidden_clients):
            continue
        told.add(one.ua)
        name = f"the client {quoted(one.ua)} is sanctioned"
        if one.raised.id in changed and not left:
            yield _Said("sanctioned_clients", one.ua, name, "client", SANCTIONED_NATS)
        else:
            yield _Said(
                "sanctioned_clients",
                one.ua,
                f"{name}, which lowers nothing here: it is not alone what is unusual",
            )


# --- places ------------------------------------------------------------------------------------


def _is_vpn(settings: Settings, ip: str) -> bool:
    policy, address = settings.policy, read_address(ip)
    if address is None or not (policy.vpn_networks or policy.vpn_asns):
        return False
    own = read_network(address.text)
    ranges = [read_network(one) for one in policy.vpn_networks]
    inside = own is not None and any(
        bounds is not None and own[0] == bounds[0] and bounds[1] <= own[1] <= bounds[2]
        for bounds in ranges
    )
    return inside or address_book(settings.enrich).facts(ip).asn in policy.vpn_asns


def _without_network(one: Anomaly) -> Anomaly:
    if one.raised.level or "tor" in one.reasons:
        return one
    left = one.raised.families - {"network"}
    return replace(one, raised=replace(one.raised, families=left))


def _networks(settings: Settings, anomalies: Sequence[Anomaly], vpn: set[str]) -> Iterator[_Said]:
    policy = settings.policy
    other = any(
        "network" in one.raised.stages and (one.ip not in vpn or "tor" in one.reasons)
        for one in anomalies
    )
    for ip in _addresses(anomalies):
        if ip in vpn:
            nats = 0.0 if other else VPN_NATS
            words = f"{quoted(ip)} is an egress of the company VPN"
            yield _Said("vpn", ip, words, "network" if nats else "", nats)
        elif policy.forbidden_countries or policy.expected_countries:
            country = (address_book(settings.enrich).facts(ip).country or "").upper()
            where = f"{quoted(ip)} is in {shown(country)}"
            if country in policy.forbidden_countries:
                words = f"{where}, a forbidden country"
                yield _Said(
                    "forbidden_countries", country, words, "network", FORBIDDEN_COUNTRY_NATS
                )
            elif country and policy.expected_countries and country not in policy.expected_countries:
                words = f"{where}, which is none of the expected countries"
                yield _Said("expected_countries", country, words, "network", OTHER_COUNTRY_NATS)


# --- people ------------------------------------------------------------------------------------


def _service(policy: PolicySettings, anomalies: Sequence[Anomaly]) -> Iterator[_Said]:
    own = [one for one in anomalies if _people(policy.service_accounts, one)]
    if not own:
        return
    who = own[0].actor_email or own[0].raised.actor or ""
    name = f"{quoted(who)} is a service account"
    if any("network" in one.raised.stages for one in own):
        words = f"{name}, and programs do not travel"
        yield _Said("service_accounts", who, words, "network", SERVICE_NETWORK_NATS)
    elif len(own) == len(anomalies) and not any("session" in one.raised.stages for one in own):
        words = f"{name}, so its client and its hours say nothing"
        yield _Said("service_accounts", who, words, "client", SANCTIONED_NATS)


def _hours(policy: PolicySettings, anomalies: Sequence[Anomaly]) -> Iterator[_Said]:
    if policy.working_from is None or policy.working_to is None:
        return
    people = [one for one in anomalies if not _people(policy.service_accounts, one)]
    people = [one for one in people if not one.raised.is_app]
    if people and not any(_working(policy, one.happened) for one in people):
        words = f"all of it happened outside working hours ({policy.time_zone})"
        yield _Said("working_hours", "", words, "", HOURS_NATS)


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _working(policy: PolicySettings, at: int) -> bool:
    begin, end = policy.working_from, policy.working_to
    if begin is None or end is None:
        return True
    zone = dt.UTC if policy.time_zone == "UTC" else ZoneInfo(policy.time_zone)
    local = dt.datetime.fromtimestamp(at, zone)
    now = local.time()
    if begin <= end:
        return _DAYS[local.weekday()] in policy.working_days and begin <= now < end
    if now < end:  # the shift began the day before
        return _DAYS[local.weekday() - 1] in policy.working_days
    return _DAYS[local.weekday()] in policy.working_days and now >= begin


def _leaving(
    policy: PolicySettings, anomalies: Sequence[Anomaly], deactivated: Mapping[str, int]
) -> Iterator[_Said]:
    for actor, mine in by_actor(anomalies).items():
        if actor is None or not any(one.raised.stages & _TAKING for one in mine):
            continue
        who = quoted(next((one.actor_email for one in mine if one.actor_email), actor))
        last = max(one.happened for one in mine)
        dates = [
            leaver.date
            for leaver in policy.leavers
            if any(_people([leaver.person], a) for a in mine)
        ]
        ends = [int(dt.datetime.combine(d, dt.time(), dt.UTC).timestamp()) for d in dates]
        near = [end for end in ends if last >= end - LEAVING_DAYS * DAY_SECONDS]
        if near:
            yield _Said("leavers", actor, f"{who} leaves on {listed([day(at) for at in near])}")
        elif actor in deactivated:
            words = f"{who} was deactivated soon after, on {day(deactivated[actor])}"
            yield _Said("deactivated", actor, words)
