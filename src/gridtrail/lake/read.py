"""Look events up: newest first and early out, or all of them as a stream.

Files of one table version are walked in time order. A look-up reads the newest files first and
widens its window until it has enough rows, so that its time depends on where the rows are and not
on the length of the history.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB, parquet_scan, quoted
from gridtrail.errors import WrongUse
from gridtrail.lake.log import DataFile, TableLog
from gridtrail.lake.query import Condition, EventFilter, condition
from gridtrail.lake.schema import EVENTS

_FIRST_WINDOW_ROWS = 250_000
_WIDENING = 4
_PIECE_ROWS = 100_000


class EventReader:
    """Reads the events table of `log`; every call sees one version of it."""

    def __init__(self, engine: DuckDB, log: TableLog) -> None:
        self.engine = engine
        self.log = log
        self._types = engine.sql_types(EVENTS)

    def newest(
        self, wanted: EventFilter, limit: int, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The newest `limit` events of `wanted`, newest first; see `Lake.newest`."""
        found: list[pa.Table] = []
        left = limit
        for files in windows(self.candidates(wanted)):
            if left <= 0:
                break
            rows = self._read(files, condition(wanted), columns, "DESC", f" LIMIT {int(left)}")
            found.append(rows)
            left -= rows.num_rows
        return pa.concat_tables(found) if found else self._empty(columns)

    def matching(
        self,
        wanted: EventFilter,
        *,
        newest_first: bool = False,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pa.Table]:
        """All events of `wanted` in pieces; see `Lake.matching`."""
        clusters = time_clusters(self.candidates(wanted))
        direction = "DESC" if newest_first else "ASC"
        for files in clusters if newest_first else reversed(clusters):
            spans = _spans(files, wanted.oldest, wanted.latest)
            for first, last in reversed(spans) if newest_first else spans:
                within = [file for file in files if file.within(first, last)]
                terms = condition(wanted)
                terms.add("date_create BETWEEN ? AND ?", first, last)
                rows = self._read(within, terms, columns, direction)
                if rows.num_rows:
                    yield rows

    def event(self, event_id: str, org: str | None = None) -> dict[str, Any] | None:
        """The event with this id (of `org`, or of any), all columns by name, or None."""
        rows = self.newest(EventFilter(id=event_id, org=org), 1).to_pylist()
        return rows[0] if rows else None

    def surroundings(
        self, event_id: str, seconds: int, *, org: str | None = None, limit: int = 1000
    ) -> pa.Table:
        """Events near an event in time and subject, oldest first; see `Lake.surroundings`."""
        centre = self.event(event_id, org)
        if centre is None:
            return self._empty(None)
        second = centre["date_create"]
        near = EventFilter(org=centre["org"], oldest=second - seconds, latest=second + seconds)
        subjects = {c: centre[c] for c in ("actor_id", "session_id", "ip") if centre[c]}
        terms = condition(near)
        same = " OR ".join(["id = ?", *(f"{column} = ?" for column in subjects)])
        terms.add(f"({same})", event_id, *subjects.values())
        files = self.candidates(near)
        nearest = f"SELECT * FROM ({self._select(files, terms, None)}) "
        nearest += f"ORDER BY abs(date_create - {int(second)}), id LIMIT {int(limit)}"
        return self.engine.rows(f"SELECT * FROM ({nearest}) ORDER BY date_create, id", terms.values)

    def candidates(self, wanted: EventFilter) -> list[DataFile]:
        """The files of the newest version that can hold events of `wanted`."""
        self.log.refresh()
        return [
            file
            for file in self.log.files()
            if file.within(wanted.oldest, wanted.latest)
            and wanted.org in (None, file.partition["org"])
        ]

    def day_counts(self, org: str | None) -> dict[date, int]:
        """Number of events by UTC day, from the log alone."""
        counts: defaultdict[date, int] = defaultdict(int)
        for file in self.candidates(EventFilter(org=org)):
            counts[date.fromisoformat(file.partition["day"])] += file.rows
        return dict(sorted(counts.items()))

    def organizations(self) -> list[str]:
        """Organizations that have events, by name, from the log alone."""
        return sorted({file.partition["org"] for file in self.candidates(EventFilter())})

    def _read(
        self,
        files: Sequence[DataFile],
        terms: Condition,
        columns: Sequence[str] | None,
        direction: str,
        limit: str = "",
    ) -> pa.Table:
        if not files:
            return self._empty(columns)
        order = f" ORDER BY date_create {direction}, id {direction}{limit}"
        return self.engine.rows(self._select(files, terms, columns) + order, terms.values)

    def _select(
        self, files: Sequence[DataFile], terms: Condition, columns: Sequence[str] | None
    ) -> str:
        listed = ", ".join(quoted(name) for name in _chosen(columns))
        scan = parquet_scan(self.log.absolute(files), self._types, self.log.shape.partitions)
        return f"SELECT {listed} FROM {scan} WHERE {terms.sql}"

    def _empty(self, columns: Sequence[str] | None) -> pa.Table:
        return EVENTS.empty_table().select(list(_chosen(columns)))


def time_clusters(files: Iterable[DataFile]) -> list[list[DataFile]]:
    """`files` in groups that share no second with each other, newest group first."""
    clusters: list[list[DataFile]] = []
    earliest = 0
    for file in sorted(files, key=lambda f: _bounds(f)[1], reverse=True):
        first, last = _bounds(file)
        if clusters and last >= earliest:
            clusters[-1].append(file)
            earliest = min(earliest, first)
        else:
            clusters.append([file])
            earliest = first
    return clusters


def windows(files: Iterable[DataFile]) -> Iterator[list[DataFile]]:
    """`files` newest first in windows of growing size that share no second with each other."""
    window: list[DataFile] = []
    size = _FIRST_WINDOW_ROWS
    for cluster in time_clusters(files):
        window += cluster
        if sum(file.rows for file in window) >= size:
            yield window
            window = []
            size *= _WIDENING
    if window:
        yield window


def _bounds(file: DataFile) -> tuple[int, int]:
    # a file without bounds in the log (another tool wrote it) can hold any second
    everything = 2**62
    return (
        -everything if file.first is None else file.first,
        everything if file.last is None else file.last,
    )


def _spans(
    files: Sequence[DataFile], oldest: int | None, latest: int | None
) -> list[tuple[int, int]]:
    """The time of `files` within [oldest, latest] in spans of about 100,000 rows, oldest first."""
    first = min(_bounds(file)[0] for file in files)
    last = max(_bounds(file)[1] for file in files)
    first = first if oldest is None else max(first, oldest)
    last = last if latest is None else min(last, latest)
    pieces = -(-sum(file.rows for file in files) // _PIECE_ROWS)
    width = max(1, -(-(last - first + 1) // max(1, pieces)))
    return [(start, min(start + width - 1, last)) for start in range(first, last + 1, width)]


def _chosen(columns: Sequence[str] | None) -> Sequence[str]:
    unknown = [name for name in columns or () if name not in EVENTS.names]
    if unknown:
        raise WrongUse(
            f"Events have no column {unknown[0]!r}: choose among {', '.join(EVENTS.names)}."
        )
    names: Sequence[str] = EVENTS.names if columns is None else columns
    return names
