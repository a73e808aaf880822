"""`python -m bench.increments`: what 10,000 new events cost on a log and on one ten times longer.

A simulated organization is copied until a tenth of the wanted events fills sixteen days, and
these are decided. For the long log the same days are put before them nine times, as history that
counts as decided. Then 10,000 events of the newest day arrive, and again, and again; each time
detection runs in a process of its own, and only it is measured (compiling every relation, which a
server does once, included). Profiles are those of sixteen days in both.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.measure import Run, run_once
from gridtrail.collect.importing import import_files
from gridtrail.detect import state as st
from gridtrail.detect.run import detect
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan
from gridtrail.settings import Settings, load_settings

ORG = "E0BENCH"
DAYS, PEOPLE = 16, 250
NEW = 10_000
ROUNDS = 3
LONGER = 10

ROWS = """
WITH copied AS (
  SELECT *, concat(substr(md5(concat(id, '{who}/{back}')), 1, 8), substr(id, 9)) AS new_id,
    date_create - {back} * 86400 AS new_at, concat(actor_id, '{who}') AS new_actor
  FROM base WHERE {condition}
)
SELECT org, new_id AS id, new_at AS date_create, ("day" - {back})::DATE AS "day", action,
  actor_type, new_actor AS actor_id, actor_name, actor_email, actor_team, entity_type, entity_id,
  entity_name, location_type, location_id, location_domain, ua, ip,
  concat(session_id, '{who}') AS session_id, app_id, reasons, details,
  replace(replace(replace(raw, id, new_id), date_create::VARCHAR, new_at::VARCHAR), actor_id,
    new_actor) AS raw, source, ingested_at
FROM copied
"""


def make(home: Path, events: int) -> None:
    """Two lakes under `home`, `short` and `long` (all of `events`), and `waiting.parquet`, what is
    to arrive."""
    settings = load_settings(home / "base")
    engine = DuckDB(memory_limit=settings.memory_limit)
    _base(home, engine, settings)
    bounds = engine.rows('SELECT min("day") AS a, max("day") AS b, count(*) AS n FROM base')
    first, last, count = (bounds[name][0].as_py() for name in bounds.column_names)
    copies = range(max(round(events / LONGER / count), 1))
    cut = _waiting_from(engine, st.midnight(last), len(copies))
    short = Lake(home / "short", engine)
    waiting = []
    for who in copies:
        _append(short, who, 0, f"date_create < {cut}")
        sql = ROWS.format(who=who, back=0, condition=f"date_create >= {cut}")
        waiting.append(engine.rows(sql))
    arriving = pa.concat_tables(waiting).sort_by("date_create")
    pq.write_table(arriving, home / "waiting.parquet")
    short.compact()
    detect(short, engine, settings, detectors=all_detectors(), now=cut + 120)
    shutil.copytree(short.home, home / "long")
    long = Lake(home / "long", engine)
    for back in range(1, LONGER):
        for who in copies:
            _append(long, who, back * ((last - first).days + 1), "true")
        print(f"{back + 1} of {LONGER} parts of the long log", file=sys.stderr)
    long.compact()
    _count_as_decided(long)
    engine.close()


def _base(home: Path, engine: DuckDB, settings: Settings) -> None:
    made = generate(Plan(seed=11, people=PEOPLE, days=DAYS), home / "log")
    lake = Lake(home / "base", engine)
    import_files([made.events], lake, engine, settings, org=ORG)
    lake.events_view("_base", org=ORG)
    engine.keep("base", "SELECT * FROM _base")


def _waiting_from(engine: DuckDB, midnight: int, copies: int) -> int:
    """The second of the newest day from which on there are events enough for all rounds."""
    wanted = -(-NEW * ROUNDS // copies)
    rows = engine.rows(
        "SELECT date_create FROM base WHERE date_create > $1 ORDER BY 1 DESC LIMIT $2",
        [midnight, wanted],
    )
    if rows.num_rows < wanted:
        raise SystemExit(f"The newest day has not {NEW * ROUNDS:,} events: give more --events.")
    return int(rows["date_create"][-1].as_py())


def _append(lake: Lake, who: int, back: int, condition: str) -> None:
    lake.engine.keep("given", ROWS.format(who=who, back=back, condition=condition))
    lake.append_events("given")
    lake.engine.drop("given")


def _count_as_decided(lake: Lake) -> None:
    progress = st.read_progress(lake, ORG)
    one = next(iter(progress.days.values()))
    for day, rows in lake.day_counts(ORG).items():
        progress.days.setdefault(day, st.Decided(rows, one.to, False, one.inputs))
    st.write_progress(lake, ORG, progress)


def arrive(home: str, which: str, number: str) -> int:
    """Put the events of one round into the lake; how many."""
    rows = _round(Path(home), int(number))
    engine = DuckDB(memory_limit="1GiB")
    engine.keep("given", rows)
    stored = Lake(Path(home) / which, engine).append_events("given").stored
    engine.close()
    return int(stored)


def increment(home: str, which: str, number: str) -> int:
    """Decide the events of one round; how many they are."""
    rows = _round(Path(home), int(number))
    settings = load_settings(Path(home) / "base")
    engine = DuckDB(memory_limit="1GiB")
    now = rows["date_create"][-1].as_py() + settings.detect.settle_seconds
    lake = Lake(Path(home) / which, engine)
    report = detect(lake, engine, settings, detectors=all_detectors(), now=now)
    if report.organizations[0].days != 1:
        raise SystemExit(f"{report.organizations[0].days} days were decided instead of one")
    return int(rows.num_rows)


def _round(home: Path, number: int) -> pa.Table:
    return pq.read_table(home / "waiting.parquet").slice(number * NEW, NEW)


def compare(home: Path, events: int) -> str:
    """The table as Markdown, made under `home`."""
    make(home, events)
    runs: dict[str, list[Run]] = {"short": [], "long": []}
    for number in range(ROUNDS):
        for which, done in runs.items():
            arguments = [str(home), which, str(number)]
            run_once("bench.increments", "arrive", arguments)
            done.append(run_once("bench.increments", "increment", arguments))
    seconds = {name: statistics.median(r.seconds for r in done) for name, done in runs.items()}
    lines = [
        f"### Detection of {NEW:,} new events, the newest day in its second half",
        "",
        "| events in the log | days | seconds | resident memory |",
        "|---|---:|---:|---:|",
    ]
    for name, size, days in (("short", events // LONGER, DAYS), ("long", events, DAYS * LONGER)):
        memory = max(run.resident for run in runs[name]) / 2**20
        lines.append(f"| {size:,} | {days} | {seconds[name]:.2f} | {memory:,.0f} MiB |")
    ratio = seconds["long"] / seconds["short"]
    lines += ["", f"Ratio {ratio:.2f} (aim: at most 1.3, and 3 s on 50 M events).", ""]
    return "\n".join(lines)


def main() -> None:
    """Parse the arguments, make the lakes, measure."""
    parser = argparse.ArgumentParser(prog="bench.increments", description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000, help="of the long log")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridtrail-bench-") as made:
        print(compare(Path(made), chosen.events))


if __name__ == "__main__":
    main()
