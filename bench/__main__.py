"""`python -m bench [import] [serve] [lookups] [increments] [detection] [context] [pages] [rules]
[spark]`: print the tables (the last four only when they are named).

`--keep DIR` holds the lake of `context` and `pages`, which is made where it is absent.

`--write` puts them into docs/benchmarks.md; `--events` sets the size of the generated log.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import shutil
import tempfile
from pathlib import Path

from bench import import_speed
from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan

DOCUMENT = Path(__file__).parent.parent / "docs" / "benchmarks.md"
MISSED = """
## What misses its aim

- **Import**: the aim is 0.8 of DuckDB's COPY. The peers read leniently, keep duplicates, and write
  one file without a commit; of 12.6 microseconds of processor time an event, about 7 go into
  reading strictly (bytes that are not JSON, doubled keys, odd shapes are found in every record),
  3.4 into sorted, compressed files, 2 into splitting. DuckDB's COPY takes 5.2 in all. What is left
  to gain: fewer intermediate columns in the reading query, no table between reading and writing.
- **Look-ups**: the aim is a p95 of 150 ms on 50 M events. Events of one actor or address lie in
  every part of the history, and each needs a page of each column unpacked; id, session and absent
  values are passed by through Bloom filters. Not measured on 50 M events, nor beside another
  engine.
- **Context**: the aim is a p95 of 200 ms on 10 M events; it is 221 ms on a machine to
  itself, 0.34 s of processor time. Where it goes was not looked at since it was last cut.
- **Pages**: the aim is a p95 of 300 ms on 10 M events. A text that is looked for in the whole log
  takes 1.7 to 2.1 s; the pages of an app, a person, a session and a file 0.4 to 1.8 s, for they
  have events in every part of the log: days summed up for each of them would be the way; the
  form of the allow list 0.4 s. The first request of a server takes up to 0.8 s.
"""

EVENTS_PER_PERSON_DAY = 8.9  # of the sandbox, about


def _log_of(events: int, where: Path) -> Path:
    """A generated log of about `events` events."""
    days = 60
    people = max(50, round(events / days / EVENTS_PER_PERSON_DAY))
    made = generate(Plan(seed=11, people=people, days=days), where)
    print(f"generated {made.count:,} events, {made.events.stat().st_size / 1e6:,.0f} MB\n")
    return made.events


def main() -> None:
    """Parse the arguments, run what is named."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "what", nargs="*", default=["import", "serve", "lookups", "increments", "detection"]
    )
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="data directory of context and pages")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    chosen = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="gridtrail-bench-"))
    try:
        tables = _run(chosen, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    text = "\n".join(tables)
    print(text)
    if chosen.write:
        DOCUMENT.write_text(_document(text, chosen))


def _run(chosen: argparse.Namespace, work: Path) -> list[str]:
    tables = []
    if "import" in chosen.what:
        file = _log_of(chosen.events, work / "log")
        tables.append(import_speed.compare(file, work, chosen.rounds))
    if "serve" in chosen.what:
        from bench import serve

        serve.make_lake(work / "served", min(chosen.events, 1_000_000))
        tables.append(serve.compare(work / "served"))
    if "lookups" in chosen.what:
        from bench import lookups

        tables.append(lookups.compare(work))
    if "increments" in chosen.what:
        from bench import increments

        tables.append(increments.compare(work / "increments", 5_000_000))
    if "detection" in chosen.what:
        from bench import detection

        tables.append(detection.compare(work / "detection", chosen.events))
    if "context" in chosen.what:
        from bench import context

        tables.append(context.compare(chosen.keep or work / "context", chosen.events))
    if "pages" in chosen.what:
        from bench import pages

        tables.append(pages.compare(chosen.keep or work / "pages", chosen.events))
    if "rules" in chosen.what:
        from bench import rules

        log = _log_of(chosen.events, work / "rules-log")
        tables.append(rules.compare(log, work, chosen.rounds))
    if "spark" in chosen.what:
        from bench import spark

        tables.append(spark.beside_duckdb(work / "spark", chosen.events))
    return tables


def _document(text: str, chosen: argparse.Namespace) -> str:
    return (
        "# Benchmarks\n\n"
        f"Written by `make bench BENCH=--write` on {dt.datetime.now(dt.UTC):%Y-%m-%d}: "
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; "
        f"{chosen.rounds} rounds, contestants in turn, each in a process of its own, medians. "
        "Absolute rates depend on the machine; the ratios are what counts.\n\n" + text + MISSED
    )


if __name__ == "__main__":
    main()
