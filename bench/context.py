"""`python -m bench.context`: how long one finding takes on a long log, and one more triage.

A simulated organization is copied under other people until the log has the wanted number of events,
and 150 people get an anomaly in its last days. Every finding is computed once, then nothing is new.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from bench.increments import ROWS
from gridtrail.collect.importing import import_files
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan
from gridtrail.settings import Settings, load_settings
from gridtrail.triage.run import triage

ORG = "E0BENCH"
DAYS, PEOPLE = 45, 250


ANOMALIES = """
SELECT * REPLACE ('A' || substr(id, 2) AS id, 'anomaly' AS action,
  ['excessive_downloads', 'user_agent'] AS reasons)
FROM (FROM base WHERE action = 'file_downloaded' AND app_id IS NULL
  AND "day" > (SELECT max("day") - 10 FROM base)
  QUALIFY row_number() OVER (PARTITION BY actor_id ORDER BY md5(id)) = 1)
ORDER BY md5(id) LIMIT 150
"""
"""An anomaly of each of 150 people in the last days."""


def make(home: Path, events: int) -> Lake:
    """The lake under `home`."""
    settings = load_settings(home / "base")
    engine = DuckDB(memory_limit=settings.memory_limit)
    made = generate(Plan(seed=11, people=PEOPLE, days=DAYS), home / "log")
    base = Lake(home / "base", engine)
    import_files([made.events], base, engine, settings, org=ORG)
    base.events_view("_base", org=ORG)
    engine.keep("base", "SELECT * FROM _base")
    lake = Lake(home / "lake", engine)
    for who in range(max(1, round(events / made.count))):
        condition = "true" if who == 0 else "action != 'anomaly'"
        engine.keep("given", ROWS.format(who=who, back=0, condition=condition))
        lake.append_events("given")
        engine.drop("given")
    engine.keep("given", ANOMALIES)
    lake.append_events("given")
    engine.drop("given")
    engine.drop("base")
    lake.compact()
    return lake


ONE_MORE = """
SELECT * REPLACE ('one-more-{run}' AS id, date_create + 5 AS date_create) FROM _all
WHERE action = 'anomaly' ORDER BY date_create DESC, id LIMIT 1
"""


def _one_more(lake: Lake, settings: Settings) -> float:
    """Seconds of a triage after one more anomaly on the newest day."""
    lake.events_view("_all", org=ORG)
    lake.engine.keep("given", ONE_MORE.format(run=time.time_ns()))
    lake.append_events("given")
    engine = DuckDB(memory_limit=settings.memory_limit)
    began = time.perf_counter()
    triage(Lake(lake.home, engine), engine, settings)
    seconds = time.perf_counter() - began
    engine.close()
    return seconds


def compare(home: Path, events: int) -> str:
    """The table as Markdown, made under `home`."""
    kept = (home / "lake").exists()
    lake = Lake(home / "lake", DuckDB(memory_limit="1GiB")) if kept else make(home, events)
    settings = Settings(data=home / f"triage-{time.time_ns()}")  # no finding is there yet
    moments: list[float] = []
    began = time.perf_counter()
    spent: list[float] = []

    def note(_done: int, _all: int) -> None:
        moments.append(time.perf_counter())
        spent.append(time.process_time())

    triage(lake, lake.engine, settings, on_progress=note)
    full = time.perf_counter() - began
    began = time.perf_counter()
    triage(lake, lake.engine, settings)
    nothing = time.perf_counter() - began
    one_more = _one_more(lake, settings)
    ordered = sorted(later - one for one, later in itertools.pairwise(moments))
    worked = sorted(later - one for one, later in itertools.pairwise(spent))
    total = sum(lake.day_counts(ORG).values())
    lake.engine.close()
    shutil.rmtree(settings.data, ignore_errors=True)
    first = "" if kept else ", the days before summed up first"
    return "\n".join(
        [
            f"### The context of a finding, {total:,} events",
            "",
            "| what | seconds |",
            "|---|---:|",
            f"| one finding, median of {len(ordered)} | {statistics.median(ordered):.3f} |",
            f"| one finding, p95 | {ordered[int(0.95 * (len(ordered) - 1))]:.3f} |",
            f"| processor time of one finding, median | {statistics.median(worked):.3f} |",
            f"| processor time of one finding, p95 | {worked[int(0.95 * (len(worked) - 1))]:.3f} |",
            f"| triage of all{first} | {full:.1f} |",
            f"| triage when nothing changed | {nothing:.2f} |",
            f"| triage after one more anomaly, in a session of its own | {one_more:.2f} |",
            "",
        ]
    )


def main() -> None:
    """Parse the arguments, make the lake, measure."""
    parser = argparse.ArgumentParser(prog="bench.context", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="a data directory to use, made if it is absent")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridtrail-bench-") as made:
        print(compare(chosen.keep or Path(made), chosen.events))


if __name__ == "__main__":
    main()
