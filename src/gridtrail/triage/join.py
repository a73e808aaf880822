"""Which anomalies belong together: gaps and islands on each join key, then their union.

One actor's anomalies belong together, and so do those of one session. People are joined by what is
unusual about them: the same odd address range, or one odd address with one client, or one malicious
file that several bring in at the same time. An app that is odd and those who have just given it
more belong together, and so do credentials tried out and odd access from the very address that they
were tried from. What people do from where everybody is (many downloads from the office) never
joins two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from gridtrail.enrich.address_text import prefixes, read_address
from gridtrail.triage.anomaly import DAY_SECONDS, Raised

LONGEST_SECONDS = 14 * DAY_SECONDS
"""An island is cut when it would span more, so that a noisy actor does not grow one for ever."""

DAILY_SECONDS = DAY_SECONDS * 3 // 2
"""What somebody does day by day is one story, though not at the same hour."""

HELD_SECONDS = 7 * DAY_SECONDS
"""A session in other hands stays in them, also over a weekend."""

TRIED_SECONDS = 2 * 3_600
"""Who signs in from an address in the two hours after it tried many accounts is one of them."""

FEW_ADMINISTRATORS = 3
"""An app that more people administer at the same time is rolled out, not smuggled in."""

_ODD_PLACE = frozenset({"network"})
_ODD_ACCESS = frozenset({"network", "session", "client", "scraping"})


@dataclass(frozen=True, slots=True)
class JoinKey:
    """Anomalies with the same value (one of several) and at most `gap_seconds` between neighbours
    are joined, where `holds` says so of all of them."""

    name: str
    gap_seconds: int
    value: Callable[[Raised], str | Sequence[str] | None]
    holds: Callable[[Sequence[Raised]], bool] = lambda _island: True


def _actor(anomaly: Raised) -> str | None:
    return anomaly.actor


def _session(anomaly: Raised) -> str | None:
    return anomaly.session_id or None


def _odd_session(anomaly: Raised) -> str | None:
    """The session, when the anomaly says that the access itself is odd."""
    return _session(anomaly) if anomaly.families & _ODD_ACCESS else None


def _place(anomaly: Raised) -> str | None:
    """The address range, when the anomaly says that it is odd for this person."""
    address = read_address(anomaly.ip) if anomaly.families & _ODD_PLACE else None
    return None if address is None else prefixes(address.inner, address.number)[0]


def _address_and_agent(anomaly: Raised) -> str | None:
    if not (anomaly.ip and anomaly.ua and anomaly.families & _ODD_ACCESS):
        return None
    return f"{anomaly.ip}\0{anomaly.ua}"


def _tried_from(anomaly: Raised) -> str | None:
    """The address, when credentials were tried from it or the access from there is odd. What is odd
    of a client says nothing here: an office has one address and many clients."""
    access = "session" in anomaly.shows if anomaly.level else bool(anomaly.families & _ODD_PLACE)
    return anomaly.ip or None if anomaly.tries or access else None


def _credentials_tried(island: Sequence[Raised]) -> bool:
    return any(one.tries for one in island)


def _app(anomaly: Raised) -> str | None:
    """The app whose anomaly it is, or that a rule's hit is about."""
    return anomaly.actor if anomaly.is_app and not anomaly.level else anomaly.about or None


def _apps_own(island: Sequence[Raised]) -> bool:
    """Whether the app itself is odd, and it is not just an app that many people install."""
    administrators = {one.actor for one in island if one.about}
    own = any(one.is_app and not one.level for one in island)
    return own and len(administrators) <= FEW_ADMINISTRATORS


JOIN_KEYS: tuple[JoinKey, ...] = (
    JoinKey("actor", DAILY_SECONDS, _actor),
    JoinKey("session", DAILY_SECONDS, _session),
    JoinKey("odd session", HELD_SECONDS, _odd_session),
    JoinKey("place", DAY_SECONDS, _place),
    JoinKey("address and agent", DAY_SECONDS, _address_and_agent),
    JoinKey("tried address", TRIED_SECONDS, _tried_from, _credentials_tried),
    JoinKey("app", DAY_SECONDS, _app, _apps_own),
    JoinKey("malware", DAY_SECONDS, lambda one: one.things),
)


def join(
    anomalies: Iterable[Raised], keys: Sequence[JoinKey] = JOIN_KEYS
) -> list[tuple[Raised, ...]]:
    """Groups of anomalies of one organization; an anomaly without any key stands alone.

    Members come oldest first (same second: by id), groups in the order of their first member, so
    the order of the input does not matter.
    """
    ordered = sorted(anomalies, key=_order)
    leader = {one.id: one.id for one in ordered}

    def found(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for key in keys:
        for island in filter(key.holds, _islands(ordered, key)):
            first = found(island[0].id)
            for other in island[1:]:
                leader[found(other.id)] = first
    groups: dict[str, list[Raised]] = {}
    for one in ordered:
        groups.setdefault(found(one.id), []).append(one)
    return [tuple(group) for group in groups.values()]


def _order(anomaly: Raised) -> tuple[int, str]:
    return (anomaly.at, anomaly.id)


def _islands(ordered: Sequence[Raised], key: JoinKey) -> list[list[Raised]]:
    islands: list[list[Raised]] = []
    newest: dict[str, list[Raised]] = {}
    for one in ordered:
        values = key.value(one) or ()
        for value in (values,) if isinstance(values, str) else values:
            island = newest.get(value)
            if island is None or _apart(island, one, key.gap_seconds):
                island = newest[value] = []
                islands.append(island)
            island.append(one)
    return islands


def _apart(island: Sequence[Raised], one: Raised, gap_seconds: int) -> bool:
    return one.at - island[-1].at > gap_seconds or one.at - island[0].at > LONGEST_SECONDS
