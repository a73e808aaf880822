"""`python -m bench.pages`: how long each page of the console takes on a long log.

The real server answers over the lake that `bench.context` makes, with its findings; somebody signs
in with a password and asks each place of the console for what `bench.page_addresses` names, the
places in turn. Processor time is that of the server's process, with its engine's threads; the
elapsed time is the client's. Then Chromium opens some pages with nothing in its cache.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from bench import context
from bench.page_addresses import Addresses, addresses, known
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.server.accounts import AccountStore
from gridtrail.server.app import STATE_FILE
from gridtrail.server.console.guard import COOKIE
from gridtrail.server.passwords import hashed
from gridtrail.settings import Settings
from gridtrail.triage.run import triage

COMMAND = [sys.executable, "-c", "from gridtrail.cli.main import run; run()"]
EMAIL = "bench@kestrel.example"
QUERY = "SELECT action, count(*) AS n FROM events WHERE day = DATE '{day}' GROUP BY 1 ORDER BY n"
VIEWS = ("/findings", "/logs", "/detections", "/detectors", "/status")
VIEWED = 7
"""Times that Chromium opens each page."""

_LOAD = """() => new Promise(done => new PerformanceObserver(list => {
  const entries = list.getEntries();
  const timing = performance.getEntriesByType('navigation')[0];
  done([timing.loadEventEnd, entries[entries.length - 1].startTime]);
}).observe({type: 'largest-contentful-paint', buffered: true}))"""


@dataclass
class Times:
    """What one place took, milliseconds; `first` is the first request after the server's start."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    slowest: str = ""
    refused: int = 0

    def add(self, address: str, wall: float, processor: float, status: int) -> None:
        """Count one request."""
        if not self.processor or processor > max(self.processor):
            self.slowest = address
        self.wall.append(wall)
        self.processor.append(processor)
        self.refused += status >= 400


def make(home: Path, events: int) -> None:
    """A data directory with about so many events and the findings of its anomalies, unless it is
    there already."""
    if not (home / "lake").exists():
        context.make(home, events).engine.close()
    if not (home / STATE_FILE).exists():
        engine = DuckDB(memory_limit="2GiB")
        triage(Lake(home / "lake", engine), engine, Settings(data=home))
        engine.close()


@contextmanager
def served(home: Path) -> Iterator[tuple[str, int]]:
    """The address and the process of `gridtrail serve` over `home`, which detects nothing."""
    command = [*COMMAND, "--data", str(home), "serve", "--port", "0", "--no-detect"]
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stderr=log) as process:
        try:
            while not (lines := os.pread(log.fileno(), 10_000, 0)).count(b"\n"):
                time.sleep(0.05)
            yield str(orjson.loads(lines.partition(b"\n")[0])["url"]), process.pid
        finally:
            process.terminate()
            process.wait()


def signed_in(home: Path, url: str) -> httpx.Client:
    """A client that signed in with a password, as an owner."""
    password = secrets.token_urlsafe()
    with AccountStore(home / STATE_FILE) as accounts:
        account, _ = accounts.find(EMAIL)
        secret = accounts.add(EMAIL, "Bench", "owner")[1] if account is None else ""
        accounts.use_link(secret or accounts.link(EMAIL)[1], hashed(password))
    client = httpx.Client(base_url=url, timeout=300)
    answer = client.post("/signin", data={"email": EMAIL, "password": password, "next": "/"})
    if answer.status_code != 303:
        raise SystemExit(f"Signing in failed with {answer.status_code}.")
    return client


def processor_seconds(pid: int) -> float:
    """What the process used of the processors until now, with all its threads."""
    return time.clock_gettime((~pid << 3) | 2)  # the clock of another process, as Linux numbers it


def ask(client: httpx.Client, pid: int, asked: Addresses) -> dict[str, Times]:
    """The times of each place: all requests once, in an order by chance that is always the same."""
    order = [(place, address) for place, some in asked.items() for address in some]
    random.Random(3).shuffle(order)
    found: dict[str, Times] = defaultdict(Times)
    for place, address in order:
        before, began = processor_seconds(pid), time.perf_counter()
        answer = client.get(address)
        wall = time.perf_counter() - began
        spent = processor_seconds(pid) - before
        if answer.status_code >= 500:
            raise SystemExit(f"{address} answered {answer.status_code}.")
        found[place].add(address, wall * 1000, spent * 1000, answer.status_code)
    return dict(sorted(found.items()))


def first_after_start(home: Path, asked: Addresses) -> dict[str, float]:
    """Milliseconds of the first request of some places that count over the whole log, each in a
    server of its own."""
    found = {}
    for place in ("/findings", "/logs", "/detectors", "/rules", "/status"):
        with served(home) as (url, _), closing(signed_in(home, url)) as client:
            began = time.perf_counter()
            client.get(asked[place][0])
            found[place] = (time.perf_counter() - began) * 1000
    return found


def views(url: str, cookie: str, org: str) -> dict[str, list[tuple[float, float]]]:
    """Page -> (load event, largest contentful paint) in milliseconds after navigation began."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for place in VIEWS * VIEWED:
            window = browser.new_context(viewport={"width": 1280, "height": 860})
            window.add_cookies([{"name": COOKIE, "value": cookie, "url": url}])
            page = window.new_page()
            page.goto(f"{url}{place}?org={org}")
            load, paint = page.evaluate(_LOAD)
            found[place].append((load, paint))
            window.close()
        browser.close()
    return found


def query_times(client: httpx.Client, pid: int, days: Sequence[str], org: str) -> Times:
    """Running a simple query on the query page."""
    page = client.get("/query", params={"org": org}).text
    match = re.search(r'name="csrf" value="([^"]+)"', page)
    if match is None:
        raise SystemExit("The query page has no form.")
    found = Times()
    for day in days[-10:]:
        before, began = processor_seconds(pid), time.perf_counter()
        form = {"csrf": match[1], "sql": QUERY.format(day=day)}
        answer = client.post("/query", data=form, params={"org": org})
        wall = time.perf_counter() - began
        found.add("/query", wall * 1000, (processor_seconds(pid) - before) * 1000,
                  answer.status_code)  # fmt: skip
    return found


def compare(home: Path, events: int, *, slowest: bool = False) -> str:
    """The tables as Markdown, over the data directory `home`, which is made unless it is there."""
    make(home, events)
    org = context.ORG
    found = known(home, org)
    asked = addresses(found, org)
    load = os.getloadavg()[0]
    first = first_after_start(home, asked)
    with served(home) as (url, pid), closing(signed_in(home, url)) as client:
        times = ask(client, pid, asked)
        times["/query, run"] = query_times(client, pid, found.days, org)
        viewed = views(url, client.cookies[COOKIE], org)
    engine = DuckDB()
    total = sum(Lake(home / "lake", engine).day_counts(org).values())
    engine.close()
    head = (
        f"### The pages of the console, {total:,} events\n\nMilliseconds. The load of the machine "
        f"was {load:.1f} before and {os.getloadavg()[0]:.1f} after, on {os.cpu_count()} cores.\n"
    )
    return "\n".join([head, _places(times, slowest=slowest), _first(first), _views(viewed)])


def _places(times: Mapping[str, Times], *, slowest: bool) -> str:
    lines = [
        "| place | requests | p50 | p95 | processor p50 | processor p95 |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for place, one in times.items():
        more = f" {one.slowest} ({one.refused} refused)" if slowest else ""
        lines.append(
            f"| {place} | {len(one.wall)} | {_at(one.wall, 0.5)} | {_at(one.wall, 0.95)} "
            f"| {_at(one.processor, 0.5)} | {_at(one.processor, 0.95)} |{more}"
        )
    return "\n".join([*lines, ""])


def _first(first: Mapping[str, float]) -> str:
    lines = ["| the first request of a server | ms |", "|---|---:|"]
    lines += [f"| {place} | {ms:.0f} |" for place, ms in first.items()]
    return "\n".join([*lines, ""])


def _views(viewed: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    lines = [
        f"| Chromium, {VIEWED} times | load, median | load, most | paint, median | paint, most |",
        "|---|---:|---:|---:|---:|",
    ]
    for place, some in viewed.items():
        loads, paints = [one for one, _ in some], [one for _, one in some]
        lines.append(
            f"| {place} | {_at(loads, 0.5)} | {_at(loads, 1)} | {_at(paints, 0.5)} "
            f"| {_at(paints, 1)} |"
        )
    return "\n".join([*lines, ""])


def _at(values: Sequence[float], share: float) -> str:
    """The value below which `share` of them are."""
    ordered = sorted(values)
    return f"{ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]:.0f}"


def main() -> None:
    """Parse the arguments, make the lake, measure."""
    parser = argparse.ArgumentParser(prog="bench.pages", description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="a data directory to use, made if it is absent")
    parser.add_argument("--slowest", action="store_true", help="name the slowest request")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridtrail-bench-") as made:
        print(compare(chosen.keep or Path(made), chosen.events, slowest=chosen.slowest))


if __name__ == "__main__":
    main()
