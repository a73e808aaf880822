"""Run by the tests as a program of its own: a collector that is killed at random moments.

Children are forked from a process that has imported everything and started no thread. Usage:
collecting.py BASE_URL DIRECTORY KILLS; prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from gridtrail.collect.slack_api.lanes import Source
from gridtrail.collect.slack_api.running import collect
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake

NOW = 1_790_000_000
DAY = 86_400


def run(base_url: str, home: Path) -> None:
    """Collect once, in a process that ends without any tidying up."""
    source = Source(
        "E0KESTREL",
        base_url=base_url,
        since=NOW - DAY,
        limit=5,
        calls_per_minute=6_000,
        overlap=600,
    )
    engine = DuckDB(threads=1)
    results = asyncio.run(collect([source], Lake(home, engine), engine, once=True))
    os._exit(0 if results[0].error is None else 1)


def main(base_url: str, home: Path, kills: int) -> object:
    """Kill collectors at random moments, then let one end."""
    chance = random.Random(11)
    killed = 0
    while killed < kills:
        child = os.fork()
        if not child:
            run(base_url, home)
        time.sleep(chance.uniform(0.05, 0.7))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):
            break  # it was done before it could be killed
    child = os.fork()
    if not child:
        run(base_url, home)
    _, status = os.waitpid(child, 0)
    return {"killed": killed, "status": os.waitstatus_to_exitcode(status)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
