"""Look-ups in the lake: the newest 100 events of an actor, address, session, id.

`python -m bench.lookups [EVENTS]` fills a lake of 60 days with generated events, compacts it and
prints how long look-ups take. Values are drawn evenly from all values there are, so most are rare
ones, whose rows lie all over the history; "absent" values look like the others and are nowhere.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.query import EventFilter

DAYS = 60
MIDNIGHT = 1_790_035_200
LOOK_UPS = 60

# Activity of people is skewed (the cube of an even number), half of the events name a file.
ROWS_SQL = """
WITH a AS (SELECT i, hash(i * 2654435761) AS h, {start} + (i - {first}) * 86400 // {rows} AS t
  FROM range({first}, {first} + {rows}) r(i)),
b AS (SELECT *, md5(i::VARCHAR) AS m, (pow((h % 1000003) / 1000003, 3) * 20000)::BIGINT AS u,
  (h // 1000003) % 300000 AS f FROM a),
c AS (SELECT *, concat(m[1:8], '-', m[9:12], '-', m[13:16], '-', m[17:20], '-', m[21:32]) AS eid,
  'W' || lpad(u::VARCHAR, 9, '0') AS who, 'F' || lpad(f::VARCHAR, 9, '0') AS what,
  concat('203.', u % 200, '.', u // 200, '.', h // 13 % 3) AS address,
  (100000000000 + u * 1000 + t // 604800 % 1000)::VARCHAR AS session,
  ['user_login', 'file_downloaded', 'file_uploaded', 'user_logout'][1 + (h // 31 % 4)::INT] AS act,
  concat('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) ',
    'Chrome/1', u % 30, '.0.0.0 Safari/537.36') AS agent FROM b)
SELECT 'E0BENCH' AS org, eid AS id, t AS date_create, make_date((t // 86400)::INTEGER) AS "day",
  act AS action, 'user' AS actor_type, who AS actor_id, 'Person ' || u AS actor_name,
  'person' || u || '@kestrel.example' AS actor_email, 'T0KESTREL1' AS actor_team,
  'file' AS entity_type, what AS entity_id, concat('Document ', f, '.pdf') AS entity_name,
  'workspace' AS location_type, 'T0KESTREL1' AS location_id, 'kestrel' AS location_domain,
  agent AS ua, address AS ip, session AS session_id, NULL::VARCHAR AS app_id,
  NULL::VARCHAR[] AS reasons, NULL::VARCHAR AS details,
  concat('{{"id":"', eid, '","date_create":', t, ',"action":"', act,
    '","actor":{{"type":"user","user":{{"id":"', who, '","name":"Person ', u, '","email":"person',
    u, '@kestrel.example","team":"T0KESTREL1"}}}},"entity":{{"type":"file","file":{{"id":"', what,
    '","name":"Document ', f, '.pdf","filetype":"pdf","title":"Document ', f,
    '"}}}},"context":{{"location":{{"type":"workspace","id":"T0KESTREL1","name":"Kestrel",',
    '"domain":"kestrel"}},"ua":"', agent, '","ip_address":"', address, '","session_id":"', session,
    '","app":null}}}}') AS raw,
  'import' AS source, TIMESTAMPTZ '2026-12-01 00:00:00Z' AS ingested_at FROM c
"""

FIELDS: dict[str, str] = {
    "actor": "actor_id",
    "ip": "ip",
    "session": "session_id",
    "entity": "entity_id",
}
ABSENT = {
    "actor": "W00001234X",
    "ip": "203.77.7.x",
    "session": "10001234x",
    "id": "77777777-7777-7777-7777-777777777777",
}


def fill(lake: Lake, events: int) -> None:
    """Append `events` events, one batch a day."""
    rows = events // DAYS
    for day in range(DAYS):
        start = MIDNIGHT + day * 86_400
        lake.engine.keep("given", ROWS_SQL.format(start=start, first=day * rows, rows=rows))
        lake.append_events("given")
    lake.engine.drop("given")


def wanted(lake: Lake) -> dict[str, list[EventFilter]]:
    """What to look for, by kind."""
    chance = random.Random(5)
    lake.events_view("events")
    found = {}
    for name, column in [*FIELDS.items(), ("id", "id")]:
        sql = f"SELECT {column} AS v FROM events GROUP BY 1 ORDER BY hash(v) LIMIT {LOOK_UPS}"
        values = lake.engine.rows(sql)["v"].to_pylist()
        chance.shuffle(values)
        found[name] = [_by(name, value) for value in values]
    for name, value in ABSENT.items():
        found[f"absent {name}"] = [_by(name, value)] * (LOOK_UPS // 4)
    found["newest of all"] = [EventFilter()] * (LOOK_UPS // 4)
    found["action, one week"] = [
        EventFilter(actions=("user_login",), oldest=MIDNIGHT + d * 86_400, latest=MIDNIGHT + e)
        for d in range(0, 45, 3)
        for e in [(d + 7) * 86_400]
    ]
    return found


def _by(name: str, value: str) -> EventFilter:
    kinds = {
        "actor": EventFilter(actor=value),
        "ip": EventFilter(ip=value),
        "session": EventFilter(session=value),
        "entity": EventFilter(entity=value),
        "id": EventFilter(id=value),
    }
    return kinds[name]


def milliseconds(lake: Lake, filters: Sequence[EventFilter]) -> tuple[float, float, float]:
    """Median and 95th percentile of the time of a look-up, and the mean number of rows."""
    times, rows = [], 0
    for item in filters:
        start = time.perf_counter()
        rows += lake.newest(item, 100).num_rows
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    return times[len(times) // 2], times[int(len(times) * 0.95)], rows / len(times)


def compare(work: Path, events: int = 5_000_000) -> str:
    """The table as Markdown; needs about 250 bytes a event under `work`."""
    lake = Lake(work / "lookups", DuckDB())
    start = time.perf_counter()
    fill(lake, events)
    filled = time.perf_counter()
    asked = wanted(lake)
    before = {kind: milliseconds(lake, filters) for kind, filters in asked.items()}
    compacting = time.perf_counter()
    done = lake.compact()
    compacted = time.perf_counter() - compacting
    lake.vacuum(retention_hours=0)
    size = sum(path.stat().st_size for path in lake.home.rglob("*.parquet"))
    after = {kind: milliseconds(lake, filters) for kind, filters in asked.items()}
    heading = (
        f"## Look-ups, newest 100 of {events:,} events over {DAYS} days\n\n"
        f"Generated and appended at {events / (filled - start):,.0f} events/s, compacted "
        f"{done.files_before} to {done.files_after} files at {events / compacted:,.0f} events/s, "
        f"{size / events:.0f} bytes an event.\n"
    )
    lines = [
        heading,
        "| Look-up | rows | p50 ms | p95 ms | p50 before compaction | p95 before |",
        "|---|---|---|---|---|---|",
    ]
    for kind, (p50, p95, rows) in after.items():
        old50, old95, _ = before[kind]
        lines.append(f"| {kind} | {rows:.0f} | {p50:.0f} | {p95:.0f} | {old50:.0f} | {old95:.0f} |")
    lake.engine.close()
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="gridtrail-bench-") as directory:
        print(compare(Path(directory), int(sys.argv[1]) if sys.argv[1:] else 5_000_000))
