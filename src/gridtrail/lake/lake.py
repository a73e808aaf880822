"""The lake: Delta tables in one directory, read and written through one engine session."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import BadSettings
from gridtrail.lake.append import Appended, append_events
from gridtrail.lake.compact import Compacted, compact_table
from gridtrail.lake.log import Checkpoint, PartitionValue, TableLog
from gridtrail.lake.quarantine import append_quarantine
from gridtrail.lake.query import EventFilter
from gridtrail.lake.read import EventReader
from gridtrail.lake.retain import Retained, retain_days
from gridtrail.lake.schema import EVENTS_TABLE, QUARANTINE_TABLE, TableShape
from gridtrail.lake.tables import Snapshot, table_view, write_table
from gridtrail.lake.verify import Verification, verify_lake

_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
"""What delta-rs takes for the escape of a URL when it opens a table, and not when it makes one."""


class Lake:
    """The tables under the directory `home` (one directory a table), through `engine`.

    Any number of processes may use one lake at a time; one Lake object belongs to one thread, as
    its engine does. Nothing is made on disk before the first writing.

    Raises BadSettings for a path that Delta Lake's libraries do not find again.
    """

    def __init__(self, home: Path, engine: DuckDB) -> None:
        self.home = home.absolute()
        if escape := _ESCAPE.search(str(self.home)):
            raise BadSettings(
                f"No lake can be in {self.home.parent}: {escape[0]} in a path is read as another "
                "character; rename the directory, or name another one by --data."
            )
        self.engine = engine
        self._logs: dict[str, TableLog] = {}

    def log(self, shape: TableShape) -> TableLog:
        """The log of the table `shape`, the same object at each call."""
        if shape.name not in self._logs:
            self._logs[shape.name] = TableLog(self.home / shape.name, shape)
        return self._logs[shape.name]

    def append_events(
        self,
        relation: str,
        *,
        checkpoint: Checkpoint | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Appended:
        """Store the events of the engine's table or view `relation` (all columns of EVENTS).

        One atomic commit holds the rows, the `checkpoint` and the `notes` (kept in the log's
        commit information); it is on the disk when this returns. A table made by `engine.keep` is
        read in place, a view is computed once and kept until the end of the call.

        An event is a duplicate when its (org, id) is stored already between the batch's oldest
        and latest second, or comes twice in the batch (the smallest date_create, then the
        smallest raw text stays). If the two differ in date_create or action, the later one goes
        to the quarantine as `id_conflict` instead. An empty batch still commits its checkpoint.

        Raises WrongUse when a row breaks the shape of events, and RetryLater when other
        processes kept writing for so long that this one found no gap; nothing is stored then.
        """
        return append_events(
            self.engine,
            self.log(EVENTS_TABLE),
            self.log(QUARANTINE_TABLE),
            relation,
            checkpoint=checkpoint,
            notes=notes,
        )

    def append_quarantine(self, rows: pa.Table) -> int:
        """Store the `rows` (columns of QUARANTINE) whose id is not there yet; their number.

        Raises RetryLater as `append_events` does.
        """
        return append_quarantine(self.engine, self.log(QUARANTINE_TABLE), rows)

    def checkpoint(self, source: str, *, shape: TableShape = EVENTS_TABLE) -> int | None:
        """How far `source` had been read at the newest commit; None when it never was."""
        log = self.log(shape)
        log.refresh()
        return log.position(source)

    def write(
        self,
        shape: TableShape,
        rows: pa.Table | str,
        *,
        replace: Mapping[str, PartitionValue] | None = None,
        checkpoint: Checkpoint | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> int:
        """Write `rows` (an Arrow table or the name of an engine relation); their number.

        With `replace` None they are appended. Otherwise they take the place of all rows that have
        these partition values, in one step; an empty mapping replaces the whole table. All rows
        given must then have these values.

        Raises WrongUse for a value that breaks the shape, RetryLater as `append_events` does.
        """
        return write_table(
            self.engine,
            self.log(shape),
            rows,
            replace=replace,
            checkpoint=checkpoint,
            notes=notes,
        )

    def view(self, shape: TableShape, name: str, **where: PartitionValue) -> Snapshot:
        """Make the table readable in the engine under `name`: columns as in `shape`, in order.

        The view shows one version, whatever is written later, for as long as its files are kept
        (`vacuum` takes them away one hour after they were replaced, by default). `where` names
        partition values. An absent table is empty.
        """
        return table_view(self.engine, self.log(shape), name, where=where)

    def events_view(
        self,
        name: str = "events",
        *,
        org: str | None = None,
        oldest: int | None = None,
        latest: int | None = None,
    ) -> Snapshot:
        """As `view`, for events of `org` (None: all) in [oldest, latest], seconds, inclusive.

        Only files that can hold such events are in the view.
        """
        where = {} if org is None else {"org": org}
        log = self.log(EVENTS_TABLE)
        return table_view(self.engine, log, name, where=where, oldest=oldest, latest=latest)

    @cached_property
    def _reader(self) -> EventReader:
        return EventReader(self.engine, self.log(EVENTS_TABLE))

    def newest(
        self, wanted: EventFilter, limit: int = 100, *, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """The newest `limit` events of `wanted`, by (date_create, id) descending.

        Reads the newest files first and stops when it has enough. `columns` are names of EVENTS
        (None: all), in the order wanted.
        """
        return self._reader.newest(wanted, limit, columns)

    def matching(
        self,
        wanted: EventFilter,
        *,
        newest_first: bool = False,
        columns: Sequence[str] | None = None,
    ) -> Iterator[pa.Table]:
        """All events of `wanted`, ordered by (date_create, id), in tables of some 100,000 rows.

        The stream shows one version of the table; other queries may run in between.
        """
        return self._reader.matching(wanted, newest_first=newest_first, columns=columns)

    def event(self, event_id: str, *, org: str | None = None) -> dict[str, Any] | None:
        """The event with this id (of `org`, or of any), all columns by name, or None."""
        return self._reader.event(event_id, org)

    def surroundings(
        self, event_id: str, seconds: int, *, org: str | None = None, limit: int = 1000
    ) -> pa.Table:
        """Events within `seconds` of the event that share its actor, session or address.

        The event itself is among them. Of more than `limit` those nearest in time are kept.
        Oldest first; empty when there is no such event.
        """
        return self._reader.surroundings(event_id, seconds, org=org, limit=limit)

    def day_counts(self, org: str | None = None) -> dict[date, int]:
        """Number of events of `org` (None: all) by UTC day, from the log alone."""
        return self._reader.day_counts(org)

    def organizations(self) -> list[str]:
        """Organizations that have events, by name, from the log alone."""
        return self._reader.organizations()

    def compact(self, shape: TableShape = EVENTS_TABLE) -> Compacted:
        """Rewrite the files appended since the last time as few sorted ones, made for look-ups.

        Memory is bounded by the size of one file, not of a day. Writers and readers go on
        meanwhile; a day that another process changed just then is left for the next time. The
        old files stay on the disk until `vacuum`.

        Raises DamagedLake when a file holds another number of rows than the log says.
        """
        return compact_table(self.engine, self.log(shape))

    def vacuum(self, shape: TableShape = EVENTS_TABLE, *, retention_hours: int = 1) -> list[str]:
        """Delete files that were replaced, or never committed, more than `retention_hours` ago.

        Returns their paths. A view or stream older than that may lose its files.
        """
        return self.log(shape).vacuum(retention_hours)

    def retain(self, days: int, *, today: date | None = None) -> Retained:
        """Forget events of UTC days before `today` minus `days` (default: the current day).

        They are gone for new readers at once, and from the disk after `vacuum`.

        Raises WrongUse when `days` is less than 1, RetryLater as `append_events` does.
        """
        return retain_days(
            self.log(EVENTS_TABLE), days, today if today is not None else datetime.now(UTC).date()
        )

    def verify(self, *others: TableShape) -> Verification:
        """Check events and quarantine in full, and that the files of the tables `others` exist."""
        events, quarantine = self.log(EVENTS_TABLE), self.log(QUARANTINE_TABLE)
        return verify_lake(self.engine, events, quarantine, [self.log(o) for o in others])
