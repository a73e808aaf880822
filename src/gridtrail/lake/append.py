"""Append events so that each is stored once.

The batch is compared with the stored events of its own organization and time range, over the
narrow columns alone; what is left is written, forced to the disk and committed together with the
source's checkpoint. When another writer commits in between, the comparison is made again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gridtrail.engine.duckdb import DuckDB, WrittenFile, parquet_scan, quoted
from gridtrail.errors import WrongUse
from gridtrail.lake.files import discard, write_files
from gridtrail.lake.log import Checkpoint, DataFile, Raced, TableLog, attempts, partition_text
from gridtrail.lake.quarantine import append_quarantine
from gridtrail.lake.schema import EVENTS

_CONFLICT_SQL = """
SELECT b.org, sha256(concat(b.org, chr(0), 'id_conflict', chr(0), b.raw)) AS id, b.source,
  concat('event ', b.id) AS position, 'id_conflict' AS reason,
  concat('The id ', b.id, ' is already taken by the event ', r.kept_action, ' of second ',
    r.kept_time, '; this one is ', b.action, ' of second ', b.date_create, '.') AS message,
  encode(b.raw) AS raw, octet_length(encode(b.raw))::BIGINT AS raw_bytes, b.ingested_at
FROM {batch} b JOIN _rejected r ON b.rowid = r.row WHERE r.conflict
"""

# Rows of the batch whose id is stored already. `same` means the same event.
_KNOWN_SQL = """
SELECT b.rowid AS row, NOT bool_or(s.date_create = b.date_create AND s.action = b.action)
    AS conflict, min(s.date_create) AS kept_time, arg_min(s.action, s.date_create) AS kept_action
FROM {batch} b JOIN _stored s ON b.org = s.org AND b.id = s.id GROUP BY b.rowid
"""

# Rows of the batch that share an id with an earlier one of the batch, the id not stored yet.
_DOUBLED_SQL = """
SELECT row, date_create <> kept_time OR action <> kept_action AS conflict, kept_time, kept_action
FROM (
  SELECT rowid AS row, date_create, action, row_number() OVER same_id AS place,
    first_value(date_create) OVER same_id AS kept_time,
    first_value(action) OVER same_id AS kept_action
  FROM {batch}
  WHERE (org, id) IN (SELECT (org, id) FROM {batch} GROUP BY org, id HAVING count(*) > 1)
    AND (org, id) NOT IN (SELECT (org, id) FROM _stored)
  WINDOW same_id AS (PARTITION BY org, id ORDER BY date_create, raw, rowid)
) WHERE place > 1
"""

_RANGE_SQL = """
SELECT org, min(date_create) AS oldest, max(date_create) AS latest, count(*) AS rows,
  count(*) FILTER ({nulls}) AS nulls,
  count(*) FILTER ("day" <> make_date(floor(date_create / 86400)::INTEGER)) AS astray
FROM {batch} GROUP BY org
"""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch: the three numbers add up to its rows.

    `version` is the table's version that holds it.
    """

    stored: int
    already_there: int
    conflicts: int
    version: int


@dataclass(frozen=True, slots=True)
class _Range:
    org: str
    oldest: int
    latest: int
    rows: int


def append_events(
    engine: DuckDB,
    events: TableLog,
    quarantine: TableLog,
    relation: str,
    *,
    checkpoint: Checkpoint | None = None,
    notes: Mapping[str, str] | None = None,
) -> Appended:
    """Store the rows of `relation` that are new; see `Lake.append_events`."""
    batch = relation
    if not engine.is_table(relation):  # a view would be computed anew at each of several readings
        batch = "_batch"
        engine.keep(batch, f"SELECT * FROM {quoted(relation)}")
    try:
        return _Append(engine, events, quarantine, batch).run(checkpoint, notes)
    finally:
        for name in ("_stored", "_rejected", *(["_batch"] if batch != relation else [])):
            engine.drop(name)


class _Append:
    def __init__(self, engine: DuckDB, events: TableLog, quarantine: TableLog, batch: str) -> None:
        self.engine = engine
        self.events = events
        self.quarantine = quarantine
        self.batch = quoted(batch)
        self.shared = engine.is_shared(batch)
        self.ranges = _ranges(engine, self.batch)
        self.rows = sum(found.rows for found in self.ranges)
        self.files: list[WrittenFile] = []
        self.compared: set[str] = set()  # paths of stored files that the batch was compared with
        self.duplicates = self.conflicts = 0

    def run(self, checkpoint: Checkpoint | None, notes: Mapping[str, str] | None) -> Appended:
        def step() -> int:
            self.events.refresh()
            self.compare()
            if not self.files and checkpoint is None:
                return self.events.version
            return self.events.commit(self.files, checkpoint=checkpoint, notes=notes)

        try:
            version = attempts(step)
        except Raced:
            discard(self.files)
            raise
        stored = self.rows - self.duplicates - self.conflicts
        return Appended(stored, self.duplicates, self.conflicts, version)

    def compare(self) -> None:
        """Decide each row's fate against the version last seen, and write what is to be stored.

        After a lost race only the files that are new since then are read, and the files already
        written are kept when none of their rows was stored by somebody else.
        """
        candidates = [f for f in self.candidates() if f.path not in self.compared]
        first = not self.compared and not self.files
        if not self.rows or not (candidates or first):
            return
        stored = self.read_stored(candidates, keep=not first)
        self.compared.update(f.path for f in candidates)
        if first or stored:
            discard(self.files)
            self.files = []
            self.reject()
            if self.duplicates + self.conflicts < self.rows:
                self.files = write_files(
                    self.engine,
                    self.events,
                    self.accepted(),
                    # what is rejected is listed in a table of this session alone
                    shared=self.shared and not self.duplicates + self.conflicts,
                )

    def candidates(self) -> list[DataFile]:
        """Stored files that can hold an event of the batch's organizations and times."""
        return [
            file
            for found in self.ranges
            for file in self.events.files()
            if file.partition["org"] == found.org and file.within(found.oldest, found.latest)
        ]

    def read_stored(self, files: list[DataFile], *, keep: bool) -> int:
        """Add to `_stored` the narrow columns of events in `files` with an id of the batch.

        Returns how many there are.
        """
        columns = "org, id, date_create, action"
        if not keep:
            self.engine.keep("_stored", f"SELECT {columns} FROM {self.batch} WHERE false")
        before = int(self.engine.value("SELECT count(*) FROM _stored"))
        for found in self.ranges:
            paths = self.events.absolute(f for f in files if f.partition["org"] == found.org)
            if not paths:
                continue
            scan = parquet_scan(paths, {"org": "VARCHAR", "day": "DATE"}, ("org", "day"))
            self.engine.command(
                f"INSERT INTO _stored SELECT {columns} FROM {scan} s"
                " WHERE date_create BETWEEN ? AND ?"
                f" AND id IN (SELECT id FROM {self.batch} WHERE org = ?)",
                [found.oldest, found.latest, found.org],
            )
        return int(self.engine.value("SELECT count(*) FROM _stored")) - before

    def reject(self) -> None:
        """Fill `_rejected`, count, and put conflicts into the quarantine.

        The quarantine comes before the commit: a crash in between repeats it without harm, the
        other way round the checkpoint would have passed records that nobody holds.
        """
        known, doubled = (sql.format(batch=self.batch) for sql in (_KNOWN_SQL, _DOUBLED_SQL))
        self.engine.keep("_rejected", f"{known} UNION ALL {doubled}")
        counted = self.engine.rows(
            "SELECT count(*) AS n, count(*) FILTER (conflict) AS conflicts FROM _rejected"
        ).to_pylist()[0]
        self.conflicts = counted["conflicts"]
        self.duplicates = counted["n"] - self.conflicts
        if self.conflicts:
            rows = self.engine.rows(_CONFLICT_SQL.format(batch=self.batch))
            append_quarantine(self.engine, self.quarantine, rows)

    def accepted(self) -> str:
        columns = ", ".join(quoted(name) for name in EVENTS.names)
        query = f"SELECT {columns} FROM {self.batch}"
        if self.duplicates + self.conflicts:
            query += " WHERE rowid NOT IN (SELECT row FROM _rejected)"
        return query


def _ranges(engine: DuckDB, batch: str) -> list[_Range]:
    """Organizations and their time ranges in the batch.

    Raises WrongUse when a row breaks the shape of events.
    """
    nulls = " OR ".join(f"{quoted(f.name)} IS NULL" for f in EVENTS if not f.nullable)
    found = engine.rows(_RANGE_SQL.format(batch=batch, nulls=nulls)).to_pylist()
    if any(row["nulls"] for row in found):
        raise WrongUse(
            "The batch holds events without id, time, action, raw text or source: put them into "
            "the quarantine instead."
        )
    if any(row["astray"] for row in found):
        raise WrongUse(
            "The batch holds events whose day is not the UTC day of date_create: derive it."
        )
    return [
        _Range(partition_text(row["org"]), row["oldest"], row["latest"], row["rows"])
        for row in found
    ]
