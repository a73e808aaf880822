"""`python -m bench.detection`: all detectors in one run over days of many events.

A simulated organization of six days is copied (as for `bench.increments`) until there are as many
events as wanted. The peer only reads the columns that detection reads. Six days are too few for
detectors of novelty to speak, but all relations and profiles are computed.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bench.increments import ORG, ROWS
from bench.measure import Result, run_once, table
from gridtrail.collect.importing import import_files
from gridtrail.detect.day import RAW_DAY
from gridtrail.detect.run import detect
from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan
from gridtrail.settings import load_settings

DAYS, PEOPLE = 6, 250
LATER = 2_000_000_000  # seconds; all events are older


def make(home: Path, events: int) -> None:
    """A lake of about so many events under `home`."""
    settings = load_settings(home / "base")
    engine = DuckDB(memory_limit=settings.memory_limit)
    made = generate(Plan(seed=11, people=PEOPLE, days=DAYS), home / "log")
    base = Lake(home / "base", engine)
    import_files([made.events], base, engine, settings, org=ORG)
    base.events_view("_base", org=ORG)
    engine.keep("base", "SELECT * FROM _base")
    lake = Lake(home / "lake", engine)
    for who in range(max(events // made.count, 1)):
        engine.keep("given", ROWS.format(who=who, back=0, condition="true"))
        lake.append_events("given")
    lake.compact()
    engine.close()


def detection(home: str) -> int:
    """Decide everything, writing nothing but facts; how many events there are."""
    settings = load_settings(Path(home) / "base")
    engine = DuckDB(memory_limit="1GiB")
    lake = Lake(Path(home) / "lake", engine)
    detect(lake, engine, settings, detectors=all_detectors(), now=LATER, dry_run=True)
    return sum(lake.day_counts(ORG).values())


def reading(home: str) -> int:
    """Read the columns that detection reads, and sort nothing, join nothing."""
    engine = DuckDB(memory_limit="1GiB")
    lake = Lake(Path(home) / "lake", engine)
    lake.events_view("events", org=ORG)
    listed = ", ".join(f'max("{name}")' for name in RAW_DAY)
    engine.rows(f"SELECT {listed} FROM events")
    return sum(lake.day_counts(ORG).values())


def compare(home: Path, events: int, rounds: int = 1) -> str:
    """The table as Markdown, made under `home`."""
    make(home, events)
    contestants = {"all detectors": "detection", "reading the columns": "reading"}
    results = [
        Result(
            name,
            tuple(run_once("bench.detection", function, [str(home)]) for _ in range(rounds)),
        )
        for name, function in contestants.items()
    ]
    return table("Detection in one run", "events", results, "reading the columns")


def main() -> None:
    """Parse the arguments, make the lake, measure."""
    parser = argparse.ArgumentParser(prog="bench.detection", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridtrail-bench-") as made:
        print(compare(Path(made), chosen.events))


if __name__ == "__main__":
    main()
