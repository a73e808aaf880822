"""What an allow-list entry would do, tried on the lake before it takes effect: what it would have
silenced, and whether it is risky."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gridtrail.detect.allow import AllowEntry
from gridtrail.detect.contract import Anomaly
from gridtrail.detect.emission import Candidate
from gridtrail.enrich.clients import client_of
from gridtrail.enrich.dimensions import address_book
from gridtrail.enrich.networks import provider_kind
from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter
from gridtrail.settings import Settings
from gridtrail.triage.finding import Finding
from gridtrail.triage.store import FindingFilters, FindingStore

_DAY = 86_400
_BEFORE = 30 * _DAY
"""So much older than an anomaly its deciding events may be."""
_WIDE = {4: 16, 6: 32}
"""A range with a prefix so short is wide."""
_ALIEN_KINDS = ("tor", "vpn", "relay")
_VIEW = "_allow_trial"
_BATCH = 5_000
_EVERY = 10**9

Facts = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SilencedFinding:
    """A finding that would have lost `lost` of its `anomalies`."""

    finding: Finding
    lost: int
    anomalies: int

    @property
    def true(self) -> bool:
        """Whether a person judged it to be true."""
        return self.finding.verdict == "true_positive"


@dataclass(frozen=True, slots=True)
class Trial:
    """What an entry would have silenced of `looked_at` anomalies: events (columns of the lake) and
    findings, those judged true first."""

    looked_at: int
    silenced: tuple[Mapping[str, Any], ...]
    findings: tuple[SilencedFinding, ...]

    @property
    def true_findings(self) -> int:
        """Findings judged true that would have lost something."""
        return sum(one.true for one in self.findings)

    def rows(self) -> list[dict[str, Any]]:
        """What would have been lost: `kind` (finding or anomaly), `id`, `at` (seconds), `what`,
        `verdict` and how many (`lost`) of its `anomalies`."""
        findings = [
            _row(
                "finding", one.finding.id, one.finding.last_seen, one.finding.title,
                verdict=one.finding.verdict, lost=one.lost, anomalies=one.anomalies,
            )
            for one in self.findings
        ]  # fmt: skip
        anomalies = [
            _row("anomaly", row["id"], row["date_create"], _what(row)) for row in self.silenced
        ]
        return [*findings, *anomalies]


def _row(
    kind: str,
    id_: str,
    at: int,
    what: str,
    verdict: str | None = None,
    lost: int = 1,
    anomalies: int = 1,
) -> dict[str, Any]:
    found = {"kind": kind, "id": id_, "at": at, "what": what, "verdict": verdict}
    return {**found, "lost": lost, "anomalies": anomalies}


def _what(row: Mapping[str, Any]) -> str:
    return f"{', '.join(row['reasons'] or ())} of {row['actor_name'] or row['actor_id']}"


def simulate(
    lake: Lake,
    settings: Settings,
    entry: AllowEntry,
    oldest: int,
    latest: int,
    *,
    org: str | None = None,
) -> Trial:
    """Try the entry on the anomalies of [oldest, latest] (seconds) of `org` (None: all), as if it
    had held then."""
    always = replace(entry, since=None, until=None)
    org = org or entry.org
    wanted = EventFilter(actions=("anomaly",), org=org, oldest=oldest, latest=latest)
    # they are few in a long time: wide windows take fewer questions than pieces of equal size
    anomalies = lake.newest(wanted, _EVERY).to_pylist()[::-1]
    deciding = {row["id"]: _deciding(row) for row in anomalies}
    facts = _facts(
        lake, settings, (one for ids in deciding.values() for one in ids), oldest, latest
    )
    silenced = []
    for row in anomalies:
        known = [facts[one] for one in deciding[row["id"]] if one in facts]
        if always.fits(_candidate(row), known or [_own(row, settings)]):
            silenced.append(row)
    ids = {row["id"] for row in silenced}
    with FindingStore(settings.state) as store:
        listed = store.select(FindingFilters(org=org, oldest=oldest, latest=latest))
    hit = [
        SilencedFinding(one, len(ids & set(one.event_ids)), len(one.event_ids))
        for one in listed
        if ids & set(one.event_ids)
    ]
    return Trial(len(anomalies), tuple(silenced), tuple(sorted(hit, key=lambda one: not one.true)))


def risks(lake: Lake, settings: Settings, entry: AllowEntry, now: int) -> list[str]:
    """Why this entry is risky, in words; empty when it is not."""
    found = []
    if entry.asn is not None:
        kind = provider_kind(entry.asn, "")
        if kind in ("hosting", *_ALIEN_KINDS):
            found.append(
                f"AS{entry.asn} is a whole {kind} provider: everybody can rent an address there."
            )
    if entry.cidr is not None:
        network = ipaddress.ip_network(entry.cidr, strict=False)
        if network.prefixlen <= _WIDE[network.version]:
            found.append(f"{network} has {network.num_addresses:,} addresses.")
    return found + _seen_risks(lake, settings, entry, now)


def _seen_risks(lake: Lake, settings: Settings, entry: AllowEntry, now: int) -> list[str]:
    """What the traffic of the last 30 days says of it."""
    lake.events_view(_VIEW, org=entry.org, oldest=now - _BEFORE, latest=now)
    named = {"user": "actor_id", "app": "app_id"}
    terms = [column for term, column in named.items() if getattr(entry, term) is not None]
    columns = ", ".join(["ip", "ua", *terms])
    values = [getattr(entry, term) for term in named if getattr(entry, term) is not None]
    which = " AND ".join(f"{column} = ?" for column in terms) or "true"
    rows = lake.engine.rows(
        f"SELECT {columns}, count(*) AS events FROM {_VIEW} WHERE {which} GROUP BY {columns}",
        values,
    ).to_pylist()
    facts = _described(settings, rows)
    own = ipaddress.ip_network(entry.cidr, strict=False).network_address if entry.cidr else None
    book = address_book(settings.enrich)
    kinds = {book.facts(str(own)).kind_at(now)} if own is not None else set()
    fitting = 0
    always = replace(entry, since=None, until=None, reasons=())
    for row, fact in zip(rows, facts, strict=True):
        subject = entry.user or entry.app or ""
        kind = "app" if entry.app is not None else "user"
        if always.fits(_plain_candidate(subject, kind), [fact]):
            fitting += row["events"]
            kinds.add(fact["kind"] if entry.cidr is not None else "")
    found = []
    if "tor" in kinds:
        found.append(f"{entry.cidr} holds a Tor exit: anybody can come from there.")
    total = lake.engine.value(f"SELECT count(*) FROM {_VIEW}")
    share = 100 * fitting / total if total else 0.0
    if share > settings.respond.risky_share_percent:
        found.append(f"It fits {share:.0f} % of all events of the last 30 days.")
    return found


def _described(settings: Settings, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows with ip and ua, as `AllowEntry.fits` looks at them, with the kind of the address."""
    ips = sorted({row["ip"] or "" for row in rows})
    addresses = dict(zip(ips, address_book(settings.enrich).facts_many(ips), strict=True))
    return [
        {
            "event_id": row.get("id"),
            "ip": row["ip"],
            "ua": row["ua"],
            "asn": addresses[row["ip"] or ""].asn,
            "kind": addresses[row["ip"] or ""].listed_kind or addresses[row["ip"] or ""].kind,
            "family": client_of(row["ua"]).family,
        }
        for row in rows
    ]


def _facts(lake: Lake, settings: Settings, ids: Iterable[str], oldest: int, latest: int) -> Facts:
    lake.events_view(_VIEW, oldest=oldest - _BEFORE, latest=latest)
    wanted = sorted(set(ids))
    rows: list[dict[str, Any]] = []
    for begin in range(0, len(wanted), _BATCH):
        part = wanted[begin : begin + _BATCH]
        sql = f"SELECT id, ip, ua FROM {_VIEW} WHERE list_contains(?, id)"
        rows += lake.engine.rows(sql, [part]).to_pylist()
    return {row["id"]: fact for row, fact in zip(rows, _described(settings, rows), strict=True)}


def _own(row: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    return _described(settings, [row])[0]


def _evidence(row: Mapping[str, Any]) -> Mapping[str, Any]:
    details = orjson.loads(row["details"]) if row["details"] else {}
    found = details.get("gridtrail") if isinstance(details, dict) else None
    return found if row["source"] == "gridtrail" and isinstance(found, dict) else {}


def _deciding(row: Mapping[str, Any]) -> list[str]:
    listed = _evidence(row).get("deciding_events")
    return [str(one) for one in listed] if isinstance(listed, list) else []


def _candidate(row: Mapping[str, Any]) -> Candidate:
    subject = str(_evidence(row).get("subject") or row["actor_id"] or "")
    kind = "user" if subject == row["actor_id"] else "app"
    return _plain_candidate(subject, kind, tuple(row["reasons"] or ()), row["date_create"])


def _plain_candidate(
    subject: str, kind: str, reasons: tuple[str, ...] = (), at: int = 0
) -> Candidate:
    anomaly = Anomaly(
        reasons, 1.0, "", observed={}, usual={}, words="", query="", silent_if="", repeat_key="",
        deciding_events=(),
    )  # fmt: skip
    return Candidate(at, "", subject, kind, "", (), anomaly)
