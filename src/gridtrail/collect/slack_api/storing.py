"""Pages into the lake, and the collector's own two tables.

An event that comes late (its second had been read before) is written to `late_events` before it is
stored; killed in between, the collector writes it there again, so that table is counted by id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from gridtrail.collect.batches import TABLE, BatchReader, quarantine_table
from gridtrail.collect.importing import Counts
from gridtrail.collect.records import Records
from gridtrail.collect.slack_api.planning import Extent
from gridtrail.collect.slack_api.streams import Stream
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import Checkpoint
from gridtrail.lake.schema import TIMESTAMP, TableShape

LATE_EVENTS = TableShape(
    "late_events",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("stream", pa.string(), nullable=False),
            pa.field("id", pa.string(), nullable=False),
            pa.field("date_create", pa.int64(), nullable=False),  # seconds since the epoch
            pa.field("seen_at", pa.int64(), nullable=False),  # seconds since the epoch
        ]
    ),
    ("org",),
    "date_create",
)
"""One row an event that was not there yet when its second was read (an id may come twice)."""

COLLECTOR_STATES = TableShape(
    "collector_states",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("stream", pa.string(), nullable=False),
            pa.field("actions", pa.list_(pa.string())),
            pa.field("since", pa.int64(), nullable=False),  # first second wanted
            pa.field("state", pa.string(), nullable=False),  # working, failing or refused
            pa.field("why", pa.string()),
            pa.field("refused_actions", pa.list_(pa.string())),
            pa.field("updated_at", TIMESTAMP, nullable=False),
        ]
    ),
    ("org", "stream"),
)
"""One row a stream that is or was collected: how its collector fared last."""

_LATE_SQL = """
SELECT DISTINCT ON (b.id) '{org}' AS org, '{stream}' AS stream, b.id, b.date_create,
  {now}::BIGINT AS seen_at
FROM {batch} b WHERE b.date_create BETWEEN {first} AND {last}
  AND b.id NOT IN (SELECT id FROM _covered)
"""


@dataclass(slots=True)
class Stored(Counts):
    """What became of records; `late` are those of `stored` that came late."""

    late: int = 0
    max_lateness: int = 0  # seconds

    def add(self, other: Counts) -> None:
        """Add the numbers of `other`."""
        Counts.add(self, other)
        if isinstance(other, Stored):
            self.late += other.late
            self.max_lateness = max(self.max_lateness, other.max_lateness)


@dataclass(slots=True)
class Gathered:
    """Pages that wait to be stored."""

    pages: list[tuple[str, Records]] = field(default_factory=list)  # what was asked, entries
    bytes: int = 0

    def add(self, asked: str, records: Records) -> None:
        """One more page."""
        if len(records):
            self.pages.append((asked, records))
            self.bytes += len(records.buffer)

    def records(self) -> Records:
        """The entries of all pages as one."""
        pages = self.pages
        shifts = np.cumsum([0, *(len(records.buffer) for _, records in pages)])
        firsts = np.cumsum([0, *(len(records) for _, records in pages)])

        def place(i: int) -> str:
            number = int(np.searchsorted(firsts, i, side="right")) - 1
            asked, records = pages[number]
            return f"{asked}, {records.place(i - int(firsts[number]))}"

        nothing = np.empty(0, np.int64)
        return Records(
            b"".join(records.buffer for _, records in pages),
            np.concatenate([nothing, *(r.starts + s for (_, r), s in _zip(pages, shifts))]),
            np.concatenate([nothing, *(r.ends + s for (_, r), s in _zip(pages, shifts))]),
            place,
        )


def _zip(
    pages: list[tuple[str, Records]], shifts: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> list[tuple[tuple[str, Records], int]]:
    return list(zip(pages, shifts[:-1].tolist(), strict=True))


class Store:
    """Writes what was read of `stream`; belongs to the one thread that the lake belongs to."""

    def __init__(
        self, lake: Lake, engine: DuckDB, stream: Stream, *, max_record_bytes: int
    ) -> None:
        self._lake, self._engine, self._stream = lake, engine, stream
        self._reader = BatchReader(
            engine, org=stream.org, source="slack", max_record_bytes=max_record_bytes
        )

    def extent(self) -> Extent | None:
        """What was read so far."""
        return self._stream.extent(self._lake)

    def begin(self, extent: Extent) -> None:
        """Keep that nothing was read yet, and where reading begins."""
        stream = self._stream
        # `followed` comes first: `Stream.extent` can read the rest from it
        for checkpoint in (
            stream.followed(extent.highest),
            stream.backfilled(extent.lowest),
            stream.swept(extent.swept),
        ):
            self.keep(Gathered(), extent, checkpoint, 0)

    def keep(
        self, gathered: Gathered, before: Extent, checkpoint: Checkpoint | None, now: int
    ) -> Stored:
        """Store the entries, with the `checkpoint` in the same commit.

        `before` is what had been read when this reading began; an event in it that is new came
        late, seen at the second `now`. Raises what `Lake.append_events` raises.
        """
        batch = self._reader.read(gathered.records(), origin=self._stream.source)
        counts = Stored(read=batch.records, quarantined=len(batch.quarantine))
        try:
            # first what a crash may repeat without harm, then the commit that moves the checkpoint
            self._lake.append_quarantine(quarantine_table(batch))
            self._note_late(before, counts, now)
            if batch.events or checkpoint is not None:
                appended = self._lake.append_events(TABLE, checkpoint=checkpoint)
                counts.stored, counts.already_there = appended.stored, appended.already_there
                counts.conflicts = appended.conflicts
                counts.quarantined += appended.conflicts
        finally:
            self._engine.drop(TABLE)
        return counts

    def _note_late(self, before: Extent, counts: Stored, now: int) -> None:
        first, last = before.lowest, before.highest
        found = self._engine.rows(
            f"SELECT min(date_create) AS a, max(date_create) AS b FROM {TABLE} "
            f"WHERE date_create BETWEEN {int(first)} AND {int(last)}"
        ).to_pylist()[0]
        if found["a"] is None:
            return
        org = self._stream.org
        self._lake.events_view("_covered", org=org, oldest=found["a"], latest=found["b"])
        rows = self._engine.rows(
            _LATE_SQL.format(
                org=org,
                stream=self._stream.name,
                now=now,
                batch=TABLE,
                first=int(found["a"]),
                last=int(found["b"]),
            )
        )
        if rows.num_rows:
            self._lake.write(LATE_EVENTS, rows)
            counts.late = rows.num_rows
            counts.max_lateness = now - min(rows["date_create"].to_pylist())

    def note_state(
        self, since: int, state: str, why: str | None, refused_actions: Sequence[str]
    ) -> None:
        """Keep how the collector fares, for `coverage`."""
        row = {
            "org": self._stream.org,
            "stream": self._stream.name,
            "actions": list(self._stream.actions),
            "since": since,
            "state": state,
            "why": why,
            "refused_actions": list(refused_actions),
            "updated_at": datetime.now(UTC),
        }
        rows = pa.Table.from_pylist([row], COLLECTOR_STATES.schema)
        where = {"org": self._stream.org, "stream": self._stream.name}
        self._lake.write(COLLECTOR_STATES, rows, replace=where)
