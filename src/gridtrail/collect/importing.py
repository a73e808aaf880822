"""Files into the lake: nothing lost, nothing twice, and the numbers to show it."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from gridtrail.collect.batches import TABLE, Batch, BatchReader, quarantine_table
from gridtrail.collect.files import Source
from gridtrail.collect.records import Cut, Records
from gridtrail.collect.splitting import Splitter
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import Checkpoint
from gridtrail.settings import Settings
from gridtrail.slack.catalogue import is_known

STDIN = "-"

Progress = Callable[[int, int | None, int], None]
"""Called now and then with bytes done (as stored, so compressed), all bytes or None when that is
not known, and records read so far; over all files together."""


@dataclass(slots=True)
class Counts:
    """What became of records: `read` = `stored` + `already_there` + `quarantined`.

    `conflicts` are those in quarantine because their id belongs to another event.
    """

    read: int = 0
    stored: int = 0
    already_there: int = 0
    quarantined: int = 0
    conflicts: int = 0

    def add(self, other: Counts) -> None:
        """Add the numbers of `other`."""
        self.read += other.read
        self.stored += other.stored
        self.already_there += other.already_there
        self.quarantined += other.quarantined
        self.conflicts += other.conflicts


@dataclass(slots=True)
class FileReport:
    """One file: its counts, its bytes as stored, and one sentence when it is not whole."""

    name: str
    counts: Counts = field(default_factory=Counts)
    bytes: int = 0
    incomplete: str | None = None


@dataclass(slots=True)
class ImportReport:
    """All files of one import. `unknown_actions` counts the events of each name that is not in
    Slack's catalogue; `reasons` the quarantined records of each reason."""

    files: list[FileReport] = field(default_factory=list)
    unknown_actions: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def total(self) -> Counts:
        """The counts of all files together."""
        total = Counts()
        for file in self.files:
            total.add(file.counts)
        return total

    @property
    def bytes(self) -> int:
        """Bytes read of all files, as stored."""
        return sum(file.bytes for file in self.files)

    @property
    def incomplete(self) -> list[FileReport]:
        """The files that are not whole."""
        return [file for file in self.files if file.incomplete]

    @property
    def exit_code(self) -> int:
        """1 when a file is incomplete or a record went to the quarantine, else 0."""
        return int(bool(self.incomplete) or self.total.quarantined > 0)


def import_files(
    paths: Sequence[Path | str],
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    *,
    org: str,
    source: str = "import",
    on_progress: Progress | None = None,
) -> ImportReport:
    """Store the audit events in the files `paths` ("-" is standard input) for `org`.

    Each batch is one commit. After a crash the same call finishes the work: what is stored
    already is recognised by its id.

    Raises WrongUse before anything is read when a file is not there, and what
    `Lake.append_events` raises.
    """
    began = time.monotonic()
    for path in paths:
        if str(path) != STDIN and not Path(path).is_file():
            raise WrongUse(f"There is no file {str(path)!r}: check the name.")
    run = _Run(lake, engine, settings, org, source, on_progress, _all_bytes(paths))
    for path in paths:
        run.import_file(str(path))
    run.report.seconds = time.monotonic() - began
    return run.report


def _all_bytes(paths: Sequence[Path | str]) -> int | None:
    if any(str(path) == STDIN for path in paths):
        return None
    return sum(Path(path).stat().st_size for path in paths)


class _Run:
    def __init__(
        self,
        lake: Lake,
        engine: DuckDB,
        settings: Settings,
        org: str,
        source: str,
        on_progress: Progress | None,
        all_bytes: int | None,
    ) -> None:
        self.report = ImportReport()
        self._lake, self._engine, self._settings = lake, engine, settings.imports
        self._on_progress, self._all_bytes = on_progress, all_bytes
        self._reader = BatchReader(
            engine, org=org, source=source, max_record_bytes=settings.imports.max_record_bytes
        )

    def import_file(self, name: str) -> None:
        file = FileReport("stdin" if name == STDIN else _printable(name))
        self.report.files.append(file)
        identity = _identity(name)
        with _opened(name) as stream:
            source = Source(stream)
            splitter = Splitter(self._settings.max_record_bytes)
            for piece in _ahead(_pieces(source, splitter, self._settings.batch_bytes)):
                file.bytes = source.read_bytes
                self._store(piece, file, identity)
            file.bytes = source.read_bytes
            self._finish(file, source, splitter, identity)
        self._progress()

    def _finish(self, file: FileReport, source: Source, splitter: Splitter, identity: str) -> None:
        if source.damage is not None:
            file.incomplete = source.damage
            note = Cut(f"byte {source.damage_at}", "truncated", source.damage)
            note.add(f"{file.name}: {source.damage}".encode())
            self._store(note, file, identity)
        elif splitter.unclosed:
            file.incomplete = "The file ends inside of a record: get it again and import it anew."

    def _store(self, piece: Records | Cut, file: FileReport, identity: str) -> None:
        if isinstance(piece, Cut):
            batch = self._reader.cut(piece, origin=file.name)
        else:
            batch = self._reader.read(piece, origin=file.name)
        counts = Counts(read=batch.records, quarantined=len(batch.quarantine))
        # the quarantine comes first: a crash in between then repeats it without harm
        self._lake.append_quarantine(quarantine_table(batch))
        if batch.events:
            self._count_actions()
            checkpoint = Checkpoint(f"import/{identity}", file.counts.read + batch.records)
            appended = self._lake.append_events(TABLE, checkpoint=checkpoint)
            counts.stored, counts.already_there = appended.stored, appended.already_there
            counts.conflicts = appended.conflicts
            counts.quarantined += appended.conflicts
        self._engine.drop(TABLE)
        self._note_reasons(batch, counts.conflicts)
        file.counts.add(counts)
        self._progress()

    def _note_reasons(self, batch: Batch, conflicts: int) -> None:
        self.report.reasons.update(row["reason"] for row in batch.quarantine)
        if conflicts:
            self.report.reasons["id_conflict"] += conflicts

    def _count_actions(self) -> None:
        found = self._engine.rows(f"SELECT action, count(*) AS n FROM {TABLE} GROUP BY action")
        for row in found.to_pylist():
            if not is_known(row["action"]):
                self.report.unknown_actions[row["action"]] += row["n"]

    def _progress(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.report.bytes, self._all_bytes, self.report.total.read)


def _pieces(source: Source, splitter: Splitter, size: int) -> Iterator[Records | Cut]:
    # map keeps no block alive while its records are worked on, as a loop variable would
    for pieces in map(splitter.feed, source.blocks(size)):
        yield from pieces
    yield from splitter.finish()


def _printable(name: str) -> str:
    """A file name may hold bytes that are not UTF-8; the lake keeps text."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _identity(name: str) -> str:
    """A name for the checkpoint: the same for the same file, whatever the working directory."""
    if name == STDIN:
        return "stdin"
    path = Path(name).resolve()
    stat = path.stat()
    text = f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    with Path(name).open("rb", buffering=0) as stream:
        yield stream


def _ahead(pieces: Iterator[Records | Cut]) -> Iterator[Records | Cut]:
    """`pieces`, each read and split in a thread while the one before it is stored."""
    with ThreadPoolExecutor(1, "import") as thread:
        coming = thread.submit(next, pieces, None)
        while (piece := coming.result()) is not None:
            coming = thread.submit(next, pieces, None)
            yield piece
