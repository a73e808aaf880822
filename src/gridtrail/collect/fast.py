"""Records to a table of events in the engine, without a look at each: the quick two of three ways.

Plain records go through `plain`, what is left through `columns`, and what neither takes is named
for the reference reader.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa

from gridtrail.collect import columns, plain
from gridtrail.collect.brackets import Positions
from gridtrail.collect.escapes import spelt_out
from gridtrail.collect.records import Records
from gridtrail.engine.duckdb import DuckDB, literal
from gridtrail.slack.strict_json import MAX_DEPTH

TABLE = "_import_events"
"""The engine's table with the events of the batch read last; all columns of EVENTS and more."""

_RECORDS = "_import_records"
_REST = "_import_rest"
_ENGINE_ROWS = 8192  # rows of one Arrow batch; the engine's threads share a table by its batches
_MAX_REMEMBERED = 100_000  # shapes and apps; a log with more of them is read more slowly
_PROBE = 1024  # records that show whether a file is written as Slack writes
_SMALLEST = 13  # bytes; Arrow keeps shorter text elsewhere, and no event is that short


class FastReader:
    """Fills TABLE; `org` and `source` go into every row."""

    def __init__(self, engine: DuckDB, *, org: str, source: str, max_record_bytes: int) -> None:
        self._engine = engine
        self._org, self._source = org, source
        self._limit = max_record_bytes
        self._mostly_plain = False  # the records tried last
        self._apps: dict[int, bool] = {}
        self._shapes: dict[int, bool] = {}

    def read(self, records: Records, now: datetime, base: int) -> list[int]:
        """Put what it can of `records` into TABLE; the numbers of the others, in order.

        Base 0 makes TABLE anew; otherwise rows are added, whose column `row` starts from `base`.
        """
        fit = self._fit(records)
        rest = self._plain(records, np.flatnonzero(fit), now, base)
        kept = self._by_shape(records, self._shallow(records, rest), now, base)
        left = ~fit
        left[rest] = True
        left[kept] = False
        held = int(self._engine.value(f"SELECT count(*) FROM {TABLE} WHERE row >= {base}"))
        if held + int(np.count_nonzero(left)) != len(records):
            raise RuntimeError(f"{len(records)} records went in, {held} and {left.sum()} came out.")
        return np.flatnonzero(left).tolist()

    def _fit(self, records: Records) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which records the engine may see: UTF-8, neither long nor tiny."""
        length = records.ends - records.starts
        fit: np.ndarray[tuple[int], np.dtype[np.bool_]]
        fit = (length >= _SMALLEST) & (length <= self._limit)
        if not _is_utf8(records.buffer):
            for i in np.flatnonzero(fit).tolist():
                fit[i] = _is_utf8(records.raw(i))
        return fit

    def _shallow(self, records: Records, rows: Positions) -> Positions:
        """Those of `rows` that do not nest too deep."""
        raws = (records.raw(i) for i in rows.tolist())
        shallow = [raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH for raw in raws]
        return rows[np.array(shallow, np.bool_)]

    def _plain(self, records: Records, rows: Positions, now: datetime, base: int) -> Positions:
        """Put the plain ones of `rows` into TABLE; the others.

        Where most records lately were not plain, a few are tried first, and the rest only when
        those are: what another program wrote anew is then not read in vain.
        """
        tries = [rows] if self._mostly_plain else [rows[:_PROBE], rows[_PROBE:]]
        left = [self._try_plain(records, tries[0], now, base, anew=base == 0)]
        for more in tries[1:]:
            if self._mostly_plain and len(more):
                left.append(self._try_plain(records, more, now, base, anew=False))
            else:
                left.append(more)
        return np.sort(np.concatenate(left))

    def _try_plain(
        self, records: Records, rows: Positions, now: datetime, base: int, *, anew: bool
    ) -> Positions:
        size = spelt_out(records.buffer, records.starts, records.ends)[rows]
        tried = size >= 0
        self._register(records, rows[tried], base, size=size[tried])
        try:
            # no TEMP: the lake writes its files in several sessions at once
            make = f"CREATE OR REPLACE TABLE {TABLE} AS"
            into = make if anew else f"INSERT INTO {TABLE} BY NAME"
            whole, damaged = (
                f"{into} {self._selected(plain.events_sql(_RECORDS, damaged=damaged), now)}"
                for damaged in (False, True)
            )
            if not self._engine.try_command(whole):
                self._engine.command(damaged)
        finally:
            self._engine.unregister(_RECORDS)
        which = f"row >= {base} AND (NOT plain"
        bad = self._bad_apps(records, base)
        which += f" OR app IN ({', '.join(map(str, bad))}))" if bad else ")"
        odd = self._engine.rows(f"SELECT row FROM {TABLE} WHERE {which}")["row"].to_numpy() - base
        if len(odd):
            self._engine.command(f"DELETE FROM {TABLE} WHERE {which}")
        self._mostly_plain = len(odd) + int(np.count_nonzero(~tried)) <= len(rows) // 2
        return np.concatenate([rows[~tried], odd])

    def _bad_apps(self, records: Records, base: int) -> list[int]:
        found = self._engine.rows(
            f"SELECT app, min(row) AS row FROM {TABLE} "
            f"WHERE row >= {base} AND plain AND app IS NOT NULL GROUP BY app"
        ).to_pylist()
        if len(self._apps) > _MAX_REMEMBERED:
            self._apps.clear()
        for one in found:
            if one["app"] not in self._apps:
                self._apps[one["app"]] = plain.judge_app(records.raw(one["row"] - base))
        return [one["app"] for one in found if not self._apps[one["app"]]]

    def _by_shape(self, records: Records, rows: Positions, now: datetime, base: int) -> Positions:
        """Add those of `rows` to TABLE whose shape is good; these."""
        if not len(rows):
            return rows
        self._register(records, rows, base)
        try:
            self._engine.keep(_REST, self._selected(columns.events_sql(_RECORDS), now))
            bad = self._bad_shapes()
        finally:
            self._engine.unregister(_RECORDS)
        good = "NOT odd" + (f" AND shape NOT IN ({', '.join(map(str, bad))})" if bad else "")
        names = "* EXCLUDE (shape, odd), NULL::UBIGINT AS app, false AS plain"
        self._engine.command(
            f"INSERT INTO {TABLE} BY NAME SELECT {names} FROM {_REST} WHERE {good}"
        )
        kept: Positions = self._engine.rows(f"SELECT row FROM {_REST} WHERE {good}")[
            "row"
        ].to_numpy()
        self._engine.drop(_REST)
        return kept - base

    def _bad_shapes(self) -> list[int]:
        """The shapes in _REST that are not good; new ones are judged."""
        found = self._engine.rows(
            f"SELECT shape, min(row) AS row FROM {_REST} WHERE NOT odd GROUP BY shape"
        ).to_pylist()
        if len(self._shapes) > _MAX_REMEMBERED:
            self._shapes.clear()
        new = {one["row"]: one["shape"] for one in found if one["shape"] not in self._shapes}
        if new:
            listed = ", ".join(map(str, new))
            chosen = f"(SELECT * FROM {_RECORDS} WHERE row IN ({listed}))"
            for seen in self._engine.rows(columns.shapes_sql(chosen)).to_pylist():
                shape = new[seen.pop("row")]
                self._shapes[shape] = columns.judge(**seen)
        return [one["shape"] for one in found if not self._shapes[one["shape"]]]

    def _selected(self, sql: str, now: datetime) -> str:
        return (
            f"SELECT *, {literal(self._org)} AS org, {literal(self._source)} AS source, "
            f"{literal(now.isoformat())}::TIMESTAMPTZ AS ingested_at FROM ({sql})"
        )

    def _register(self, records: Records, rows: Positions, base: int, **others: Positions) -> None:
        # Arrow's "string view": length, first four bytes, buffer, offset; no byte is copied
        views = np.zeros((len(rows), 4), np.int32)
        starts = records.starts[rows]
        views[:, 0] = records.ends[rows] - starts
        prefix = np.frombuffer(records.buffer, np.uint8)[starts[:, None] + np.arange(4)]
        views[:, 1] = np.ascontiguousarray(prefix).view(np.int32).reshape(-1)
        views[:, 3] = starts
        buffers = [None, pa.py_buffer(views), pa.py_buffer(records.buffer)]
        text = pa.Array.from_buffers(pa.string_view(), len(rows), buffers)
        table = pa.table({"row": rows + base, "raw": text, **others})
        batches = table.to_batches(_ENGINE_ROWS)
        self._engine.register(_RECORDS, pa.Table.from_batches(batches, table.schema))


def _is_utf8(data: bytes) -> bool:
    offsets = pa.py_buffer(np.array([0, len(data)], np.int64))
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, offsets, pa.py_buffer(data)])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
