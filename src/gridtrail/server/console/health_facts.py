"""What is known of the log's health, read from logs and small tables, never from all events."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridtrail.collect.slack_api.coverage import Coverage, collected, coverage
from gridtrail.collect.slack_api.storing import COLLECTOR_STATES, LATE_EVENTS
from gridtrail.detect.state import DETECTOR_STATES, SILENCED
from gridtrail.enrich.dimensions import ADDRESSES_TABLE, CLIENTS_TABLE
from gridtrail.lake.gaps import Gap, find_gaps
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import TableLog
from gridtrail.lake.schema import EVENTS_TABLE, QUARANTINE_TABLE
from gridtrail.rules.state import PROGRESS, RULE_HITS
from gridtrail.server.console.per_file import FileCounts, files_of
from gridtrail.settings import EnrichSettings

TABLES = (
    EVENTS_TABLE, QUARANTINE_TABLE, DETECTOR_STATES, SILENCED, RULE_HITS, ADDRESSES_TABLE,
    CLIENTS_TABLE, COLLECTOR_STATES, LATE_EVENTS,
)  # fmt: skip
"""Tables whose files are looked at."""

_NEWEST = 10

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Events:
    """The events of an organization; times in seconds.

    `last`, `hours` (since the epoch) and `gaps` are of what came in, not of what Gridtrail wrote.
    """

    rows: int
    files: int
    size: int  # bytes
    first: int | None
    last: int | None
    hours: Mapping[int, int]
    gaps: Sequence[Gap]


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Records that could not become events: by reason, and the newest."""

    reasons: Mapping[str, int]
    newest: Sequence[Row]

    @property
    def total(self) -> int:
        """How many they are."""
        return sum(self.reasons.values())


@dataclass(frozen=True, slots=True)
class Source:
    """A file that says what addresses are: its age in seconds; None when it cannot be read."""

    setting: str
    path: str
    size: int
    age: int | None


@dataclass(frozen=True, slots=True)
class Health:
    """Everything that the page is made of; `decided_to` and `rules_to` in seconds.

    `states` counts detectors by state; `files_missing`, `files_wrong` and `files_damaged` name
    files of the lake that are not there, have another size than was written, or cannot be read.
    """

    now: int
    events: Events
    coverages: Sequence[Coverage]
    states: Mapping[str, int]
    decided_to: int | None
    rules_to: int | None
    quarantine: Quarantine
    files_missing: Sequence[str]
    files_wrong: Sequence[str]
    files_damaged: Sequence[str]
    version: int
    committed: int | None
    sources: Sequence[Source]


def health_of(lake: Lake, enrich: EnrichSettings, counts: FileCounts, org: str) -> Health:
    """The health of the log of `org`, now."""
    events = lake.log(EVENTS_TABLE)
    known = _events(lake, counts, org)
    missing, wrong = _file_problems(lake)
    told = {*missing, *wrong}
    damaged = [f"{EVENTS_TABLE.name}/{path}" for path in counts.unreadable(lake)]
    states, decided_to = _detectors(lake, org)
    return Health(
        now=int(time.time()),
        events=known,
        coverages=[
            coverage(lake, one.org, actions=one.actions)
            for one in collected(lake)
            if one.org == org
        ],
        states=states,
        decided_to=decided_to,
        rules_to=_rules(lake, org),
        quarantine=_quarantine(lake, org),
        files_missing=missing,
        files_wrong=wrong,
        files_damaged=[name for name in damaged if name not in told],
        version=events.version,
        committed=_committed(events),
        sources=list(_sources(enrich)),
    )


def _events(lake: Lake, counts: FileCounts, org: str) -> Events:
    files = files_of(lake, org)
    hours = counts.hours(lake, org)
    return Events(
        rows=sum(file.rows for file in files),
        files=len(files),
        size=sum(file.size for file in files),
        first=min((file.first for file in files if file.first is not None), default=None),
        last=counts.newest(lake, org),
        hours=hours,
        gaps=find_gaps(hours),
    )


def _committed(log: TableLog) -> int | None:
    commit = log.root / "_delta_log" / f"{log.version:020}.json"
    return int(commit.stat().st_mtime) if commit.exists() else None


def _file_problems(lake: Lake) -> tuple[list[str], list[str]]:
    """Files that are not there, and those of a wrong size: what can be told without reading."""
    missing, wrong = [], []
    for shape in TABLES:
        log = lake.log(shape)
        log.refresh()
        for file in log.files():
            name = f"{shape.name}/{file.path}"
            try:
                size = (log.root / file.path).stat().st_size
            except FileNotFoundError:
                missing.append(name)
                continue
            if size != file.size:
                wrong.append(name)
    return missing, wrong


def _detectors(lake: Lake, org: str) -> tuple[dict[str, int], int | None]:
    lake.view(DETECTOR_STATES, "_health_states", org=org)
    rows = lake.engine.rows("SELECT state, decided_to FROM _health_states").to_pylist()
    decided = [row["decided_to"] for row in rows if row["decided_to"] is not None]
    return dict(Counter(row["state"] for row in rows)), max(decided, default=None)


def _rules(lake: Lake, org: str) -> int | None:
    lake.view(PROGRESS, "_health_rules", org=org)
    found: int | None = lake.engine.value("SELECT max(decided_to) FROM _health_rules")
    return found


def _quarantine(lake: Lake, org: str) -> Quarantine:
    lake.view(QUARANTINE_TABLE, "_health_quarantine")
    ask = lake.engine.rows
    reasons = ask(
        "SELECT reason, count(*) AS n FROM _health_quarantine WHERE org = ? GROUP BY 1 "
        "ORDER BY n DESC, 1",
        [org],
    ).to_pylist()
    newest = ask(
        "SELECT source, position, reason, message, epoch(ingested_at)::BIGINT AS at "
        "FROM _health_quarantine WHERE org = ? ORDER BY ingested_at DESC, id LIMIT ?",
        [org, _NEWEST],
    ).to_pylist()
    return Quarantine({row["reason"]: row["n"] for row in reasons}, newest)


def _sources(enrich: EnrichSettings) -> Iterator[Source]:
    now = time.time()
    names = [name for name in type(enrich).model_fields if name.endswith(("_lists", "_files"))]
    for name in names:
        for path in getattr(enrich, name):
            try:
                stat = path.stat()
            except OSError:
                yield Source(f"enrich.{name}", str(path), 0, None)
                continue
            yield Source(f"enrich.{name}", str(path), stat.st_size, int(now - stat.st_mtime))
