"""The columns of the lake's tables.

`events` holds one row an audit event, partitioned by organization and UTC day. The typed columns
are for looking and detecting; `raw` is the event's bytes as they came and is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")

EVENTS = pa.schema(
    [
        pa.field("org", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("date_create", pa.int64(), nullable=False),  # seconds since the epoch, UTC
        pa.field("day", pa.date32(), nullable=False),  # UTC day of date_create
        pa.field("action", pa.string(), nullable=False),
        pa.field("actor_type", pa.string()),
        pa.field("actor_id", pa.string()),
        pa.field("actor_name", pa.string()),
        pa.field("actor_email", pa.string()),
        pa.field("actor_team", pa.string()),
        pa.field("entity_type", pa.string()),
        pa.field("entity_id", pa.string()),
        pa.field("entity_name", pa.string()),
        pa.field("location_type", pa.string()),
        pa.field("location_id", pa.string()),
        pa.field("location_domain", pa.string()),
        pa.field("ua", pa.string()),
        pa.field("ip", pa.string()),
        pa.field("session_id", pa.string()),  # number, text or null in Slack; text or null here
        pa.field("app_id", pa.string()),
        pa.field("reasons", pa.list_(pa.string())),  # anomalies only, else null
        pa.field("details", pa.string()),  # JSON text or null
        pa.field("raw", pa.string(), nullable=False),  # the event's bytes as they came (UTF-8)
        pa.field("source", pa.string(), nullable=False),  # slack, gridtrail, import or post
        pa.field("ingested_at", TIMESTAMP, nullable=False),
    ]
)
"""One row an audit event. Empty text from Slack (`ip_address: ""`) is null here, kept in `raw`."""

QUARANTINE = pa.schema(
    [
        pa.field("org", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),  # hex SHA-256 of org, reason and raw
        pa.field("source", pa.string(), nullable=False),  # file name, "stdin", or the far side
        pa.field("position", pa.string(), nullable=False),  # "line 17", "entries[3]", "byte 4096"
        pa.field("reason", pa.string(), nullable=False),  # a code of errors.SkipRecord
        pa.field("message", pa.string(), nullable=False),
        pa.field("raw", pa.binary(), nullable=False),  # the bytes as they came, maybe shortened
        pa.field("raw_bytes", pa.int64(), nullable=False),  # their number before shortening
        pa.field("ingested_at", TIMESTAMP, nullable=False),
    ]
)
"""One row a record that could not become an event, with the reason and the place."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """What a table of the lake is made of; `partitions` are columns of `schema`.

    `order` is an int64 column by which the rows of a file are sorted (text `id` after it, where
    there is one); the log keeps its bounds for each file, so that readers open only those in range.
    In compacted files the columns `looked_up` have Bloom filters, and only those in `repeated`,
    which hold few different values, have dictionaries (empty: all have).
    """

    name: str
    schema: pa.Schema
    partitions: tuple[str, ...] = ()
    order: str | None = None
    looked_up: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()


EVENTS_TABLE = TableShape(
    "events",
    EVENTS,
    partitions=("org", "day"),
    order="date_create",
    looked_up=("id", "actor_id", "entity_id", "ip", "session_id"),
    repeated=(
        "action", "actor_type", "actor_team", "entity_type", "location_type", "location_id",
        "location_domain", "ua", "app_id", "source",
    ),
)  # fmt: skip
QUARANTINE_TABLE = TableShape("quarantine", QUARANTINE)
