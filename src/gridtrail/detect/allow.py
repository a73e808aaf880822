"""The allow list: what is known to be good is not said, and is learned from all the same.

An entry names an address range, an ASN, a client, a user agent, a user, an app, or several of
these, which must then all fit. It may be for some reasons only, and it holds from one time to
another: an anomaly is silenced when the entry held at the anomaly's own time. Removing an entry
means ending it, so that what it silenced stays silenced and a second run finds the same.

Applied at emission only: thresholds, profiles and repetition do not know of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import ibis.expr.types as ir

from gridtrail.detect.contract import day_events, table
from gridtrail.detect.emission import Candidate
from gridtrail.detect.wildcards import fits
from gridtrail.enrich.address_text import read_address, read_network
from gridtrail.errors import WrongUse
from gridtrail.settings import AllowSettings
from gridtrail.slack.reasons import REASONS, with_companions

FACTS = ("event_id", "ip", "asn", "family", "ua")

_WANTED = table("allow_wanted", {"event_id": "string"})
facts: ir.Table = day_events.semi_join(_WANTED, "event_id").select(*FACTS)
"""What entries look at, for the events named in the table `allow_wanted`; one row an event."""


@dataclass(frozen=True)
class AllowEntry:
    """One entry; `name` is shown on what it silences.

    `cidr` is a range or an address (IPv4 or IPv6, host bits allowed), `client` a family such as
    `Slack Desktop`, `user_agent` a pattern in which `*` stands for any text (letter case does not
    count), `user` and `app` are Slack's ids. `org` is the organization it is for, None is all.
    `reasons` empty means all. `since` (included) and
    `until` (not included) are epoch seconds; None is open.

    Raises WrongUse when it names nothing, an unknown reason, or a range that cannot be read.
    """

    name: str
    cidr: str | None = None
    asn: int | None = None
    client: str | None = None
    user_agent: str | None = None
    user: str | None = None
    app: str | None = None
    org: str | None = None
    reasons: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None

    def __post_init__(self) -> None:
        if all(value is None for value in self._terms):
            raise WrongUse(
                f"The allow-list entry {self.name!r} names nothing: give it a cidr, asn, client, "
                "user_agent, user or app."
            )
        if self.cidr is not None and self._range is None:
            raise WrongUse(
                f"The allow-list entry {self.name!r} has {self.cidr!r}, which is no range of "
                "addresses: write it like 192.0.2.0/24 or 2001:db8::/32."
            )
        unknown = sorted(set(self.reasons) - set(REASONS))
        if unknown:
            raise WrongUse(
                f"The allow-list entry {self.name!r} has {unknown[0]!r}, which is no reason: use "
                f"{', '.join(sorted(REASONS))}."
            )

    @property
    def _terms(self) -> tuple[object, ...]:
        return (self.cidr, self.asn, self.client, self.user_agent, self.user, self.app)

    @cached_property
    def _range(self) -> tuple[int, int, int] | None:
        return read_network(self.cidr or "")

    def holds(self, at: int) -> bool:
        """Whether the entry is in force at the second `at`."""
        started = self.since is None or self.since <= at
        return started and (self.until is None or at < self.until)

    def fits(self, candidate: Candidate, events: Sequence[Mapping[str, Any]]) -> bool:
        """Whether the entry silences this anomaly; `events` are the FACTS of all events that
        decided it."""
        reasons = not self.reasons or set(with_companions(self.reasons)) >= set(
            candidate.anomaly.reasons
        )
        who = {"user": self.user, "app": self.app}
        named = [(kind, value) for kind, value in who.items() if value is not None]
        subject = (candidate.subject_type, candidate.subject)
        if not reasons or not self.holds(candidate.at) or any(one != subject for one in named):
            return False
        if all(value is None for value in self._terms[:4]):
            return True
        return bool(events) and all(self._fits_event(event) for event in events)

    def _fits_event(self, event: Mapping[str, Any]) -> bool:
        family, ua = event["family"] or "", event["ua"] or ""
        return (
            (self.cidr is None or self._holds_address(event["ip"] or ""))
            and (self.asn is None or event["asn"] == self.asn)
            and (self.client is None or family.casefold() == self.client.casefold())
            and (self.user_agent is None or fits(ua, self.user_agent))
        )

    def _holds_address(self, text: str) -> bool:
        address, bounds = read_address(text), self._range
        if address is None or bounds is None:
            return False
        own = read_network(address.text)
        return own is not None and own[0] == bounds[0] and bounds[1] <= own[1] <= bounds[2]


def from_settings(listed: Iterable[AllowSettings]) -> tuple[AllowEntry, ...]:
    """The entries of `[[allow]]` in the settings. Raises WrongUse as `AllowEntry`."""
    return tuple(
        AllowEntry(
            **one.model_dump(exclude={"reasons", "since", "until"}),
            reasons=tuple(one.reasons),
            since=_seconds(one.since),
            until=_seconds(one.until),
        )
        for one in listed
    )


def _seconds(moment: dt.date | None) -> int | None:
    if moment is None or isinstance(moment, dt.datetime):
        return None if moment is None else int(moment.timestamp())
    return int(dt.datetime.combine(moment, dt.time(), dt.UTC).timestamp())


def apply(
    candidates: Sequence[Candidate],
    entries: Sequence[AllowEntry],
    facts_of: Mapping[str, Mapping[str, Any]],
) -> list[Candidate]:
    """`candidates`, those silenced that an entry names (the first of `entries` that fits).

    `facts_of` gives the FACTS of events by id; every deciding event found there must fit, and the
    candidate's own must be there.
    """
    return [_applied(candidate, entries, facts_of) for candidate in candidates]


def _applied(
    candidate: Candidate,
    entries: Sequence[AllowEntry],
    facts_of: Mapping[str, Mapping[str, Any]],
) -> Candidate:
    ids = {candidate.event_id, *candidate.anomaly.deciding_events}
    events = [facts_of[one] for one in sorted(ids & facts_of.keys())]
    events = events if candidate.event_id in facts_of else []
    for entry in entries:
        if candidate.anomaly.silenced is None and entry.fits(candidate, events):
            silenced = f"allowed: {entry.name}"
            return replace(candidate, anomaly=replace(candidate.anomaly, silenced=silenced))
    return candidate
