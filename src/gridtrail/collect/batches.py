"""A batch of records to a table of events in the engine, and the rest to the quarantine."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from gridtrail.collect.envelopes import unwrap
from gridtrail.collect.fast import TABLE as TABLE
from gridtrail.collect.fast import FastReader
from gridtrail.collect.records import KEPT_BYTES, Cut, Records
from gridtrail.collect.splitting import BOM
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import SkipRecord
from gridtrail.lake.quarantine import quarantine_id
from gridtrail.lake.schema import EVENTS, QUARANTINE
from gridtrail.slack.event import EventFields, read_event

_SLOW = "_import_slow"
_MAX_LAYERS = 3  # of wrappings around an event
_EPOCH = date(1970, 1, 1)

# An object that lacks these may wrap an event; what is broken otherwise is no wrapping.
_MAY_WRAP = {"no_id", "no_action", "no_time", "bad_field", "bad_time", "not_an_object", "not_json"}


@dataclass(slots=True)
class Batch:
    """What became of a batch of records: `records` = `events` + rows of the quarantine."""

    origin: str  # the file's name, for quarantine rows
    now: datetime
    records: int = 0
    events: int = 0
    slow: list[dict[str, Any]] = field(default_factory=list)  # rows of EVENTS
    quarantine: list[dict[str, Any]] = field(default_factory=list)  # rows of QUARANTINE


@dataclass(slots=True)
class _Layer:
    """Records that came out of others, with their place and what was around them."""

    items: list[bytes] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    outer: list[bytes] = field(default_factory=list)

    def add(self, found: list[tuple[str, bytes]], place: str, outer: bytes) -> None:
        for where, item in found:
            self.items.append(item)
            self.places.append(f"{place}, {where}" if where else place)
            # of many records each is its own evidence, of a single one its envelope
            self.outer.append(item if where else outer)


class BatchReader:
    """Records to events: plain ones by one query, the others by the reference reader.

    `org` and `source` go into every row; a record longer than `max_record_bytes` is refused
    unless it wraps others.
    """

    def __init__(self, engine: DuckDB, *, org: str, source: str, max_record_bytes: int) -> None:
        self._engine = engine
        self._org, self._source = org, source
        self._limit = max_record_bytes
        self._fast = FastReader(engine, org=org, source=source, max_record_bytes=max_record_bytes)

    def read(self, records: Records, *, origin: str) -> Batch:
        """Fill TABLE with the events of `records`, replacing what it held."""
        batch = Batch(origin, datetime.now(UTC))
        base = 0
        for layer_number in range(_MAX_LAYERS + 1):
            layer = _Layer()
            for i in self._fast.read(records, batch.now, base):
                self._slowly(records, i, batch, layer, open_it=layer_number < _MAX_LAYERS)
            base += len(records)
            if not layer.items:
                break
            records = Records.of(layer.items, layer.places, layer.outer)
        self._insert_slow(batch)
        batch.events = int(self._engine.value(f"SELECT count(*) FROM {TABLE}"))
        batch.records = batch.events + len(batch.quarantine)
        return batch

    def cut(self, cut: Cut, *, origin: str) -> Batch:
        """The batch of one record that is not there whole."""
        batch = Batch(origin, datetime.now(UTC), records=1)
        message = cut.message or self._too_large(cut.size)
        identity = cut.digest.digest() if cut.size > len(cut.head) else cut.head
        row = self._quarantined(batch, cut.place, SkipRecord(cut.reason, message), cut.head)
        row |= {"id": quarantine_id(self._org, cut.reason, identity), "raw_bytes": cut.size}
        return batch

    # the reference reader

    def _slowly(
        self, records: Records, i: int, batch: Batch, layer: _Layer, *, open_it: bool
    ) -> None:
        raw, place = records.raw(i), records.place(i)
        plain = raw.removeprefix(BOM)  # files that were joined have one in their midst
        if not plain.strip():
            return
        try:
            batch.slow.append(self._row(self._read_one(plain), plain, batch.now))
        except SkipRecord as problem:
            inside = self._opened(plain, problem) if open_it else None
            if inside is None:
                outer = raw if records.outer is None else records.outer[i]
                self._quarantined(batch, place, problem, outer)
            else:
                layer.add(inside, place, raw)

    def _read_one(self, raw: bytes) -> EventFields:
        if len(raw) > self._limit:
            raise SkipRecord("too_large", self._too_large(len(raw)))
        return read_event(raw)

    def _opened(self, raw: bytes, problem: SkipRecord) -> list[tuple[str, bytes]] | None:
        if problem.reason in _MAY_WRAP:
            return unwrap(raw, is_json=problem.reason != "not_json")
        return unwrap(raw, is_json=False) if problem.reason == "too_large" else None

    def _row(self, fields: EventFields, raw: bytes, now: datetime) -> dict[str, Any]:
        return asdict(fields) | {
            "org": self._org,
            "day": _EPOCH + timedelta(seconds=fields.date_create),
            "raw": raw.decode(),
            "source": self._source,
            "ingested_at": now,
        }

    def _quarantined(
        self, batch: Batch, place: str, problem: SkipRecord, raw: bytes
    ) -> dict[str, Any]:
        row = {
            "org": self._org,
            "id": quarantine_id(self._org, problem.reason, raw),
            "source": batch.origin,
            "position": place,
            "reason": problem.reason,
            "message": str(problem),
            "raw": raw[:KEPT_BYTES],
            "raw_bytes": len(raw),
            "ingested_at": batch.now,
        }
        batch.quarantine.append(row)
        return row

    def _too_large(self, size: int) -> str:
        return (
            f"It has {size} bytes, more than {self._limit}: raise imports.max_record_bytes or "
            "drop the record."
        )

    def _insert_slow(self, batch: Batch) -> None:
        if not batch.slow:
            return
        self._engine.register(_SLOW, pa.Table.from_pylist(batch.slow, EVENTS))
        try:
            self._engine.command(f"INSERT INTO {TABLE} BY NAME SELECT * FROM {_SLOW}")
        finally:
            self._engine.unregister(_SLOW)


def quarantine_table(batch: Batch) -> pa.Table:
    """The quarantine rows of `batch` as the lake wants them."""
    return pa.Table.from_pylist(batch.quarantine, QUARANTINE)
