"""Listing what was found and not said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa

from gridtrail.detect.state import SILENCED
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake


def test_silenced(gridtrail: Callable[..., Any], data: Path) -> None:
    """What was silenced is listed, the newest first, with the reason."""
    engine = DuckDB(threads=1)
    days = [dt.date(2026, 11, 17), dt.date(2026, 11, 18)]
    rows = [
        {"org": "E0ONE", "day": day, "at": number, "detector": "tor", "subject": "W1"}
        | {"event_id": f"e{number}", "why": why, "score_millinats": 1, "words": "Odd."}
        for number, (day, why) in enumerate(zip(days, ["budget", "allowed: x"], strict=True))
    ]
    table = pa.Table.from_pylist(rows, schema=SILENCED.schema)
    Lake(data / "lake", engine).write(SILENCED, table)
    engine.close()
    result = gridtrail("detect", "--silenced", "--format", "ndjson")

    assert [(row["event_id"], row["why"]) for row in result.rows] == [
        ("e1", "allowed: x"),
        ("e0", "budget"),
    ]
    assert "2 silenced anomalies" in result.err
