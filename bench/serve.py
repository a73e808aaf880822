"""`python -m bench.serve`: events a second that one local client gets from the real server.

Without `--data` a log is simulated, imported and compacted first. The server and the client share
the machine, so what a client does with a page (parsing it) counts against the server; httpx is
therefore measured with and without parsing.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
from slack_sdk.audit_logs import AuditLogsClient

from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan
from gridtrail.server.app import STATE_FILE
from gridtrail.server.tokens import TokenStore

COMMAND = [sys.executable, "-c", "from gridtrail.cli.main import run; run()"]
LIMIT = 9999
SLACKS_CEILING = 50 * LIMIT / 60  # events a second
EVENTS_PER_PERSON_DAY = 5.5  # of the sandbox, about

GivePage = Callable[[str], tuple[int, str]]
"""The cursor of a page to its number of events and the next cursor."""


def make_lake(data: Path, events: int) -> None:
    """A simulated log of about so many events, imported and compacted."""
    days = 60
    people = max(50, round(events / days / EVENTS_PER_PERSON_DAY))
    made = generate(Plan(seed=11, people=people, days=days), data / "log")
    print(f"generated {made.count:,} events")
    gridtrail = [*COMMAND, "--data", str(data)]
    for arguments in (["import", str(made.events)], ["compact"]):
        subprocess.run([*gridtrail, *arguments], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def server(data: Path) -> Iterator[str]:
    """The real server over `data`; its address."""
    command = [*COMMAND, "--data", str(data), "serve", "--port", "0"]
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stderr=log) as process:
        try:
            while not (lines := os.pread(log.fileno(), 10_000, 0)).count(b"\n"):
                time.sleep(0.05)
            yield str(orjson.loads(lines.partition(b"\n")[0])["url"])
        finally:
            process.terminate()
            process.wait()


def httpx_bytes(url: str, token: str) -> GivePage:
    """Pages as bytes, nothing of them read but the cursor at the end."""
    client = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def give(cursor: str) -> tuple[int, str]:
        body = client.get(f"{url}/audit/v1/logs", params=_parameters(cursor)).content
        found = re.search(rb'"next_cursor":"([^"]*)"\}\}$', body[-20_000:])
        assert found is not None
        return body.count(b'"date_create":'), found[1].decode()

    return give


def httpx_parsed(url: str, token: str) -> GivePage:
    """Pages parsed by orjson."""
    client = httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def give(cursor: str) -> tuple[int, str]:
        page = orjson.loads(client.get(f"{url}/audit/v1/logs", params=_parameters(cursor)).content)
        return len(page["entries"]), page["response_metadata"]["next_cursor"]

    return give


def slack_sdk(url: str, token: str) -> GivePage:
    """Pages through Slack's own client, which parses with the standard library."""
    client = AuditLogsClient(token=token, base_url=f"{url}/audit/v1/")

    def give(cursor: str) -> tuple[int, str]:
        page = client.logs(limit=LIMIT, cursor=cursor or None).body
        assert page is not None
        return len(page["entries"]), page["response_metadata"]["next_cursor"]

    return give


def _parameters(cursor: str) -> dict[str, str]:
    return {"limit": str(LIMIT), "cursor": cursor}


def measure(name: str, give: GivePage, pages: int) -> str:
    """Follow the cursor over at most `pages` pages; a row of the table."""
    cursor, events, seconds = "", 0, []
    for _ in range(pages):
        begun = time.perf_counter()
        count, cursor = give(cursor)
        seconds.append(time.perf_counter() - begun)
        events += count
        if not cursor:
            break
    rate = events / sum(seconds)
    median = sorted(seconds)[len(seconds) // 2] * 1000
    return f"| {name} | {events:,} | {median:.0f} | {rate:,.0f} | {rate / SLACKS_CEILING:.1f} |"


def main() -> None:
    """Parse the arguments, make what is needed, measure."""
    parser = argparse.ArgumentParser(prog="bench.serve", description=__doc__)
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--data", type=Path, help="a data directory with a lake in it")
    parser.add_argument("--org", default="default")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gridtrail-bench-") as made:
        data = chosen.data or Path(made)
        if chosen.data is None:
            make_lake(data, chosen.events)
        print(compare(data, chosen.org, chosen.pages))


def compare(data: Path, org: str = "default", pages: int = 200) -> str:
    """The table as Markdown, over the lake in `data`."""
    name = f"bench {time.time_ns()}"
    with TokenStore(data / STATE_FILE) as store:
        _, token = store.create(name, org=org, seconds=3600)
    lines = [
        "### Pages of 9,999 events from the audit API, one local client",
        "",
        "| client | events | ms a page | events a second | against Slack's ceiling |",
        "|---|---:|---:|---:|---:|",
    ]
    try:
        with server(data) as url:
            for client in (httpx_bytes, httpx_parsed, slack_sdk):
                lines.append(measure(client.__name__, client(url, token), pages))
    finally:
        with TokenStore(data / STATE_FILE) as store:
            store.revoke(name)
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
