"""The quarantine: records that could not become events, each once, with reason and place."""

from __future__ import annotations

import hashlib

import pyarrow as pa

from gridtrail.engine.duckdb import DuckDB, parquet_scan
from gridtrail.lake.files import cast_columns, discard, write_files
from gridtrail.lake.log import Raced, TableLog, attempts
from gridtrail.lake.schema import QUARANTINE

_GIVEN = "_quarantine_given"


def quarantine_id(org: str, reason: str, raw: bytes) -> str:
    """The id of a quarantined record: the same record for the same reason has the same id.

    Hex SHA-256 of the three, with a zero byte between them. `raw` is the whole record, before
    any shortening.
    """
    return hashlib.sha256(b"\0".join((org.encode(), reason.encode(), raw))).hexdigest()


def append_quarantine(engine: DuckDB, quarantine: TableLog, rows: pa.Table) -> int:
    """Store the `rows` (columns of QUARANTINE) whose id is new; see `Lake.append_quarantine`."""

    def step() -> int:
        quarantine.refresh()
        stored = quarantine.absolute(quarantine.files())
        known = f" WHERE id NOT IN (SELECT id FROM {parquet_scan(stored, {}, ())})"
        columns = cast_columns(engine, QUARANTINE)
        query = f"SELECT DISTINCT ON (id) {columns} FROM {_GIVEN}{known if stored else ''}"
        files = write_files(engine, quarantine, query)
        try:
            if files:
                quarantine.commit(files)
        except Raced:
            discard(files)
            raise
        return sum(file.rows for file in files)

    if not rows.num_rows:
        return 0
    engine.register(_GIVEN, rows)
    try:
        return attempts(step)
    finally:
        engine.unregister(_GIVEN)
