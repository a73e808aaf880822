"""The whole pack of rules over a log, beside pySigma's SQLite backend and rules in Python.

Both have the events in a store already: Gridtrail in its lake, SQLite in a table with a column for
each field that the rules name. SQLite runs the rules of single events, one query each; Gridtrail
runs these, and in a second row all correlations too. The third contestant calls a Python function a
rule for each of the log's first events, as rule engines in Python do; it reads the file as it goes.
"""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from bench import python_rules
from bench.measure import Result, Run, run_once, table
from gridtrail.collect.importing import import_files
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.rules.compile import names_in, plan
from gridtrail.rules.fields import COLUMNS, MACROS, field
from gridtrail.rules.folder import PACK, RuleFolders
from gridtrail.rules.rule import RuleSet
from gridtrail.rules.run import run_rules
from gridtrail.settings import Settings

NEVER = 2**33
PYTHON_EVENTS = 100_000
"""How many events the rules in Python see: they are slow, and take as long for each."""
OWN = ("address.", "client.", "added(", "count(", "subject")


def singles() -> RuleSet:
    """The pack's rules of single events that other systems can run too."""
    rules = RuleFolders([PACK]).current()
    names = {one.rule.key: names_in(one.rule.sigma) for one in plan(rules).singles}
    common = [key for key, named in names.items() if not any(n.startswith(OWN) for n in named)]
    return rules.only(common)


def gridtrail(data: str, which: str) -> int:
    """Run the rules over everything without writing; the number of events."""
    rules = singles() if which == "singles" else RuleFolders([PACK]).current()
    lake = Lake(Path(data) / "lake", DuckDB())
    settings = Settings(data=Path(data))
    report = run_rules(lake, lake.engine, settings, rules=rules, now=NEVER, dry_run=True)
    return sum(one.events for one in report.organizations)


def sqlite(database: str) -> int:
    """Run a query a rule; the number of events."""
    from sigma.backends.sqlite import sqliteBackend
    from sigma.collection import SigmaCollection

    connection = sqlite3.connect(database)
    connection.create_function("REGEXP", 2, _regexp, deterministic=True)
    for rule in singles().rules:
        collection = SigmaCollection.from_dicts([dict(rule.content)])
        for query in sqliteBackend().convert(collection):
            text = query.replace("<TABLE_NAME>", "logs")
            connection.execute(text).fetchall()
    return int(connection.execute("SELECT count(*) FROM logs").fetchone()[0])


def _regexp(pattern: str, value: str | None) -> bool:
    """SQLite has the operator and leaves the function to its users."""
    return value is not None and re.search(pattern, value) is not None


def python(log: str) -> int:
    """Call a function a rule for each of the first events; their number."""
    return python_rules.run(log, [rule.key for rule in singles().rules], PYTHON_EVENTS)


def fill(data: Path, log: Path) -> None:
    """Import the events of `log` into the data directory `data`."""
    engine = DuckDB()
    lake = Lake(data / "lake", engine)
    import_files([log], lake, engine, Settings(data=data), org="E0BENCH")
    lake.compact()
    engine.close()


def fill_sqlite(data: Path, database: Path) -> None:
    """A table `logs` with the fields of the rules as columns."""
    engine = DuckDB()
    for macro in MACROS:
        engine.command(macro)
    Lake(data / "lake", engine).events_view("e")
    named = {name for rule in singles().rules for name in names_in(rule.sigma)}
    fields = [field(name) for name in sorted(named | set(COLUMNS))]
    chosen = ", ".join(f"({one.sql})::VARCHAR" for one in fields)
    connection = sqlite3.connect(database)
    columns = ", ".join(f'"{one.name}" TEXT' for one in fields)
    connection.execute(f"CREATE TABLE logs ({columns})")
    marks = ", ".join("?" * len(fields))
    for batch in engine.batches(f"SELECT {chosen} FROM e"):
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        connection.executemany(f"INSERT INTO logs VALUES ({marks})", rows)
    connection.commit()
    connection.close()


def compare(log: Path, work: Path, rounds: int) -> str:
    """The table as Markdown, of the NDJSON file `log`."""
    data, database = work / "rules", work / "rules.db"
    fill(data, log)
    fill_sqlite(data, database)
    peer = "pySigma's SQLite backend, rules of single events"
    contestants = {
        "Gridtrail, rules of single events": ("gridtrail", [str(data), "singles"]),
        "Gridtrail, the whole pack": ("gridtrail", [str(data), "all"]),
        peer: ("sqlite", [str(database)]),
        "a function a rule in Python, rules of single events": ("python", [str(log)]),
    }
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, (function, arguments) in contestants.items():
            runs[name].append(run_once("bench.rules", function, arguments))
    results = [Result(name, tuple(done)) for name, done in runs.items()]
    count = len(RuleFolders([PACK]).current().rules)
    return table(f"Rules: the pack of {count} over a log", "events", results, peer)
