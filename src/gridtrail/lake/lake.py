"""The lake: Delta tables in one directory, read and written through one engine session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.append import Appended, append_events
from gridtrail.lake.log import Checkpoint, PartitionValue, TableLog
from gridtrail.lake.quarantine import append_quarantine
from gridtrail.lake.schema import EVENTS_TABLE, QUARANTINE_TABLE, TableShape
from gridtrail.lake.tables import Snapshot, table_view, write_table


class Lake:
    """The tables under the directory `home` (one directory a table), through `engine`.

    Any number of processes may use one lake at a time; one Lake object belongs to one thread, as
    its engine does. Nothing is made on disk before the first writing.
    """

    def __init__(self, home: Path, engine: DuckDB) -> None:
        self.home = home.absolute()
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
