"""The patterns that anomalies can make together, the gravest first.

What one person's anomalies make is judged for each person alone: one's odd address and another's
many downloads are no theft. What several people share stands beside it.

Time is that of the flagged actions. The steps of a chain lie within CHAIN_SECONDS of each other,
and access comes before the taking. In one session the order does not matter, because what detects
has its own delays; without a common session, TOLERANCE_SECONDS are allowed for them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from gridtrail.triage.anomaly import DAY_SECONDS, Anomaly

CHAIN_SECONDS = DAY_SECONDS
TOLERANCE_SECONDS = 3_600
"""Slack repeats an anomaly about once an hour, so an hour is how late its reports can be."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """`bonus` is added to the score (nats); severity stays between `floor` and `ceiling`."""

    name: str
    bonus: float
    floor: str
    ceiling: str


STOLEN_SESSION = Pattern("stolen_session", 6.0, "critical", "critical")
"""Somebody outside seems to hold the user's session and to take data with it."""

ADMIN_TAKEOVER = Pattern("admin_takeover", 6.0, "high", "critical")
"""Access is odd, and so is what is administered with it: an account of one's own, or of others."""

CREDENTIAL_SPRAY = Pattern("credential_spray", 4.0, "high", "critical")
"""From an address that is odd, or by a tool, accounts of many were tried and some opened."""

SCRAPING_TOOL = Pattern("scraping_tool", 4.0, "high", "high")
"""A tool takes data, from the person's usual place and session: most likely by that person."""

ODD_ACCESS_TAKING = Pattern("odd_access_taking", 3.0, "medium", "critical")
"""Data is taken after odd access, without a tool: a stranger with the account, or a journey."""

MALWARE_SPREAD = Pattern("malware_spread", 4.0, "high", "critical")
"""Malicious files come from several people."""

SHARED_PLACE = Pattern("shared_place", 5.0, "medium", "high")
"""Several people show up at one address range that is odd for each of them."""

GATHERING = Pattern("gathering", 0.0, "low", "critical")
"""As SHARED_PLACE, where something says that they are there together; see `gathering`."""

ROGUE_APP = Pattern("rogue_app", 4.0, "medium", "critical")
"""An app does what it never did, in more than one way."""

BLINDED = Pattern("blinded", 5.0, "high", "critical")
"""Somebody turned off what would have seen it, and something else is odd."""

RULE_ALONE = Pattern("rule", 0.0, "low", "low")
RULE = Pattern("rule", 0.0, "low", "medium")
RULE_HIGH = Pattern("rule", 0.0, "medium", "high")
RULE_CRITICAL = Pattern("rule", 0.0, "high", "critical")
"""Rules and nothing else: their level says how bad it is; a single rule of medium level is no more
than a hint, however rare its hits are."""

TOR = Pattern("tor", 0.0, "medium", "critical")
"""A Tor exit is a fact, not a statistic: never low."""

LEAVING_INSIDER = Pattern("leaving_insider", 4.0, "medium", "high")
"""Somebody who leaves takes data; see `policy`."""

FORBIDDEN_CLIENT = Pattern("forbidden_client", 4.0, "medium", "critical")
"""A client that the policy forbids, whatever else is odd."""

CROWN_JEWELS = Pattern("crown_jewels", 3.0, "low", "medium")
"""What matters most was touched (see `impact`): worth a look even if it is volume alone."""

TOR_ALONE = Pattern("tor", 0.0, "medium", "medium")
GRAVE = Pattern("grave", 0.0, "medium", "critical")
"""Reasons that mean harm by themselves: a session that changed, malware, odd administration,
credentials tried out, a forged client."""

HOSTED_ABROAD = Pattern("hosted_abroad", 0.0, "medium", "critical")
"""Somebody is at a hosting company in a country that is new to them: where people are not."""

BULK_DOWNLOAD = Pattern("bulk_download", 0.0, "low", "low")
"""Volume and nothing else: many people do it now and then, harmlessly."""

CHANGED_CLIENT = Pattern("plain", 0.0, "low", "medium")
"""Volume, and another version of an ordinary client: no tool, and nothing odd in the access."""

AWAY = Pattern("bulk_download_away", 4.0, "low", "medium")
"""As BULK_DOWNLOAD, over a network that is new to the person: four nats are one day in 55
on such a network. A hotel explains both, so it is never high (see `away`)."""

UNPRECEDENTED = Pattern("unprecedented_count", 4.0, "medium", "medium")
"""More anomalies in a day than anybody ever had: worth a look even if each one is harmless."""

PLAIN = Pattern("plain", 0.0, "low", "critical")

FEWEST_UNPRECEDENTED = 4
HISTORY_DAYS = 14
"""Days of history before "nobody ever had so many" means anything."""

FEWEST_PEOPLE = 3
"""Two people at one odd place may travel together."""

_ACCESS = frozenset({"network", "session"})
_TOOL = frozenset({"client", "scraping"})
_TAKING = frozenset({"volume", "scraping"})
_GRAVE = frozenset({"session", "malware", "admin", "credentials"})


def unprecedented(most_today: int, most_before: int, days: int) -> bool:
    """Whether `most_today` anomalies in a day are more than anybody had in `days` of history."""
    return days >= HISTORY_DAYS and most_today >= FEWEST_UNPRECEDENTED and most_today > most_before


def patterns_of(
    anomalies: Sequence[Anomaly],
    *,
    never_so_many: bool = False,
    policy: Sequence[Pattern] = (),
    jewels: bool = False,
    together: bool = False,
    away: bool = False,
) -> list[Pattern]:
    """The pattern the anomalies make, what several people share, and those of the `policy`, the
    gravest first; then UNPRECEDENTED where `never_so_many`, and CROWN_JEWELS where `jewels`.
    `together`: they share an odd place for a harmless reason (see `gathering`); `away`: what they
    took came over a network that is new to them (see `away`)."""
    groups = by_actor(anomalies)
    people = [_main([*mine, *_about(anomalies, actor)]) for actor, mine in groups.items()]
    found = [min(people, key=_GRAVEST.index), *_shared(anomalies), *policy]
    if together:
        found = [GATHERING if one is SHARED_PLACE else one for one in found]
    if away:
        found = [AWAY if one is BULK_DOWNLOAD else one for one in found]
    found.sort(key=_GRAVEST.index)
    beside = [UNPRECEDENTED] * never_so_many + [CROWN_JEWELS] * jewels
    return [*found, *beside]


def _about(anomalies: Sequence[Anomaly], app: str | None) -> list[Anomaly]:
    """Rules' hits of others that are about this app."""
    return [a for a in anomalies if a.raised.about and a.raised.actor != app == a.raised.about]


def by_actor(anomalies: Sequence[Anomaly]) -> dict[str | None, list[Anomaly]]:
    """The anomalies of each actor, in their order."""
    found: dict[str | None, list[Anomaly]] = {}
    for one in anomalies:
        found.setdefault(one.raised.actor, []).append(one)
    return found


def actors_of(anomalies: Sequence[Anomaly]) -> tuple[str, ...]:
    """Everybody the anomalies are about, the one with the gravest pattern and the most reason
    families first (then the earliest)."""
    groups = [(actor, mine) for actor, mine in by_actor(anomalies).items() if actor is not None]

    def rank(group: tuple[str, list[Anomaly]]) -> tuple[int, int]:
        families = frozenset().union(*(one.raised.stages for one in group[1]))
        return (_GRAVEST.index(_main([*group[1], *_about(anomalies, group[0])])), -len(families))

    return tuple(actor for actor, _ in sorted(groups, key=rank))


def _shared(anomalies: Sequence[Anomaly]) -> list[Pattern]:
    malware = {one.raised.actor for one in anomalies if "malware" in one.raised.stages}
    placed = {one.raised.actor for one in anomalies if "network" in one.raised.stages}
    found = [MALWARE_SPREAD] if len(malware - {None}) > 1 else []
    found += [CREDENTIAL_SPRAY] if _sprayed(anomalies) else []
    return [*found, SHARED_PLACE] if len(placed - {None}) >= FEWEST_PEOPLE else found


def _sprayed(anomalies: Sequence[Anomaly]) -> bool:
    """Whether there is odd access from an address that credentials of many were tried from. Rules
    that say no more than that somebody signed in there do not do: an office whose sign-in was out
    for an hour has one address."""
    tried = {one.ip for one in anomalies if one.raised.tries and one.ip}
    return any(
        one.ip in tried
        and not one.raised.tries
        and one.raised.stages & (_ACCESS if one.raised.level else {"network"})
        for one in anomalies
    )


def _main(anomalies: Sequence[Anomaly]) -> Pattern:
    families = frozenset().union(*(one.raised.stages for one in anomalies))
    if "blinding" in families and families & (_ACCESS | _TOOL | _TAKING | {"admin"}):
        return BLINDED
    if _chain(anomalies, _ACCESS, _TOOL, _TAKING):
        return STOLEN_SESSION
    admin = frozenset({"admin"})
    if _chain(anomalies, _ACCESS, admin, admin):
        return ADMIN_TAKEOVER
    if anomalies[0].raised.is_app and len(families) > 1:
        return ROGUE_APP
    if _beside(anomalies, _TOOL, _TAKING) and not all(
        one.same_client for one in anomalies if one.raised.stages & _TOOL
    ):
        return SCRAPING_TOOL
    if any("tor" in one.reasons for one in anomalies):
        return TOR_ALONE if families == {"network"} else TOR
    if _chain(anomalies, _ACCESS, _TAKING, _TAKING):
        return ODD_ACCESS_TAKING
    return _without_chain(anomalies, families)


def _without_chain(anomalies: Sequence[Anomaly], families: frozenset[str]) -> Pattern:
    if all(one.raised.level for one in anomalies):
        worst = max((one.raised.level for one in anomalies), key=LEVELS.index)
        rules = {kind for one in anomalies for kind in one.raised.kinds}
        return RULE_ALONE if worst == "medium" and len(rules) == 1 else _RULE[worst]
    if families & _GRAVE or any("spoofed_user_agent" in one.reasons for one in anomalies):
        return GRAVE
    if any(one.hosted_abroad for one in anomalies):
        return HOSTED_ABROAD
    if families == {"client", "volume"} and _beside(anomalies, _TOOL, _TAKING):
        return CHANGED_CLIENT  # a tool would have been scraping
    return BULK_DOWNLOAD if families == {"volume"} else PLAIN


LEVELS = ("medium", "high", "critical")
_RULE = {"medium": RULE, "high": RULE_HIGH, "critical": RULE_CRITICAL}

_GRAVEST = [
    BLINDED, STOLEN_SESSION, ADMIN_TAKEOVER, CREDENTIAL_SPRAY, SCRAPING_TOOL, LEAVING_INSIDER,
    MALWARE_SPREAD, ROGUE_APP, SHARED_PLACE, GATHERING, FORBIDDEN_CLIENT, ODD_ACCESS_TAKING, TOR,
    TOR_ALONE, RULE_CRITICAL, RULE_HIGH, GRAVE, HOSTED_ABROAD, PLAIN, CHANGED_CLIENT, RULE,
    RULE_ALONE, AWAY, BULK_DOWNLOAD,
]  # fmt: skip
"""Whose title a finding takes when it holds several."""

PATTERN_NAMES = tuple(dict.fromkeys(p.name for p in (*_GRAVEST, UNPRECEDENTED, CROWN_JEWELS)))
"""Every pattern's name, the gravest first."""


def _steps(anomalies: Sequence[Anomaly], families: frozenset[str]) -> list[tuple[int, str, str]]:
    """When, in which session and by which rule's hit ("" for anomalies) each step was seen."""
    return sorted(
        {
            (a.happened, a.session_id, a.raised.id if a.raised.level else "")
            for a in anomalies
            if a.raised.stages & families
        }
    )


def _chain(
    anomalies: Sequence[Anomaly],
    access: frozenset[str],
    tool: frozenset[str],
    taking: frozenset[str],
) -> bool:
    """Whether access, tool and taking happened close together, access not after the taking."""
    tools = [at for at, *_ in _steps(anomalies, tool)]
    takings = _steps(anomalies, taking)
    return any(
        _linked(entry, take) and _any_within(tools, entry[0], take[0])
        for entry in _steps(anomalies, access)
        for take in takings
    )


def _linked(entry: tuple[int, str, str], take: tuple[int, str, str]) -> bool:
    if abs(entry[0] - take[0]) > CHAIN_SECONDS:
        return False
    if entry[2] == take[2] != "":
        return False  # a rule's tags say what it may be part of; one hit is one step of it
    same_session = entry[1] == take[1] != ""
    return same_session or entry[0] <= take[0] + TOLERANCE_SECONDS


def _any_within(times: Sequence[int], one: int, other: int) -> bool:
    """Whether some of the sorted `times` lies within CHAIN_SECONDS of both moments."""
    place = bisect_left(times, max(one, other) - CHAIN_SECONDS)
    return place < len(times) and times[place] <= min(one, other) + CHAIN_SECONDS


def _beside(anomalies: Sequence[Anomaly], tool: frozenset[str], taking: frozenset[str]) -> bool:
    takings = [at for at, *_ in _steps(anomalies, taking)]
    return any(_any_within(takings, at, at) for at, *_ in _steps(anomalies, tool))
