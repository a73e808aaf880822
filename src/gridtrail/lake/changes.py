"""What each commit of a table added: for whoever passes on everything new, in order.

The Delta log says for each version which files it added and whether their rows are new (compaction
says that they are not). Rows are read from those very files, so a row that came late is passed on
like any other. A file that was compacted and deleted meanwhile, or a log entry that was cleaned
away, is told by `Gone`: its rows are in the table all the same, and have to be found by what they
are (`gridtrail.forward.catching_up`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from gridtrail.lake.log import DataFile, TableLog

_BATCH_ROWS = 2000


class Gone(Exception):
    """A commit of the log, or a file that it added, is no longer there."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A version of a table: the files with new rows, and when (seconds since the epoch)."""

    version: int
    at: float
    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        """Number of rows that it added."""
        return sum(file.rows for file in self.files)


class Changes:
    """The commits of one table; a commit never changes, so what was read once is kept."""

    def __init__(self, log: TableLog) -> None:
        self._log = log
        self._known: dict[int, Commit] = {}

    def newest(self) -> int:
        """The newest version; -1 when there is no table yet."""
        self._log.refresh()
        return self._log.version

    def commit(self, version: int) -> Commit:
        """What `version` added. Raises Gone when its log entry was cleaned away."""
        if version not in self._known:
            self._known[version] = self._read(version)
        return self._known[version]

    def after(self, version: int) -> Iterator[Commit]:
        """The commits after `version` up to the newest, oldest first. Raises as `commit`."""
        for one in range(version + 1, self.newest() + 1):
            yield self.commit(one)

    def forget(self, version: int) -> None:
        """Keep nothing of the commits up to `version`: nobody asks for them again."""
        for one in [known for known in self._known if known <= version]:
            del self._known[one]

    def rows(
        self, file: DataFile, columns: Sequence[str], skip: int = 0
    ) -> Iterator[pa.RecordBatch]:
        """The `columns` of the file's rows after the first `skip`, in their order in the file.

        Partition columns are not in a file. Raises Gone when it was deleted.
        """
        try:
            opened = pq.ParquetFile(self._log.root / file.path)
        except FileNotFoundError:
            raise Gone from None
        with opened:
            metadata = opened.metadata
            for group in range(metadata.num_row_groups):
                rows = metadata.row_group(group).num_rows
                if skip >= rows:
                    skip -= rows
                    continue
                for batch in opened.iter_batches(
                    _BATCH_ROWS, row_groups=[group], columns=list(columns), use_threads=False
                ):
                    kept = batch.slice(skip) if skip else batch
                    skip = max(0, skip - batch.num_rows)
                    if kept.num_rows:
                        yield kept

    def _read(self, version: int) -> Commit:
        path = self._log.root / "_delta_log" / f"{version:020}.json"
        try:
            lines = path.read_text("utf-8").splitlines()
        except FileNotFoundError:
            raise Gone from None
        at, files = 0.0, []
        for line in lines:
            action: dict[str, Any] = json.loads(line)
            if "commitInfo" in action:
                at = action["commitInfo"].get("timestamp", 0) / 1000
            elif "add" in action and action["add"].get("dataChange", True):
                files.append(_file(action["add"], self._log.shape.order))
        return Commit(version, at, tuple(files))


def _file(add: dict[str, Any], order: str | None) -> DataFile:
    stats: dict[str, Any] = json.loads(add.get("stats") or "{}")
    return DataFile(
        path=unquote(add["path"]),
        size=add["size"],
        rows=stats.get("numRecords", 0),
        partition=add["partitionValues"],
        first=stats.get("minValues", {}).get(order),
        last=stats.get("maxValues", {}).get(order),
    )
