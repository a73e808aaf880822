"""Run by the tests as a program of its own: processes that write one lake and are killed.

Children are forked from a process that has imported everything and started no thread, so that a
child is at work within milliseconds. Usage: processes.py kill|race DIRECTORY; prints JSON.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import Checkpoint

ROWS = 100  # new events in a batch
OVERLAP = 20  # events of the batch before that come again
MIDNIGHT = 1_790_035_200
KILLS = 20
RACE_BATCHES = 25

ROWS_SQL = """
SELECT 'E0ACME' AS org, 'event-' || i AS id, {start} + i * 60 AS date_create,
  make_date((({start} + i * 60) // 86400)::INTEGER) AS "day", 'user_login' AS action,
  NULL::VARCHAR AS actor_type, 'W' || i % 7 AS actor_id, NULL::VARCHAR AS actor_name,
  NULL::VARCHAR AS actor_email, NULL::VARCHAR AS actor_team, NULL::VARCHAR AS entity_type,
  NULL::VARCHAR AS entity_id, NULL::VARCHAR AS entity_name, NULL::VARCHAR AS location_type,
  NULL::VARCHAR AS location_id, NULL::VARCHAR AS location_domain, NULL::VARCHAR AS ua,
  NULL::VARCHAR AS ip, NULL::VARCHAR AS session_id, NULL::VARCHAR AS app_id,
  NULL::VARCHAR[] AS reasons, NULL::VARCHAR AS details,
  '{{"id":"event-' || i || '","date_create":' || ({start} + i * 60) || ',"action":"user_login"}}'
    AS raw, 'import' AS source, TIMESTAMPTZ '2026-10-01 00:00:00Z' AS ingested_at
FROM range({first}, {last}) r(i)
"""


def open_lake(home: Path) -> Lake:
    return Lake(home, DuckDB(threads=1))


def append(lake: Lake, batch: int, source: str, overlap: int) -> int:
    first, last = max(0, batch * ROWS - overlap), (batch + 1) * ROWS
    lake.engine.keep("given", ROWS_SQL.format(start=MIDNIGHT, first=first, last=last))
    return lake.append_events("given", checkpoint=Checkpoint(source, batch)).stored


def forked(work: Callable[[], object]) -> tuple[int, int]:
    """Starts `work` in a child; its id and a pipe that receives the result as JSON."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    status = 1
    try:
        os.write(writing, json.dumps(work()).encode())
        status = 0
    finally:
        os._exit(status)


def result(child: int, pipe: int) -> object:
    with os.fdopen(pipe) as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if text else {"died": status}


def write_from_checkpoint(home: Path, until: int, tell: Callable[[], object]) -> int:
    """Append batches from the checkpoint on; `tell` is called before each and at the end."""
    lake = open_lake(home)
    at = lake.checkpoint("source")
    first = 0 if at is None else at + 1
    for batch in range(first, until + 1):
        tell()
        append(lake, batch, "source", OVERLAP)
    tell()
    return until


def kill(home: Path) -> object:
    """Kill the writer at random moments, let the last one end."""
    chance = random.Random(7)
    stopped_at = []
    for _ in range(KILLS):
        hearing, telling = os.pipe()
        tell = partial(os.write, telling, b".")
        child, pipe = forked(partial(write_from_checkpoint, home, 10**6, tell))
        kill_at_random(child, hearing, chance)
        os.close(hearing)
        os.close(telling)
        result(child, pipe)
        stopped_at.append(open_position(home))
    last = max(stopped_at) + 3
    return {"kills": KILLS, "stopped_at": stopped_at, "last": last, "end": finish(home, last)}


def kill_at_random(child: int, hearing: int, chance: random.Random) -> None:
    """Kill `child` within one of its first batches, at any point of it however fast it is."""
    took = 0.0
    for _ in range(chance.randint(1, 4)):
        began = time.perf_counter()
        os.read(hearing, 1)
        took = time.perf_counter() - began
    time.sleep(chance.uniform(0, min(0.5, took)))
    os.kill(child, signal.SIGKILL)


def finish(home: Path, last: int) -> object:
    return result(*forked(lambda: write_from_checkpoint(home, last, lambda: None)))


def open_position(home: Path) -> int:
    """The checkpoint as another process sees it; -1 before the first."""
    position = result(*forked(lambda: open_lake(home).checkpoint("source")))
    return position if isinstance(position, int) else -1


def race(home: Path) -> object:
    """Two writers of the same batches, a reader and a compaction, all at once."""

    def writer(source: str) -> int:
        lake = open_lake(home)
        return sum(append(lake, batch, source, 0) for batch in range(RACE_BATCHES))

    def reader() -> list[int]:
        lake = open_lake(home)
        counts = [0]
        end = time.monotonic() + 300
        while counts[-1] < RACE_BATCHES * ROWS and time.monotonic() < end:
            lake.events_view("seen")
            counts.append(int(lake.engine.value("SELECT count(*) FROM seen")))
        return counts

    def compactor() -> int:
        lake = open_lake(home)
        parts = 0
        for _ in range(12):
            parts += lake.compact().parts
            time.sleep(0.05)
        return parts

    children = [forked(lambda: writer("a")), forked(lambda: writer("b")), forked(reader)]
    children.append(forked(compactor))
    stored_a, stored_b, counts, parts = (result(*child) for child in children)
    return {"a": stored_a, "b": stored_b, "counts": counts, "parts": parts}


if __name__ == "__main__":
    work = {"kill": kill, "race": race}[sys.argv[1]]
    sys.stdout.write(json.dumps(work(Path(sys.argv[2]))))
