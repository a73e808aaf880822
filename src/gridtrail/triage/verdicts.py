"""What verdicts teach: proposals for the allow list and for thresholds, each tried on the past.

Nothing is applied here. A proposal comes with what it would have silenced of the findings that
people decided, those that were true positives first of all; it can be put in force (`gridtrail
tune --from-verdicts --apply`) or, as TOML, into `gridtrail.toml`. Only verdicts of people count,
and what an entry names must be there in every anomaly of the findings it is proposed for.

A stricter threshold is only a wish here: which number brings it about, the detector has to try on
the past (`gridtrail.lab.stricter`).
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gridtrail.detect.allow import AllowEntry
from gridtrail.detect.nominal import refused
from gridtrail.enrich.address_text import prefixes, read_address
from gridtrail.enrich.clients import client_of
from gridtrail.enrich.dimensions import address_book
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.slack.reasons import REASONS
from gridtrail.triage.anomaly import Anomaly, read_anomalies, read_raised
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingFilters, FindingStore
from gridtrail.triage.words import shown

EXPIRES_DAYS = 90
"""A proposed entry ends by itself: what was fine once is asked again."""

FEWEST = 2
"""Findings of one verdict that a proposal needs."""

HARMLESS = ("expected", "false_positive")
NETWORK = ("asn", "ip_address")


@dataclass(frozen=True, slots=True)
class Judged:
    """An anomaly of a finding that somebody decided: whom it is about and on which UTC day (days
    since the epoch)."""

    finding: str
    harmless: bool
    subject: str
    day: int


@dataclass(frozen=True, slots=True)
class Wish:
    """That a detector's threshold be stricter, with all its anomalies that were decided; `alone`
    are the findings that are made of its anomalies only."""

    detector: str
    org: str
    judged: tuple[Judged, ...]
    alone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change with what it would have done to the findings that were decided.

    `toml` is what to add to the settings, `entry` the same for the allow list ({} for a threshold);
    `silenced` are ids of findings all of whose anomalies it
    would have silenced, `true_positives` ids of true positives that would have lost any anomaly.
    `threshold` has `detector`, `org` and `per_1000_users_day`.
    """

    words: str
    toml: str
    findings: tuple[str, ...]
    anomalies: int
    silenced: tuple[str, ...] = ()
    true_positives: tuple[str, ...] = ()
    entry: Mapping[str, Any] = field(default_factory=dict)
    wish: Wish | None = None  # for a stricter threshold, which has to be tried
    threshold: Mapping[str, Any] = field(default_factory=dict)  # once it was tried

    @property
    def id(self) -> str:
        """What to call it: the same as long as it proposes the same."""
        return hashlib.sha256(self.words.encode("utf-8", "backslashreplace")).hexdigest()[:8]

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "id": self.id,
            "words": self.words,
            "toml": self.toml,
            "findings": list(self.findings),
            "anomalies": self.anomalies,
            "silenced": list(self.silenced),
            "true_positives": list(self.true_positives),
            "threshold": dict(self.threshold) or None,
        }


@dataclass(frozen=True, slots=True)
class _Decided:
    """A finding with its verdict and its anomalies."""

    finding: Finding
    anomalies: Sequence[Anomaly] = field(default_factory=tuple)


def from_verdicts(
    store: FindingStore, lake: Lake, settings: Settings, *, org: str | None = None, now: int
) -> list[Proposal]:
    """The proposals that the verdicts in `store` make, those that hide no true positive first,
    then those that silence most. `now` is in seconds; entries end EXPIRES_DAYS after it."""
    listed = [one for one in store.select(FindingFilters(org=org)) if one.verdict is not None]
    by_org: dict[str, list[Finding]] = defaultdict(list)
    for one in listed:
        by_org[one.org].append(one)
    found: list[Proposal] = []
    for name, findings in sorted(by_org.items()):
        decided = _decided(lake, name, findings)
        entries = _merged(_entries(settings, decided))
        found += [_allow(settings, entry, decided, now) for entry in entries]
        found += _thresholds(name, decided)
    found.sort(key=lambda one: (len(one.true_positives), -one.anomalies, one.toml))
    return found


def _decided(lake: Lake, org: str, findings: Sequence[Finding]) -> list[_Decided]:
    lake.events_view("triage_verdicts", org=org)
    wanted = {one for finding in findings for one in finding.event_ids}
    raised = [one for one in read_raised(lake.engine, "triage_verdicts") if one.id in wanted]
    anomalies = read_anomalies(lake.engine, "triage_verdicts", raised)
    return [
        _Decided(finding, [anomalies[one] for one in finding.event_ids if one in anomalies])
        for finding in findings
    ]


# --- the allow list ----------------------------------------------------------------------------

_Key = tuple[tuple[str, str | int], ...]


def _entries(settings: Settings, decided: Sequence[_Decided]) -> Iterator[tuple[_Key, Anomaly]]:
    """What could be allowed for each anomaly that turned out harmless."""
    for one in decided:
        if one.finding.verdict not in HARMLESS:
            continue
        for anomaly in one.anomalies:
            for key in _keys(settings, anomaly):
                yield key, anomaly


def _keys(settings: Settings, anomaly: Anomaly) -> Iterator[_Key]:
    raised = anomaly.raised
    reasons = set(anomaly.reasons) & set(REASONS)
    if raised.is_app and raised.actor:
        yield (("app", raised.actor),)
        return
    address = read_address(anomaly.ip)
    if address is not None and reasons & set(NETWORK):
        yield (("cidr", prefixes(address.inner, address.number)[0]),)
        asn = address_book(settings.enrich).facts(anomaly.ip).asn
        if asn:
            yield (("asn", asn),)
    family = client_of(anomaly.ua).family
    if "client" in raised.families and family:
        # a name can be claimed by anybody: only for this person
        yield (("client", family), ("user", raised.actor or ""))
    if raised.families <= {"volume"} and raised.actor:
        yield (("user", raised.actor),)


@dataclass(frozen=True, slots=True)
class _Entry:
    key: _Key
    reasons: tuple[str, ...]


def _merged(found: Iterable[tuple[_Key, Anomaly]]) -> list[_Entry]:
    """One entry for each key that FEWEST findings' people share, for the reasons seen there."""
    reasons: dict[_Key, set[str]] = defaultdict(set)
    days: dict[_Key, set[tuple[str | None, int]]] = defaultdict(set)
    for key, anomaly in found:
        reasons[key] |= set(anomaly.reasons) & set(REASONS)
        days[key].add((anomaly.raised.actor, anomaly.raised.day))
    return [
        _Entry(key, tuple(sorted(reasons[key])))
        for key in sorted(days, key=str)
        if len(days[key]) >= FEWEST and reasons[key] and all(value for _, value in key)
    ]


def _allow(settings: Settings, entry: _Entry, decided: Sequence[_Decided], now: int) -> Proposal:
    named = dict(entry.key)
    until = (datetime.fromtimestamp(now, UTC) + timedelta(days=EXPIRES_DAYS)).date()
    said = ", ".join(f"{name} {shown(str(value))}" for name, value in entry.key)
    lines = [
        "[[allow]]",
        f"name = {_toml('from verdicts: ' + said)}",
        *(f"{name} = {_toml(value)}" for name, value in entry.key),
        f"reasons = [{', '.join(_toml(one) for one in entry.reasons)}]",
        f"until = {until.isoformat()}",
    ]
    AllowEntry(name=said, reasons=entry.reasons, **named)  # type: ignore[arg-type]
    found = _tried(
        f"allow {said} for {', '.join(entry.reasons)}",
        "\n".join(lines),
        decided,
        lambda anomaly: _fits(settings, entry, anomaly),
    )
    return replace(found, entry={**named, "reasons": entry.reasons})


def _fits(settings: Settings, entry: _Entry, anomaly: Anomaly) -> bool:
    covered = bool(anomaly.reasons) and set(entry.reasons) >= set(anomaly.reasons)
    return covered and all(_has(settings, anomaly, *term) for term in entry.key)


def _has(settings: Settings, anomaly: Anomaly, name: str, value: str | int) -> bool:
    if name in ("user", "app"):
        return (anomaly.raised.actor, anomaly.raised.is_app) == (value, name == "app")
    if name == "client":
        return client_of(anomaly.ua).family == value
    address = read_address(anomaly.ip)
    if address is None:
        return False
    if name == "asn":
        return address_book(settings.enrich).facts(anomaly.ip).asn == value
    return prefixes(address.inner, address.number)[0] == value


def _tried(
    words: str, toml: str, decided: Sequence[_Decided], fits: Callable[[Anomaly], bool]
) -> Proposal:
    harmless, silenced, hidden, anomalies = [], [], [], 0
    for one in decided:
        fitting = sum(1 for anomaly in one.anomalies if fits(anomaly))
        if not fitting:
            continue
        anomalies += fitting
        if one.finding.verdict in HARMLESS:
            harmless.append(one.finding.id)
        else:
            hidden.append(one.finding.id)
        if fitting == len(one.finding.event_ids):
            silenced.append(one.finding.id)
    return Proposal(words, toml, tuple(harmless), anomalies, tuple(silenced), tuple(hidden))


def _toml(value: str | int) -> str:
    """A value as TOML: a JSON string is one, once what TOML forbids in it is escaped."""
    if isinstance(value, int):
        return str(value)
    plain = value.encode("utf-8", "replace").decode()
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")


# --- thresholds --------------------------------------------------------------------------------


def _thresholds(org: str, decided: Sequence[_Decided]) -> Iterator[Proposal]:
    """For detectors of which FEWEST anomalies or more turned out harmless."""
    judged: dict[str, list[Judged]] = defaultdict(list)
    for one in decided:
        harmless = one.finding.verdict in HARMLESS
        for anomaly in one.anomalies:
            if anomaly.evidence is not None:
                raised = anomaly.raised
                that = Judged(one.finding.id, harmless, raised.actor or "", raised.day)
                judged[anomaly.evidence.detector].append(that)
    for detector, those in sorted(judged.items()):
        harmless_days = {(one.subject, one.day) for one in those if one.harmless}
        if len(harmless_days) >= FEWEST and detector in REASONS and not refused(detector, REASONS):
            number = Counter(one.finding for one in those)
            alone = {d.finding.id for d in decided if number[d.finding.id] == len(d.anomalies)}
            yield Proposal(
                f"a stricter threshold for {detector}",
                "",
                tuple(dict.fromkeys(one.finding for one in those if one.harmless)),
                len(those),
                wish=Wish(detector, org, tuple(those), frozenset(alone & number.keys())),
            )
