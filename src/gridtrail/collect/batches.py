"""A batch of records to a table of events in the engine, and the rest to the quarantine."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gridtrail.collect import brackets, columns
from gridtrail.collect.envelopes import unwrap
from gridtrail.collect.records import KEPT_BYTES, Cut, Records
from gridtrail.collect.splitting import BOM
from gridtrail.engine.duckdb import DuckDB, literal
from gridtrail.errors import SkipRecord
from gridtrail.lake.quarantine import quarantine_id
from gridtrail.lake.schema import EVENTS, QUARANTINE
from gridtrail.slack.event import EventFields, read_event
from gridtrail.slack.strict_json import MAX_DEPTH

TABLE = "_import_events"
"""The engine's table with the events of the batch read last; all columns of EVENTS and more."""

_RECORDS = "_import_records"
_SLOW = "_import_slow"
_ENGINE_ROWS = 8192  # rows of one Arrow batch; the engine's threads share a table by its batches
_MAX_SHAPES = 100_000  # remembered; a log with more of them is read more slowly
_MAX_LAYERS = 3  # of wrappings around an event
_SMALLEST = 13  # bytes; Arrow keeps shorter text elsewhere, and no event is that short
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
        self._shapes: dict[int, bool] = {}

    def read(self, records: Records, *, origin: str) -> Batch:
        """Fill TABLE with the events of `records`, replacing what it held."""
        batch = Batch(origin, datetime.now(UTC))
        base = 0
        for layer_number in range(_MAX_LAYERS + 1):
            layer = _Layer()
            for i in self._fast(records, batch, base):
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

    # the fast way

    def _fast(self, records: Records, batch: Batch, base: int) -> list[int]:
        """Put the plain ones of `records` into TABLE; the numbers of the others, in order."""
        fit = self._fit(records)
        self._register(records, np.flatnonzero(fit), base)
        sql = (
            f"SELECT *, {literal(self._org)} AS org, {literal(self._source)} AS source, "
            f"{literal(batch.now.isoformat())}::TIMESTAMPTZ AS ingested_at "
            f"FROM ({columns.events_sql(_RECORDS)})"
        )
        try:
            if base == 0:
                self._engine.keep(TABLE, sql)
            else:
                self._engine.command(f"INSERT INTO {TABLE} BY NAME {sql}")
            taken = self._take_out(base, self._bad_shapes(base))
        finally:
            self._engine.unregister(_RECORDS)
        return sorted([*np.flatnonzero(~fit).tolist(), *(row - base for row in taken)])

    def _fit(self, records: Records) -> npt.NDArray[np.bool_]:
        """Which records the engine may see: UTF-8, neither long nor deep nor tiny."""
        length = records.ends - records.starts
        opening = brackets.openings(records.buffer)
        depth = np.searchsorted(opening, records.ends) - np.searchsorted(opening, records.starts)
        fit: npt.NDArray[np.bool_] = (length >= _SMALLEST) & (length <= self._limit)
        fit &= depth <= MAX_DEPTH
        if not _is_utf8(records.buffer):
            for i in np.flatnonzero(fit).tolist():
                fit[i] = _is_utf8(records.raw(i))
        return fit

    def _register(self, records: Records, rows: npt.NDArray[np.int64], base: int) -> None:
        # Arrow's "string view": length, first four bytes, buffer, offset; no byte is copied
        views = np.zeros((len(rows), 4), np.int32)
        starts = records.starts[rows]
        views[:, 0] = records.ends[rows] - starts
        prefix = np.frombuffer(records.buffer, np.uint8)[starts[:, None] + np.arange(4)]
        views[:, 1] = np.ascontiguousarray(prefix).view(np.int32).reshape(-1)
        views[:, 3] = starts
        buffers = [None, pa.py_buffer(views), pa.py_buffer(records.buffer)]
        text = pa.Array.from_buffers(pa.string_view(), len(rows), buffers)
        table = pa.table({"row": rows + base, "raw": text})
        batches = table.to_batches(_ENGINE_ROWS)
        self._engine.register(_RECORDS, pa.Table.from_batches(batches, table.schema))

    def _bad_shapes(self, base: int) -> list[int]:
        """The shapes in TABLE, from row `base`, that are not plain; new ones are judged."""
        found = self._engine.rows(
            f"SELECT shape, min(row) AS row FROM {TABLE} "
            f"WHERE NOT odd AND row >= {base} GROUP BY shape"
        ).to_pylist()
        if len(self._shapes) > _MAX_SHAPES:
            self._shapes.clear()
        new = {one["row"]: one["shape"] for one in found if one["shape"] not in self._shapes}
        if new:
            listed = ", ".join(map(str, new))
            chosen = f"(SELECT * FROM {_RECORDS} WHERE row IN ({listed}))"
            for seen in self._engine.rows(columns.shapes_sql(chosen)).to_pylist():
                shape = new[seen.pop("row")]
                self._shapes[shape] = columns.judge(**seen)
        return [one["shape"] for one in found if not self._shapes[one["shape"]]]

    def _take_out(self, base: int, bad_shapes: list[int]) -> list[int]:
        """Remove what is not plain from TABLE, from row `base`; the rows removed."""
        listed = ", ".join(map(str, bad_shapes))
        which = f"row >= {base} AND (odd{f' OR shape IN ({listed})' if listed else ''})"
        taken: list[int] = self._engine.rows(f"SELECT row FROM {TABLE} WHERE {which}")[
            "row"
        ].to_pylist()
        if taken:
            self._engine.command(f"DELETE FROM {TABLE} WHERE {which}")
        return taken

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


def _is_utf8(data: bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
