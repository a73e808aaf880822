"""`POST /audit/v1/logs`: events of the organization's own platform into the lake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from gridtrail.errors import SkipRecord
from gridtrail.lake.lake import Lake
from gridtrail.lake.quarantine import quarantine_id
from gridtrail.lake.schema import EVENTS, QUARANTINE, QUARANTINE_TABLE
from gridtrail.server.api.records import Posted
from gridtrail.slack.event import EventFields, read_event

SOURCE = "post"

_BATCH = "_posted"
_EPOCH = date(1970, 1, 1)
_READ = [field.name for field in fields(EventFields)]


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that went to the quarantine, and why (`reason` is a code of SkipRecord)."""

    position: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a body: the three numbers add up to its records."""

    stored: int
    already_there: int
    quarantined: tuple[Refused, ...]

    def answer(self) -> dict[str, Any]:
        """The JSON answer."""
        return {
            "ok": True,
            "stored": self.stored,
            "already_there": self.already_there,
            "quarantined": len(self.quarantined),
            "rejected": [asdict(refused) for refused in self.quarantined],
        }


def store(lake: Lake, org: str, records: Sequence[Posted]) -> Receipt:
    """Put each of `records` into the lake or the quarantine; durable when this returns.

    The quarantine comes first: a crash in between makes the sender repeat the body, which changes
    nothing there. Raises RetryLater as `Lake.append_events` does.
    """
    now = datetime.now(UTC)
    events: list[tuple[Posted, EventFields]] = []
    bad: list[tuple[Posted, SkipRecord]] = []
    for record in records:
        try:
            events.append((record, read_event(record.raw)))
        except SkipRecord as error:
            bad.append((record, error))
    refused = [Refused(record.place, error.reason, str(error)) for record, error in bad]
    rows = [_quarantine_row(org, record, error, now) for record, error in bad]
    lake.append_quarantine(pa.Table.from_pylist(rows, schema=QUARANTINE))
    if not events:
        return Receipt(0, 0, tuple(refused))
    lake.engine.register(_BATCH, _table(org, events, now))
    try:
        appended = lake.append_events(_BATCH)
    finally:
        lake.engine.unregister(_BATCH)
    if appended.conflicts:
        refused += _conflicts(lake, org, [record for record, _ in events])
    return Receipt(appended.stored, appended.already_there, tuple(refused))


def _table(org: str, events: Sequence[tuple[Posted, EventFields]], now: datetime) -> pa.Table:
    count = len(events)
    columns: dict[str, Sequence[Any]] = {
        name: [getattr(event, name) for _, event in events] for name in _READ
    }
    columns |= {
        "org": [org] * count,
        "day": [_EPOCH + timedelta(days=event.date_create // 86400) for _, event in events],
        "raw": [record.raw.decode() for record, _ in events],
        "source": [SOURCE] * count,
        "ingested_at": [now] * count,
    }
    return pa.table({name: columns[name] for name in EVENTS.names}, schema=EVENTS)


def _quarantine_row(org: str, record: Posted, error: SkipRecord, now: datetime) -> dict[str, Any]:
    return {
        "org": org,
        "id": quarantine_id(org, error.reason, record.raw),
        "source": SOURCE,
        "position": record.place,
        "reason": error.reason,
        "message": str(error),
        "raw": record.raw,
        "raw_bytes": len(record.raw),
        "ingested_at": now,
    }


def _conflicts(lake: Lake, org: str, records: Sequence[Posted]) -> list[Refused]:
    """The records whose id another event has: the lake has just put them into the quarantine."""
    ids = [quarantine_id(org, "id_conflict", record.raw) for record in records]
    lake.view(QUARANTINE_TABLE, "_quarantined")
    lake.engine.register("_asked", pa.table({"id": ids}))
    try:
        rows = lake.engine.rows("SELECT id, message FROM _quarantined SEMI JOIN _asked USING (id)")
    finally:
        lake.engine.unregister("_asked")
    messages = {row["id"]: row["message"] for row in rows.to_pylist()}
    return [
        Refused(record.place, "id_conflict", messages[key])
        for key, record in zip(ids, records, strict=True)
        if key in messages
    ]
