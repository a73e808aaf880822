"""One page of a listing: which events, and their stored bytes joined to a JSON list.

A page is the newest `limit` events that are wanted and all others of its last second, so that the
next page starts with a whole second. The engine finds the last second from the narrow columns,
then picks and orders the raw texts, which are joined without being parsed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gridtrail.engine.duckdb import parquet_scan
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import DataFile
from gridtrail.lake.query import Condition
from gridtrail.lake.read import windows
from gridtrail.lake.schema import EVENTS_TABLE
from gridtrail.server.api.asking import Asked
from gridtrail.server.api.cursors import Cursor, Filters
from gridtrail.slack import strict_json
from gridtrail.slack.strict_json import JsonObject, NumberText

_MAX_SECOND = 2**62

# Raw text whose time and id may be spelt otherwise than Slack does: as text, in milliseconds, as a
# float. Collectors on the way do that, and the file it came in is kept as it was.
_ODD = """
CASE WHEN NOT ((contains(raw, concat('"date_create":', date_create, ','))
    OR contains(raw, concat('"date_create":', date_create, '}')))
  AND contains(raw, concat('"id":"', id, '"'))) THEN {second: date_create, id: id} END AS odd
"""

_LOOK_AHEAD = 100  # so many events more than a page are looked at, to see whether more follow


@dataclass(frozen=True, slots=True)
class Page:
    """`entries` is the inside of a JSON list of `count` events; `position` None ends the listing.

    Otherwise the next page holds the events at or before the second `position`.
    """

    entries: bytes
    count: int
    position: int | None

    def body(self, asked: Asked, org: str) -> bytes:
        """The whole answer of `GET /logs`."""
        cursor = ""
        if self.position is not None:
            cursor = Cursor(self.position, asked.limit, asked.filters).encode(org)
        end = f'],"response_metadata":{{"next_cursor":"{cursor}"}}}}'.encode()
        return b"".join((b'{"entries":[', self.entries, end))


def page(lake: Lake, org: str, asked: Asked) -> Page:
    """The events of `org` that are `asked` for, newest first, from one version of the lake.

    Order: `date_create`, then `id`, descending. The page holds `limit` events or more when its
    last second has more, and fewer only when it is the last one.
    """
    return _Listing(lake, org, asked).page()


class _Listing:
    def __init__(self, lake: Lake, org: str, asked: Asked) -> None:
        self.lake = lake
        self.asked = asked
        self.log = lake.log(EVENTS_TABLE)
        self.log.refresh()
        self.terms = _terms(asked.filters)
        oldest, latest = asked.filters.oldest, asked.latest
        self.files = [
            file
            for file in self.log.files()
            if file.partition["org"] == org and file.within(oldest, latest)
        ]
        self.oldest = 0 if oldest is None else oldest
        self.latest = _MAX_SECOND if latest is None else latest

    def page(self) -> Page:
        limit = self.asked.limit
        found = self.seconds(limit + _LOOK_AHEAD, self.latest)
        if not found:
            return Page(b"", 0, None)
        last = found[min(limit, len(found)) - 1]
        goes_on = found[-1] < last
        if not goes_on and len(found) == limit + _LOOK_AHEAD:  # a second with very many events
            goes_on = bool(self.seconds(1, last - 1))
        rows = self.rows(last, found[0])
        return Page(joined(rows), rows.num_rows, last - 1 if goes_on else None)

    def seconds(self, limit: int, latest: int) -> list[int]:
        """The seconds of the newest `limit` wanted events at or before `latest`, newest first."""
        found: list[int] = []
        files = [file for file in self.files if file.within(None, latest)]
        for window in windows(files):
            left = limit - len(found)
            if left <= 0:
                break
            query = f"SELECT date_create FROM {self.wanted(window, self.oldest, latest)}"
            query += f" ORDER BY date_create DESC LIMIT {int(left)}"
            rows = self.lake.engine.rows(query, self.terms.values)
            found += rows.column("date_create").to_pylist()
        return found

    def rows(self, first: int, last: int) -> pa.Table:
        """`raw` and `odd` of the wanted events of these seconds, newest first."""
        files = [file for file in self.files if file.within(first, last)]
        query = f"SELECT raw, {_ODD} FROM {self.wanted(files, first, last)}"
        query += " ORDER BY date_create DESC, id DESC"
        return self.lake.engine.rows(query, self.terms.values)

    def wanted(self, files: Sequence[DataFile], first: int, last: int) -> str:
        scan = parquet_scan(self.log.absolute(files), {"org": "VARCHAR", "day": "DATE"}, _PARTS)
        # numbers of ours stand in the text, so that the engine chooses row groups by them
        within = f"date_create BETWEEN {int(first)} AND {int(last)}"
        return f"{scan} WHERE {within} AND {self.terms.sql}"


_PARTS = EVENTS_TABLE.partitions


def _terms(filters: Filters) -> Condition:
    found = Condition()
    if filters.actions:
        found.add(f"action IN ({', '.join('?' * len(filters.actions))})", *filters.actions)
    if filters.actor is not None:
        found.add("actor_id = ?", filters.actor)
    if filters.entity is not None:
        found.add("entity_id = ?", filters.entity)
    return found


def joined(rows: pa.Table) -> bytes:
    """The `raw` texts of `rows` with commas between them.

    Rows that have an `odd` are looked at: where the time or the id is not spelt as Slack does, it
    is written so (whole seconds, text), the rest stays as it came.
    """
    if rows.column("odd").null_count < rows.num_rows:
        return ",".join(_plain(row) for row in rows.to_pylist()).encode()
    texts = rows.column("raw").cast(pa.large_string()).combine_chunks()
    if isinstance(texts, pa.ChunkedArray):
        texts = pa.concat_arrays(texts.chunks)
    listed = pa.LargeListArray.from_arrays(pa.array([0, len(texts)], pa.int64()), texts)
    whole: bytes = (
        pc.binary_join(listed, pa.scalar(",", pa.large_string()))[0].as_buffer().to_pybytes()
    )
    return whole


def _plain(row: dict[str, Any]) -> str:
    raw: str = row["raw"]
    odd = row["odd"]
    if odd is None:
        return raw
    event = strict_json.read(raw.encode())
    slacks: dict[str, Any] = {"date_create": NumberText(odd["second"]), "id": odd["id"]}
    if all(type(event[key]) is type(v) and event[key] == v for key, v in slacks.items()):
        return raw
    return strict_json.minified(JsonObject([(k, slacks.get(k, v)) for k, v in event.pairs]))


def newest_second(lake: Lake, org: str) -> int | None:
    """The second of the newest event of `org` by the log of the lake, None when there is none."""
    log = lake.log(EVENTS_TABLE)
    log.refresh()
    lasts = _lasts(log.files(), org)
    return max(lasts, default=None)


def _lasts(files: Sequence[DataFile], org: str) -> Iterator[int]:
    return (f.last for f in files if f.partition["org"] == org and f.last is not None)
