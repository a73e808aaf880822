"""Several processes and sudden death: nothing is lost, nothing comes twice, readers see whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gridtrail.lake.lake import Lake
from gridtrail.lake.log import Checkpoint

PROGRAM = Path(__file__).with_name("processes.py")
ROWS = 100


def run(what: str, home: Path) -> Any:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), what, str(home)],
        capture_output=True,
        timeout=120,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_killed_writer_loses_and_doubles_nothing(lake: Lake) -> None:
    """Killed 20 times at random moments and started again from its checkpoint, a writer has each
    event stored once, and the checkpoint agrees with the data."""
    told = run("kill", lake.home)
    last = told["last"]
    assert told["kills"] >= 15
    assert told["end"] == last == lake.checkpoint("source")
    assert last > 10, "the writer hardly wrote between the kills; the test shows nothing"
    lake.events_view("seen")
    ids = lake.engine.rows("SELECT id FROM seen")["id"].to_pylist()
    assert sorted(ids) == sorted(f"event-{i}" for i in range((last + 1) * ROWS))
    assert lake.verify().ok


@pytest.mark.slow
def test_writers_readers_and_compaction_at_once(lake: Lake) -> None:
    """Two processes that append the same rows store each once between them, while a third
    compacts and a fourth, reading all the time, never sees half a batch."""
    told = run("race", lake.home)
    assert told["a"] + told["b"] == 25 * ROWS
    assert told["parts"] > 0
    counts = told["counts"]
    assert counts == sorted(counts)
    assert counts[-1] == 25 * ROWS
    assert len(set(counts)) > 2, "the reader saw too little; the test shows nothing"
    assert {count % ROWS for count in counts} == {0}
    lake.events_view("seen")
    assert lake.engine.value("SELECT count(DISTINCT id) FROM seen") == 25 * ROWS
    assert (lake.checkpoint("a"), lake.checkpoint("b")) == (24, 24)
    assert lake.verify().ok


def test_lost_race_is_decided_again(new_lake: Any, make_event: Any, make_table: Any) -> None:
    """A writer whose view of the table is old still stores nothing twice, and keeps its files
    when the newer commit holds none of its rows."""
    one, two = new_lake(), new_lake()
    for lake in (one, two):
        lake.engine.register("given", make_table([make_event("x", -100)]))
        lake.append_events("given")
    for lake, names in ((one, "ab"), (two, "bc"), (one, "cd")):
        lake.engine.register("given", make_table([make_event(n, i) for i, n in enumerate(names)]))
        got = lake.append_events("given", checkpoint=Checkpoint("s", 1))
        assert got.stored + got.already_there + got.conflicts == 2
    assert one.events_view("seen").rows == 5
    assert one.engine.value("SELECT string_agg(id, '' ORDER BY id) FROM seen") == "abcdx"
