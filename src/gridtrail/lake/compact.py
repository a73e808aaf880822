"""Rewrite many small files as few sorted ones, laid out for look-ups.

A rewritten file is named `sorted-…`. Files of one organization and day that are so named share no
second with each other, so that a reader can stop early; each is one row group. Each
(organization, day) is one commit of removed and added files; when another process changed those
very files meanwhile, that day is left for the next time. Readers see the same rows before and
after, and older readers keep their files until `vacuum`.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gridtrail.engine.duckdb import DuckDB, WrittenFile, parquet_scan, quoted
from gridtrail.errors import DamagedLake
from gridtrail.lake.files import discard, sorting
from gridtrail.lake.log import DataFile, Raced, TableLog, attempts
from gridtrail.lake.look_up_files import write_for_look_ups

SORTED = "sorted-"

_FILE_ROWS = 122_880
_FILE_BYTES = 16 * 1024 * 1024  # unpacked some ten times as many
_SMALL_ROWS = _FILE_ROWS // 2


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did: parts rewritten and left to the next time, files, rows rewritten."""

    parts: int
    left: int
    files_before: int
    files_after: int
    rows: int


def compact_table(engine: DuckDB, log: TableLog) -> Compacted:
    """Compact every partition of the table that needs it; see `Lake.compact`.

    Raises DamagedLake when the rows of the new files are not as many as those of the old ones;
    nothing is committed for that partition then.
    """
    log.refresh()
    by_partition: defaultdict[tuple[str, ...], list[DataFile]] = defaultdict(list)
    for file in log.files():
        by_partition[tuple(file.partition.values())].append(file)
    parts = left = before = after = rows = 0
    for _, files in sorted(by_partition.items()):
        chosen = to_rewrite(files)
        if not chosen:
            continue
        written = _rewrite(engine, log, chosen)
        if not _exchange(log, chosen, written):
            left += 1
            continue
        parts += 1
        before += len(chosen)
        after += len(written)
        rows += sum(file.rows for file in written)
    return Compacted(parts, left, before, after, rows)


def to_rewrite(files: Sequence[DataFile]) -> list[DataFile]:
    """Which `files` of one partition to rewrite together; none when all are sorted and apart.

    These are the files appended since the last time, the sorted files that overlap them in time,
    and a small sorted file just before them, so that a growing day stays in few files while its
    full ones are not written again.
    """
    loose = [file for file in files if not _is_sorted(file)]
    rest = sorted((f for f in files if _is_sorted(f)), key=lambda f: f.last or 0)
    if not loose or any(file.first is None or file.last is None for file in files):
        return [*loose, *rest] if len(files) > 1 and loose else loose
    first = min(file.first or 0 for file in loose)
    last = max(file.last or 0 for file in loose)
    chosen = list(loose)
    while overlapping := [f for f in rest if f not in chosen and f.within(first, last)]:
        chosen += overlapping
        first = min(first, *(file.first or 0 for file in overlapping))
        last = max(last, *(file.last or 0 for file in overlapping))
    before = [f for f in rest if f not in chosen and (f.last or 0) < first]
    if before and before[-1].rows < _SMALL_ROWS:
        chosen.append(before[-1])
    return chosen


def _is_sorted(file: DataFile) -> bool:
    return file.path.rpartition("/")[2].startswith(SORTED)


def _rewrite(engine: DuckDB, log: TableLog, files: Sequence[DataFile]) -> list[WrittenFile]:
    """Write the rows of `files` to sorted files that share no second."""
    rows = sum(file.rows for file in files)
    row_bytes = max(1.0, sum(file.size for file in files) / max(1, rows))
    file_rows = min(_FILE_ROWS, max(2048, int(_FILE_BYTES / row_bytes)))
    scan = parquet_scan(log.absolute(files), {}, ())
    columns = [n for n in log.shape.schema.names if n not in log.shape.partitions]
    select = f"SELECT {', '.join(quoted(n) for n in columns)} FROM {scan}"
    directory = (log.root / files[0].path).parent
    written: list[WrittenFile] = []
    for condition in _pieces(engine, log, scan, file_rows):
        target = directory / f"{SORTED}{uuid.uuid4()}.parquet"
        piece = engine.rows(f"{select} WHERE {condition}{sorting(log.shape)}")
        written.append(write_for_look_ups(piece, target, log.shape, files[0].partition))
    if sum(file.rows for file in written) != rows:
        discard(written)
        raise DamagedLake(
            f"Files of the table {log.shape.name} in {directory.name} hold other numbers of rows "
            "than its log says: run `gridtrail verify`."
        )
    return written


def _pieces(engine: DuckDB, log: TableLog, scan: str, rows: int) -> list[str]:
    """SQL conditions that cut the files at seconds into pieces of at most `rows` rows.

    A single second with more rows than that stays whole.
    """
    if log.shape.order is None:
        return ["true"]
    order = quoted(log.shape.order)
    counts = engine.rows(f"SELECT {order} AS t, count(*) AS n FROM {scan} GROUP BY 1 ORDER BY 1")
    cuts: list[int] = []
    filled = 0
    for second, count in zip(*(counts[c].to_pylist() for c in ("t", "n")), strict=True):
        if filled and filled + count > rows:
            cuts.append(second)
            filled = 0
        filled += count
    lower = ["true", *(f"{order} >= {cut}" for cut in cuts)]
    upper = [*(f"{order} < {cut}" for cut in cuts), "true"]
    return [f"{low} AND {high}" for low, high in zip(lower, upper, strict=True)]


def _exchange(log: TableLog, old: Sequence[DataFile], new: Sequence[WrittenFile]) -> bool:
    """Commit `new` in the place of `old`; False when somebody else has taken one of `old`."""
    paths = {file.path for file in old}

    def step() -> bool:
        log.refresh()
        if not paths <= {file.path for file in log.files()}:
            return False
        log.commit(new, old, data_change=False)
        return True

    try:
        done = attempts(step)
    except Raced:
        done = False
    if not done:
        discard(new)
    return done
