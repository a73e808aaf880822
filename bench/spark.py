"""Detection on DuckDB and on Spark: the same lake of several organizations, the same anomalies.

`python -m bench.spark --events 200000 --organizations 3 --master local[*]` generates the logs,
decides all days on each engine in a dry run, and prints rates. Spark comes in twice: with the
compiling of its code, and again after that.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from gridtrail.collect.importing import import_files
from gridtrail.detect.run import detect
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.engine.shape import Engine
from gridtrail.engine.spark_start import SparkOptions, open_spark
from gridtrail.lake.lake import Lake
from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan
from gridtrail.settings import Settings

EVENTS_PER_PERSON_DAY = 8.9  # of the sandbox, about


def fill(lake: Lake, settings: Settings, work: Path, events: int, orgs: int, days: int) -> None:
    """Logs of `orgs` organizations over the same days, `events` in all, about."""
    people = max(5, round(events / orgs / days / EVENTS_PER_PERSON_DAY))
    for number in range(orgs):
        made = generate(Plan(seed=number, people=people, days=days), work / f"log{number}")
        import_files([made.events], lake, lake.engine, settings, org=f"E0BENCH{number}")


def decided(lake: Lake, engine: Engine, settings: Settings) -> tuple[float, dict[str, bytes]]:
    """Seconds for all days of all organizations, and what was found."""
    began = time.perf_counter()
    report = detect(lake, engine, settings, detectors=all_detectors(), dry_run=True)
    return time.perf_counter() - began, {one.id: one.raw for one in report.emitted}


def compare(work: Path, events: int, orgs: int, days: int, options: SparkOptions) -> str:
    """The table as Markdown."""
    settings = Settings(data=work)
    lake = Lake(work / "lake", DuckDB())
    fill(lake, settings, work, events, orgs, days)
    stored = sum(lake.day_counts().values())
    seconds, expected = decided(lake, lake.engine, settings)
    runs = [("DuckDB", seconds)]
    with open_spark(options) as spark:
        for name in ("Spark, first", "Spark, again"):
            seconds, found = decided(lake, spark, settings)
            if found != expected:
                raise SystemExit(f"{name}: {len(found)} anomalies are not the {len(expected)}")
            runs.append((name, seconds))
    lines = [
        f"### Detection of {stored:,} events of {orgs} organizations over {days} days",
        "",
        f"All detectors, {options.master}; {len(expected)} anomalies, the same bytes.",
        "",
        "| | events a second | seconds a day of an organization | against DuckDB |",
        "|---|---:|---:|---:|",
    ]
    lines += [
        f"| {name} | {stored / seconds:,.0f} | {seconds / days / orgs:.2f} | "
        f"{runs[0][1] / seconds:.3f} |"
        for name, seconds in runs
    ]
    return "\n".join([*lines, ""])


def beside_duckdb(work: Path, events: int) -> str:
    """The table for a few large days of one organization, on this machine alone."""
    return compare(work, events, 1, 3, SparkOptions())


def main() -> None:
    """Parse the arguments, generate, measure."""
    parser = argparse.ArgumentParser(prog="bench.spark", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--organizations", type=int, default=3)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--master", default="local[*]")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridtrail-bench-") as made:
        options = SparkOptions(master=chosen.master)
        work = Path(made)
        print(compare(work, chosen.events, chosen.organizations, chosen.days, options))


if __name__ == "__main__":
    main()
