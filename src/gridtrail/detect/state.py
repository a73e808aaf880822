"""What detection keeps in the lake between runs.

Snapshots of the profiles as of the start of a day, what was said lately, what was silenced, and
how far each day was decided. The table `detection` is written last and in one commit: what it
does not name was never there, so a run may die at any moment and is simply repeated.
"""

from __future__ import annotations

import bisect
import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import pyarrow as pa

from gridtrail.detect.contract import DAY_SECONDS, Profile, arrow_schema, table
from gridtrail.detect.emission import Said
from gridtrail.engine.duckdb import literal, quoted
from gridtrail.engine.shape import Engine
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import PartitionValue, TableLog, attempts, matching_files
from gridtrail.lake.schema import TableShape

SNAPSHOT_AGES = (0, 1, 3, 7, 15)
"""Of the days before the newest, those whose start is kept as a snapshot: an event that comes
days late costs about as many days again, not all."""

_KEY = [pa.field("org", pa.string(), nullable=False), pa.field("as_of", pa.date32())]

DETECTION = TableShape(
    "detection",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),  # "day" or "snapshot"
            pa.field("day", pa.date32(), nullable=False),
            pa.field("rows", pa.int64()),  # stored events of the day when it was decided
            pa.field("decided_to", pa.int64()),  # seconds; events up to here are decided
            pa.field("waiting", pa.bool_()),  # whether the day had later events than that
            pa.field("inputs", pa.list_(pa.string())),  # actions and columns that the day showed
            pa.field("signature", pa.string()),  # of the profiles in a snapshot
        ]
    ),
    ("org",),
)
SAID = TableShape(
    "detection_said",
    pa.schema(
        [
            *_KEY,
            pa.field("key", pa.string()),
            pa.field("last_at", pa.int64()),
            pa.field("times", pa.int64()),
            pa.field("held_back", pa.int64()),
        ]
    ),
    ("org", "as_of"),
)
SILENCED = TableShape(
    "silenced",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("day", pa.date32()),
            pa.field("at", pa.int64()),
            pa.field("detector", pa.string()),
            pa.field("subject", pa.string()),
            pa.field("event_id", pa.string()),
            pa.field("why", pa.string()),
            pa.field("score_millinats", pa.int64()),
            pa.field("words", pa.string()),
        ]
    ),
    ("org", "day"),
)
DETECTOR_STATES = TableShape(
    "detector_states",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("detector", pa.string()),
            pa.field("state", pa.string()),  # working, learning or blind
            pa.field("why", pa.string()),
            pa.field("decided_to", pa.int64()),
        ]
    ),
    ("org",),
)


def midnight(day: dt.date) -> int:
    """Seconds of the day's first moment, UTC."""
    return (day - dt.date(1970, 1, 1)).days * DAY_SECONDS


def day_of(seconds: int) -> dt.date:
    """The UTC day of a time in seconds."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=seconds // DAY_SECONDS)


@dataclass(frozen=True, slots=True)
class Decided:
    """How many stored events a day had when it was decided, up to which second that was, whether
    later ones were waiting, and which inputs (see `blindness`) the decided ones showed."""

    rows: int
    to: int
    waiting: bool
    inputs: frozenset[str]


@dataclass
class Progress:
    """Decided days and usable snapshots of one organization."""

    days: dict[dt.date, Decided] = field(default_factory=dict)
    snapshots: dict[dt.date, str] = field(default_factory=dict)

    def dirty(self, counts: Mapping[dt.date, int], to: int) -> list[dt.date]:
        """Days with events that are not decided yet, oldest first."""
        return sorted(day for day, rows in counts.items() if self._is_dirty(day, rows, to))

    def _is_dirty(self, day: dt.date, rows: int, to: int) -> bool:
        if midnight(day) > to:
            return False
        known = self.days.get(day)
        return known is None or known.rows != rows or (known.waiting and known.to < to)

    def best_snapshot(self, day: dt.date, signature: str) -> dt.date | None:
        """The newest snapshot at or before `day` made by the same profiles."""
        fitting = [d for d, made_by in self.snapshots.items() if d <= day and made_by == signature]
        return max(fitting, default=None)

    def thin_snapshots(self) -> None:
        """Keep the oldest snapshot of each bracket of SNAPSHOT_AGES (days behind the newest)."""
        newest = max(self.snapshots, default=None)
        kept: dict[int, dt.date] = {}
        for day in sorted(self.snapshots, reverse=True):
            age = (newest - day).days if newest else 0
            if age <= SNAPSHOT_AGES[-1]:
                kept[bisect.bisect_left(SNAPSHOT_AGES, age)] = day
        self.snapshots = {day: self.snapshots[day] for day in sorted(kept.values())}


ONE_DAY = dt.timedelta(days=1)


def read_progress(lake: Lake, org: str) -> Progress:
    """What the table `detection` says of `org`."""
    lake.view(DETECTION, "detection", org=org)
    progress = Progress()
    for row in lake.engine.rows("SELECT * FROM detection").to_pylist():
        if row["kind"] == "day":
            inputs = frozenset(row["inputs"])
            progress.days[row["day"]] = Decided(
                row["rows"], row["decided_to"], row["waiting"], inputs
            )
        else:
            progress.snapshots[row["day"]] = row["signature"]
    return progress


def write_progress(lake: Lake, org: str, progress: Progress) -> None:
    """Publish the state of `org`, in one commit."""
    days = [
        {"org": org, "kind": "day", "day": d, "rows": s.rows, "decided_to": s.to}
        | {"waiting": s.waiting, "inputs": sorted(s.inputs)}
        for d, s in sorted(progress.days.items())
    ]
    snapshots = [
        {"org": org, "kind": "snapshot", "day": d, "signature": signature}
        for d, signature in sorted(progress.snapshots.items())
    ]
    rows = pa.Table.from_pylist(days + snapshots, schema=DETECTION.schema)
    lake.write(DETECTION, rows, replace={"org": org})


def shape_of(profile: Profile) -> TableShape:
    """The lake's table for snapshots of a profile.

    Another version, or other columns, are another table: snapshots of before an upgrade are never
    read with the columns of after.
    """
    schema = pa.schema([*_KEY, *arrow_schema(profile.schema)])
    columns = repr(sorted(profile.schema.items())).encode()
    mark = hashlib.sha256(columns).hexdigest()[:6]
    return TableShape(f"profile_{profile.name}_{profile.version}_{mark}", schema, ("org", "as_of"))


def save_snapshot(
    lake: Lake,
    engine: Engine,
    org: str,
    day: dt.date,
    profiles: Iterable[Profile],
    said: Mapping[str, Said],
) -> None:
    """Write all profiles, and what was said, as of the start of `day`."""
    key = f"{literal(org)} AS org, DATE '{day.isoformat()}' AS as_of"
    where: dict[str, PartitionValue] = {"org": org, "as_of": day}
    for profile in profiles:
        engine.lend(profile.table, lake.engine)
        lake.engine.view("_snapshot", f"SELECT {key}, * FROM {quoted(profile.name)}")
        lake.write(shape_of(profile), "_snapshot", replace=where)
    rows = [
        {"org": org, "as_of": day, "key": k, "last_at": s.last_at, "times": s.times}
        | {"held_back": s.held_back}
        for k, s in sorted(said.items())
    ]
    lake.write(SAID, pa.Table.from_pylist(rows, schema=SAID.schema), replace=where)


def forget_snapshots(
    lake: Lake, org: str, profiles: Iterable[Profile], kept: Collection[dt.date]
) -> None:
    """Remove all snapshots of `org` but those of the days `kept`; run it after `write_progress`."""
    days = {day.isoformat() for day in kept}
    for shape in (SAID, *(shape_of(profile) for profile in profiles)):
        attempts(partial(_forget, lake.log(shape), org, days))


def _forget(log: TableLog, org: str, kept: Collection[str]) -> None:
    """Take all days but those `kept` out of one table: from its log alone, in one commit."""
    log.refresh()
    files = matching_files(log.files(), {"org": org})
    if stale := [file for file in files if file.partition["as_of"] not in kept]:
        log.commit(removes=stale)


def load_snapshot(
    lake: Lake, engine: Engine, org: str, day: dt.date | None, profiles: Iterable[Profile]
) -> dict[str, Said]:
    """Bring all profiles as of `day` into the engine (empty ones for None); what was said."""
    for profile in profiles:
        schema = arrow_schema(profile.schema)
        if day is None:
            engine.keep(profile.name, schema.empty_table())
            continue
        snapshot = lake.view(shape_of(profile), "_snapshot", org=org, as_of=day)
        engine.scan("_snapshot", snapshot.files, schema)
        engine.keep(profile.name, table("_snapshot", profile.schema))
    if day is None:
        return {}
    lake.view(SAID, "_said", org=org, as_of=day)
    return {
        row["key"]: Said(row["last_at"], row["times"], row["held_back"])
        for row in lake.engine.rows("SELECT * FROM _said").to_pylist()
    }
