"""What rules keep in the lake: their hits, and how far each day was decided.

A day's hits take the place of what an earlier run wrote for that day, in one commit; the table
`rule_progress` is written last. So a run may die at any moment and is simply repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from gridtrail.detect.state import Decided, Progress
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.schema import TableShape

RULE_HITS = TableShape(
    "rule_hits",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("day", pa.date32(), nullable=False),  # UTC day of `at`
            pa.field("id", pa.string(), nullable=False),  # 32 hex digits: org, rule, event, group
            pa.field("rule_id", pa.string(), nullable=False),  # the rule's UUID, or its name
            pa.field("rule", pa.string(), nullable=False),  # the rule's name
            pa.field("rule_version", pa.string(), nullable=False),
            pa.field("title", pa.string(), nullable=False),
            pa.field("level", pa.string(), nullable=False),  # informational … critical
            pa.field("at", pa.int64(), nullable=False),  # seconds, of the deciding event
            pa.field("event_id", pa.string(), nullable=False),  # the deciding event
            pa.field("event_ids", pa.list_(pa.string()), nullable=False),  # in order of time
            pa.field("subject", pa.string()),  # app or person of the deciding event
            pa.field("actor_id", pa.string()),
            pa.field("session_id", pa.string()),
            pa.field("ip", pa.string()),
            pa.field("grouped", pa.string(), nullable=False),  # JSON: field of group-by → value
        ]
    ),
    ("org", "day"),
    order="at",
)
PROGRESS = TableShape(
    "rule_progress",
    pa.schema(
        [
            pa.field("org", pa.string(), nullable=False),
            pa.field("day", pa.date32(), nullable=False),
            pa.field("rows", pa.int64(), nullable=False),  # events of the day when it was decided
            pa.field("decided_to", pa.int64(), nullable=False),  # seconds
            pa.field("waiting", pa.bool_(), nullable=False),  # it had later events than that
        ]
    ),
    ("org",),
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One row of RULE_HITS; `at` in seconds."""

    org: str
    id: str
    rule_id: str
    rule: str
    rule_version: str
    title: str
    level: str
    at: int
    event_id: str
    event_ids: Sequence[str]
    subject: str | None
    actor_id: str | None
    session_id: str | None
    ip: str | None
    grouped: str  # JSON


def read_progress(lake: Lake, engine: DuckDB, org: str) -> Progress:
    """How far the rules have decided the days of `org`."""
    lake.view(PROGRESS, "_rule_progress", org=org)
    progress = Progress()
    for row in engine.rows("SELECT * FROM _rule_progress").to_pylist():
        progress.days[row["day"]] = Decided(
            row["rows"], row["decided_to"], row["waiting"], frozenset()
        )
    return progress


def write_progress(lake: Lake, org: str, progress: Progress) -> None:
    """Publish it, in one commit."""
    rows = [
        {"org": org, "day": day, "rows": one.rows, "decided_to": one.to, "waiting": one.waiting}
        for day, one in sorted(progress.days.items())
    ]
    table = pa.Table.from_pylist(rows, schema=PROGRESS.schema)
    lake.write(PROGRESS, table, replace={"org": org})


def hits_of(rows: pa.Table) -> list[Hit]:
    """Rows with the columns of RULE_HITS, by time."""
    found = [Hit(**{k: v for k, v in r.items() if k != "day"}) for r in rows.to_pylist()]
    return sorted(found, key=lambda hit: (hit.at, hit.rule, hit.event_id, hit.grouped))
