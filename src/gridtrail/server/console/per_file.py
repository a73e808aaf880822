"""Counts over events that are read once for each file, for pages about the whole log.

A file of the lake never changes, so what was counted in it holds for good: a page costs the files
that are new since the last look, not the history.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gridtrail.engine.duckdb import UnreadableFile, parquet_scan
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import DataFile
from gridtrail.lake.schema import EVENTS_TABLE

_AT_ONCE = 500  # files of one question

# what Gridtrail writes itself (anomalies, its own trail) must not hide that nothing comes in
_HOURS = """
SELECT filename, date_create // 3600 AS hour, count(*) AS n, max(date_create) AS last
FROM {scan} WHERE source <> 'gridtrail' GROUP BY ALL
"""

_RAISED = """
SELECT filename, date_create // 86400 AS day, source = 'gridtrail' AS ours,
  coalesce(CASE WHEN source = 'gridtrail' THEN json_extract_string(details, '$.gridtrail.detector')
    END, reasons[1], '') AS name, count(*) AS n
FROM {scan} WHERE action = 'anomaly' GROUP BY ALL
"""

Row = Mapping[str, Any]


@dataclass
class PerFile:
    """The rows of one question, by file of events; `sql` must give `filename`. Shared between
    threads. `unreadable` are files that are damaged: they count as empty, and are tried again."""

    sql: str
    unreadable: set[str] = field(default_factory=set)
    _known: dict[str, list[Row]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def rows(self, lake: Lake, files: Iterable[DataFile]) -> list[Row]:
        """The rows of these files."""
        log = lake.log(EVENTS_TABLE)
        wanted = {path: file for file in files for path in log.absolute([file])}
        missing = [path for path in wanted if path not in self._known]
        for start in range(0, len(missing), _AT_ONCE):
            self._read(lake, missing[start : start + _AT_ONCE])
        found = [row for path in wanted for row in self._known.get(path, ())]
        self._forget(log.absolute(log.files()))
        return found

    def _read(self, lake: Lake, paths: Sequence[str]) -> None:
        answers: dict[str, list[Row]] = {path: [] for path in paths}
        sql = self.sql.format(scan=parquet_scan(paths, {}, ()))
        try:
            found = lake.engine.checked_rows(sql).to_pylist()
        except UnreadableFile:
            if len(paths) > 1:
                for path in paths:
                    self._read(lake, [path])
                return
            with self._lock:
                self.unreadable.update(paths)
            return
        for row in found:
            answers[row["filename"]].append(row)
        with self._lock:
            self._known.update(answers)
            self.unreadable.difference_update(paths)

    def _forget(self, existing: Sequence[str]) -> None:
        """Forget files that were compacted away, once they are the most."""
        if len(self._known) > 2 * len(existing) + _AT_ONCE:
            kept = set(existing)
            with self._lock:
                self.unreadable &= kept
                self._known = {path: rows for path, rows in self._known.items() if path in kept}


@dataclass
class FileCounts:
    """What pages about the whole log count, for one server."""

    _hours: PerFile = field(default_factory=lambda: PerFile(_HOURS))
    _raised: PerFile = field(default_factory=lambda: PerFile(_RAISED))

    def unreadable(self, lake: Lake) -> list[str]:
        """Files of events that `hours` found damaged, as paths in the table."""
        log = lake.log(EVENTS_TABLE)
        damaged = self._hours.unreadable
        return [f.path for f in log.files() if damaged.intersection(log.absolute([f]))]

    def hours(self, lake: Lake, org: str) -> dict[int, int]:
        """The events of `org` that came in, by hour (seconds since the epoch // 3600)."""
        counts: Counter[int] = Counter()
        for row in self._hours.rows(lake, files_of(lake, org)):
            counts[row["hour"]] += row["n"]
        return dict(counts)

    def newest(self, lake: Lake, org: str) -> int | None:
        """The second of the newest event of `org` that came in."""
        rows = self._hours.rows(lake, files_of(lake, org))
        return max((row["last"] for row in rows), default=None)

    def last_day(self, lake: Lake, org: str) -> int:
        """The UTC day (since the epoch) of that event, at most today: what "lately" ends with."""
        today = int(time.time()) // 86_400
        newest = self.newest(lake, org)
        return today if newest is None else min(today, newest // 86_400)

    def raised(self, lake: Lake, org: str, first_day: int, last_day: int) -> dict[Raised, int]:
        """How many anomalies each raised in the UTC days (since the epoch) of the range."""
        oldest, latest = first_day * 86_400, last_day * 86_400 + 86_399
        files = [file for file in files_of(lake, org) if file.within(oldest, latest)]
        counts: Counter[Raised] = Counter()
        for row in self._raised.rows(lake, files):
            if first_day <= row["day"] <= last_day:
                counts[Raised(row["name"], row["ours"], row["day"])] += row["n"]
        return dict(counts)


@dataclass(frozen=True, slots=True)
class Raised:
    """Who raised anomalies on which UTC day: a detector of ours, or somebody else by reason."""

    name: str
    ours: bool
    day: int


def files_of(lake: Lake, org: str) -> list[DataFile]:
    """The files of events of `org` as the log has them now."""
    log = lake.log(EVENTS_TABLE)
    log.refresh()
    return [file for file in log.files() if file.partition["org"] == org]
