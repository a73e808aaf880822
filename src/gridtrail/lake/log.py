"""The log of one Delta table: which files are in it, and how a change gets in.

Every commit is made against the version that was last seen here and fails if another writer was
faster (`Raced`). The caller then looks again and decides again. That makes "append what is not
there yet" exact between any number of processes without a lock server.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction, RemoveAction

from gridtrail.engine.duckdb import WrittenFile
from gridtrail.errors import DamagedLake, RetryLater, WrongUse
from gridtrail.lake.schema import TableShape

PARTITION_TEXT = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What a partition value may be: it becomes the name of a directory."""

PartitionValue = str | int | date

_ATTEMPTS = 40
_Result = TypeVar("_Result")


class Raced(RetryLater):
    """Another writer committed first; look at the table again and decide again."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far `source` has been read; `position` is the source's own number: it
    grows, unless the source has a reason to read something again."""

    source: str
    position: int


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file of a table.

    `first` and `last` are the bounds of the shape's `order` column in it (for events: seconds
    since the epoch), None when the log does not say.
    """

    path: str  # relative to the table, as in the log
    size: int  # bytes
    rows: int
    partition: Mapping[str, str]
    first: int | None
    last: int | None

    def within(self, oldest: int | None, latest: int | None) -> bool:
        """Whether a row with `order` in [oldest, latest] (None: open) can be in this file."""
        after = self.first is not None and latest is not None and self.first > latest
        before = self.last is not None and oldest is not None and self.last < oldest
        return not (after or before)


class TableLog:
    """The log of the table `shape` in the directory `root`; made at the first commit."""

    def __init__(self, root: Path, shape: TableShape) -> None:
        self.root = root
        self.shape = shape
        self._table: DeltaTable | None = None
        self._files: tuple[int, list[DataFile]] | None = None

    @cached_property
    def _schema(self) -> Schema:
        return Schema.from_arrow(self.shape.schema)

    def refresh(self) -> bool:
        """See what others committed; False when there is no table yet.

        Raises DamagedLake when there is one and its log cannot be read.
        """
        try:
            if self._table is not None:
                self._table.update_incremental()
            elif (self.root / "_delta_log").is_dir() and DeltaTable.is_deltatable(str(self.root)):
                self._table = DeltaTable(str(self.root))
        except DeltaError as error:
            raise DamagedLake(
                f"The log of the table {self.shape.name} cannot be read ({_line(error)}): restore "
                f"{self.root / '_delta_log'} from a copy."
            ) from error
        return self._table is not None

    @property
    def version(self) -> int:
        """The version last seen; -1 when there is no table."""
        return -1 if self._table is None else self._table.version()

    def position(self, source: str) -> int | None:
        """The checkpoint of `source` at the version last seen."""
        return None if self._table is None else self._table.transaction_version(source)

    def files(self) -> list[DataFile]:
        """The files of the version last seen."""
        if self._table is None:
            return []
        version = self._table.version()
        if self._files is None or self._files[0] != version:
            # not pa.table(…), which would import pandas first
            stream = pa.RecordBatchReader.from_stream(self._table.get_add_actions(flatten=True))
            actions = stream.read_all()
            self._files = (version, _data_files(actions, self.shape))
        return self._files[1]

    def absolute(self, files: Iterable[DataFile]) -> list[str]:
        """The paths of `files` for the engine."""
        return [str(self.root / file.path) for file in files]

    def commit(
        self,
        adds: Sequence[WrittenFile] = (),
        removes: Sequence[DataFile] = (),
        *,
        checkpoint: Checkpoint | None = None,
        notes: Mapping[str, str] | None = None,
        data_change: bool = True,
    ) -> int:
        """Put `adds` in and take `removes` out, in one step, durable when this returns.

        `data_change` False says that the rows stay the same (compaction). Returns the version.

        Raises Raced when another writer committed since `refresh`; nothing has changed then.
        """
        _flush_data(self.root, [file.path for file in adds])
        if self._table is None:
            self._create()
        table = self._table
        if table is None:
            raise Raced("Another process is making this table: try again.")
        actions = [self._add(file, data_change) for file in adds]
        now = int(time.time() * 1000)
        taken = [
            RemoveAction(file.path, data_change, now, file.size, dict(file.partition))
            for file in removes
        ]
        transactions = [Transaction(checkpoint.source, checkpoint.position)] if checkpoint else None
        properties = CommitProperties(
            custom_metadata={"gridtrail": dict(notes)} if notes else None,
            app_transactions=transactions,
            max_commit_retries=0,
        )
        version = table.version() + 1
        try:
            table.create_write_transaction(
                [*actions, *taken],
                mode="append",
                schema=self._schema,
                partition_by=list(self.shape.partitions),
                commit_properties=properties,
            )
        except CommitFailedError as error:
            raise Raced(
                f"Another process keeps writing to the table {self.shape.name}: try again."
            ) from error
        _flush(self.root / "_delta_log" / f"{version:020}.json")
        _flush(self.root / "_delta_log")
        table.update_incremental()
        return version

    def vacuum(self, retention_hours: int) -> list[str]:
        """Delete files that no version younger than `retention_hours` needs; returns their paths.

        Takes both files removed from the log that long ago, and files of that age that never got
        into it (a writer died before its commit).
        """
        if not self.refresh() or self._table is None:
            return []
        return self._table.vacuum(
            retention_hours=retention_hours,
            dry_run=False,
            enforce_retention_duration=False,
            full=True,
        )

    def superseded(self) -> set[str]:
        """Files that were taken out of the table and may still be read by older readers."""
        if self._table is None:
            return set()
        return set(
            self._table.vacuum(retention_hours=0, dry_run=True, enforce_retention_duration=False)
        )

    def _create(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        order = self.shape.order
        try:
            self._table = DeltaTable.create(
                str(self.root),
                schema=self._schema,
                partition_by=list(self.shape.partitions),
                mode="error",
                # bounds are kept for the one column that files are chosen by: a short log
                configuration={"delta.dataSkippingStatsColumns": order} if order else None,
            )
        except DeltaError:  # another process was faster, or the directory cannot be written
            if not self.refresh():
                raise
            raise Raced("Another process has just made this table: try again.") from None
        _flush(self.root / "_delta_log" / f"{0:020}.json")
        for directory in (self.root / "_delta_log", self.root, self.root.parent):
            _flush(directory)

    def _add(self, file: WrittenFile, data_change: bool) -> AddAction:
        stats: dict[str, object] = {"numRecords": file.rows}
        order = self.shape.order
        if order is not None and order in file.smallest:
            stats["minValues"] = {order: int(file.smallest[order])}
            stats["maxValues"] = {order: int(file.largest[order])}
            stats["nullCount"] = {order: file.nulls[order]}
        return AddAction(
            path=file.path.relative_to(self.root).as_posix(),
            size=file.size,
            partition_values=dict(file.partition),
            modification_time=int(time.time() * 1000),
            data_change=data_change,
            stats=json.dumps(stats),
        )


def attempts(step: Callable[[], _Result]) -> _Result:
    """Repeat `step` while others are faster, with a short random pause, at most 40 times.

    Raises Raced (a RetryLater) when that was not enough.
    """
    for attempt in range(1, _ATTEMPTS):
        try:
            return step()
        except Raced:
            time.sleep(random.uniform(0, min(0.5, 0.005 * 2**attempt)))  # noqa: S311
    return step()


def partition_text(value: PartitionValue) -> str:
    """A partition value as the log writes it.

    Raises WrongUse when it cannot be the name of a directory.
    """
    text = value.isoformat() if isinstance(value, date) else str(value)
    if not PARTITION_TEXT.fullmatch(text):
        raise WrongUse(
            f"{text[:80]!r} cannot name a part of a table: use 1 to 64 letters, digits, _ and -."
        )
    return text


def matching_files(
    files: Iterable[DataFile], where: Mapping[str, PartitionValue]
) -> list[DataFile]:
    """The `files` whose partition has all the values of `where`."""
    wanted = {column: partition_text(value) for column, value in where.items()}
    return [f for f in files if all(f.partition.get(c) == text for c, text in wanted.items())]


def _data_files(actions: pa.Table, shape: TableShape) -> list[DataFile]:
    def column(name: str) -> list[object]:
        if name not in actions.column_names:
            return [None] * actions.num_rows
        values: list[object] = actions.column(name).to_pylist()
        return values

    partitions = [[str(v) for v in column(f"partition.{p}")] for p in shape.partitions]
    keys = zip(*partitions, strict=True) if partitions else [()] * actions.num_rows
    rows = zip(
        column("path"),
        column("size_bytes"),
        column("num_records"),
        keys,
        column(f"min.{shape.order}"),
        column(f"max.{shape.order}"),
        strict=True,
    )
    return [
        DataFile(
            path=str(path),
            size=_int(size) or 0,
            rows=_int(count) or 0,
            partition=dict(zip(shape.partitions, key, strict=True)),
            first=_int(first),
            last=_int(last),
        )
        for path, size, count, key, first, last in rows
    ]


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _flush_data(root: Path, files: Sequence[Path]) -> None:
    directories = {root}
    for file in files:
        _flush(file)
        # a new partition is a new name in each directory above it
        directories.update(d for d in file.parents if d.is_relative_to(root))
    if files:
        for directory in directories:
            _flush(directory)


def _flush(path: Path) -> None:
    """Force a file or a directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")
