"""Details of single actions."""

from __future__ import annotations

import pyarrow as pa

from gridtrail.detect.contract import arrow_schema
from gridtrail.detect.day import RAW_DAY
from gridtrail.detect.details import details_of
from gridtrail.engine.duckdb import DuckDB


def test_only_the_actions_asked_for(engine: DuckDB) -> None:
    """Events with one of the actions and with details are there, no others."""
    rows = [
        {"id": "a", "date_create": 1, "action": "file_shared", "details": '{"channel":"C1"}'},
        {"id": "b", "date_create": 2, "action": "file_shared", "details": None},
        {"id": "c", "date_create": 3, "action": "user_login", "details": "{}"},
    ]
    full = [{column: row.get(column) for column in RAW_DAY} for row in rows]
    engine.register("day_raw", pa.Table.from_pylist(full, schema=arrow_schema(RAW_DAY)))
    found = engine.rows(details_of("file_shared", "canvas_shared")).to_pylist()
    engine.unregister("day_raw")
    assert found == [{"details_id": "a", "details_at": 1, "details": '{"channel":"C1"}'}]
