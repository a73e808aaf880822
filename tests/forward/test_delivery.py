"""Delivering in batches, whatever the far side does."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import RetryLater
from gridtrail.forward.delivery import Delivery, Ended
from gridtrail.forward.events import EventSource
from gridtrail.forward.store import ForwardStore
from gridtrail.forward.tables import targets
from gridtrail.forward.ways.open import open_way
from gridtrail.forward.ways.way import Closed
from gridtrail.settings_forward import ForwardSettings

Make = Callable[..., Delivery]


class Clock:
    """Waits by noting how long; ends after so many waits."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.end_after: int | None = None
        self.meanwhile: Callable[[], object] = int

    def __call__(self, seconds: float) -> bool:
        if seconds:
            self.waits.append(seconds)
            self.meanwhile()
        return self.end_after is not None and len(self.waits) >= self.end_after


@pytest.fixture
def clock() -> Clock:
    """Time of the test."""
    return Clock()


@pytest.fixture
def store(state: Path) -> Iterator[ForwardStore]:
    """Where positions are kept."""
    with ForwardStore(state) as opened:
        yield opened


@pytest.fixture
def told() -> list[str]:
    """What was said loudly."""
    return []


@pytest.fixture
def delivery(
    grower: Any, http: Any, store: ForwardStore, clock: Clock, told: list[str], tmp_path: Path
) -> Iterator[Make]:
    """A delivery of all events to the HTTP receiver, with these settings."""
    ways = []

    def make(attempts: int = 0, **fields: Any) -> Delivery:
        fields = {"name": "t", "to": "webhook", "since": "everything", "url": http.url, **fields}
        settings = ForwardSettings(**fields)
        way = open_way(settings, tmp_path)
        ways.append(way)
        source = EventSource(grower.lake, settings)
        return Delivery(
            settings, source, way, store, wait=clock, attempts=attempts, tell=told.append
        )

    yield make
    for way in ways:
        way.close()


def test_batches(grower: Any, http: Any, delivery: Make, store: ForwardStore) -> None:
    """Batches hold so many records or bytes; each is there once, and the position says so."""
    ids = grower.add([f"e{n}" for n in range(25)])
    sender = delivery(batch_events=10)
    assert sender.catch_up() == 25
    assert [len(body.splitlines()) for body in http.bodies] == [10, 10, 5]
    assert sorted(http.ids) == sorted(ids)
    assert sender.catch_up() == 0
    kept = store.get("t")
    assert kept is not None
    assert (kept.sent, kept.refused, kept.why) == (25, 0, "")
    grower.add(["big"], second=100, raw=json.dumps({"id": "big", "x": "y" * 5000}))
    grower.add(["small"], second=101)
    delivery(batch_bytes=1024).catch_up()
    assert http.ids[-2:] == ["big", "small"]
    assert len(http.bodies) == 5


def test_every_failure_is_overcome(
    grower: Any, http: Any, delivery: Make, clock: Clock, told: list[str], store: ForwardStore
) -> None:
    """Whatever goes wrong, nothing is lost; pauses grow, vary and follow what is asked."""
    ids = grower.add([f"e{n}" for n in range(30)])
    http.moods = [500, "cut", "early", 503, 200, 429, 401, 200, "slow"]
    sender = delivery(batch_events=10, timeout_seconds=60, longest_pause_seconds=100)
    assert sender.catch_up() == 30
    assert set(http.ids) == ids
    assert clock.waits[4] == 7
    assert 50 <= clock.waits[5] <= 100
    for number, pause in enumerate(clock.waits[:4]):
        assert 0.5 * 2**number <= pause <= 2**number
    assert any("answers 500" in one for one in told)
    assert any("token" in one for one in told)
    kept = store.get("t")
    assert kept is not None
    assert (kept.sent, kept.failing_since) == (30, None)


def test_hanging(grower: Any, http: Any, delivery: Make) -> None:
    """A far side that takes the request and never answers is given up, and asked again."""
    ids = grower.add([f"e{n}" for n in range(5)])
    http.moods = ["hang"]
    assert delivery(timeout_seconds=1).catch_up() == 5
    assert set(http.ids) == ids


def test_failing_is_visible(
    grower: Any, http: Any, delivery: Make, clock: Clock, store: ForwardStore
) -> None:
    """While the far side fails, the reason and the growing distance are there to see, and it goes
    on where it was."""
    delivery().catch_up()
    ids = grower.add([f"e{n}" for n in range(20)])
    http.moods, http.usual = [200], 503
    clock.end_after = 3
    sender = delivery(batch_events=10)
    with pytest.raises(Ended):
        sender.catch_up()
    assert sender.fare.failing
    assert (sender.fare.rows_behind, sender.fare.sent) == (10, 10)
    assert sender.fare.behind_since is not None
    kept = store.get("t")
    assert kept is not None
    assert "503" in kept.why
    assert kept.failing_since is not None
    http.usual, clock.end_after = 200, None
    assert delivery().catch_up() == 10
    assert sorted(http.ids) == sorted(ids)


def test_a_single_run_gives_up(grower: Any, http: Any, delivery: Make, clock: Clock) -> None:
    """With a number of attempts it is raised after them; what a person must mend, at once."""
    grower.add(["a"])
    http.usual = 503
    with pytest.raises(RetryLater, match="503"):
        delivery(attempts=3).catch_up()
    assert len(clock.waits) == 2
    http.usual = 403
    with pytest.raises(Closed):
        delivery(attempts=3).catch_up()
    assert len(clock.waits) == 2


def test_poison_is_left_out_alone(
    grower: Any, http: Any, delivery: Make, told: list[str], store: ForwardStore
) -> None:
    """Records that the far side refuses are found, told and kept; all others arrive."""
    ids = grower.add([f"e{n:02}" for n in range(40)])
    poison = {"e07", "e31"}
    http.usual = lambda body: 400 if any(one.encode() in body for one in poison) else 200
    assert delivery(batch_events=40).catch_up() == 38
    assert sorted(http.ids) == sorted(ids - poison)
    assert {one.id for one in store.refused("t")} == poison
    assert [one for one in told if "e07" in one]
    assert delivery().catch_up() == 0


@pytest.mark.parametrize("count", [1, 7, 100])
def test_refusing_everything_is_no_records_fault(
    count: int, grower: Any, http: Any, delivery: Make, store: ForwardStore
) -> None:
    """A far side that refuses whatever comes loses nothing: it gets all when it is mended."""
    ids = grower.add([f"e{n:03}" for n in range(count)])
    requests = []

    def refuse(body: bytes) -> int:
        requests.append(len(body))
        return 400

    http.usual = refuse
    with pytest.raises(Closed, match="whatever is sent"):
        delivery(attempts=1).catch_up()
    assert len(requests) < 60
    assert store.refused("t") == []
    http.usual = 200
    assert delivery().catch_up() == count
    assert set(http.ids) == ids


def fails_on(*poison: str) -> Callable[[bytes], int]:
    """A far side that refuses whatever holds one of these ids."""
    return lambda body: 400 if any(f'"{one}"'.encode() in body for one in poison) else 200


def failing_for(store: ForwardStore, seconds: int) -> None:
    """As if it had failed for so long."""
    with store.engine.begin() as connection:
        earlier = {"failing_since": targets.c.failing_since - seconds}
        connection.execute(targets.update().values(earlier))


def test_a_lone_poison_is_found_by_what_comes_after(
    grower: Any, http: Any, delivery: Make, clock: Clock, store: ForwardStore
) -> None:
    """A record that is refused alone is asked for again together with what has come since, so that
    the next one that is taken proves it at fault, in the same run."""
    http.usual = fails_on("bad")
    delivery().catch_up()
    grower.add(["bad"])
    clock.meanwhile = lambda: grower.add(["good"], second=9) if len(clock.waits) == 2 else None
    assert delivery().catch_up() == 1
    assert http.ids == ["good"]
    assert [one.id for one in store.refused("t")] == ["bad"]
    assert len(clock.waits) == 2


@pytest.mark.parametrize("attempts", [0, 1])
def test_a_lone_poison_holds_nothing_up_for_long(
    attempts: int, grower: Any, http: Any, delivery: Make, clock: Clock, store: ForwardStore
) -> None:
    """Where nothing comes to compare with, it is left out after a quarter of an hour of refusals,
    by a target that took others before; what failed otherwise before does not count."""
    grower.add(["fine"])
    delivery().catch_up()
    grower.add(["bad"], second=5)
    store.failing("t", "The target t does not answer.")
    failing_for(store, 5000)
    http.usual = fails_on("bad")
    clock.end_after = 1
    with pytest.raises((Ended, Closed)):
        delivery(attempts=attempts).catch_up()
    failing_for(store, 500)
    clock.waits.clear()
    with pytest.raises((Ended, Closed)):
        delivery(attempts=attempts).catch_up()
    assert store.refused("t") == []
    failing_for(store, 400)
    clock.waits.clear()
    assert delivery(attempts=attempts).catch_up() == 0
    assert [one.id for one in store.refused("t")] == ["bad"]
    kept = store.get("t")
    assert kept is not None
    assert (kept.refused, kept.failing_since, kept.why) == (1, None, "")


def test_a_target_gone_wrong_leaves_out_only_a_few(
    grower: Any, http: Any, delivery: Make, store: ForwardStore
) -> None:
    """One that refuses everything from some day on loses no more than a handful, and one that
    never took anything nothing."""
    http.usual = 400

    def try_long() -> None:
        with pytest.raises(Closed):
            delivery(attempts=1).catch_up()
        failing_for(store, 100_000)

    grower.add(["first"])
    try_long()
    try_long()
    assert store.refused() == []
    http.usual = 200
    delivery().catch_up()
    with store.engine.begin() as connection:  # so that the second in which it was is over
        earlier = {"last_sent_at": targets.c.last_sent_at - 10}
        connection.execute(targets.update().values(earlier))
    http.usual = 400
    ids = [f"e{n:02}" for n in range(25)]
    for number, part in enumerate((ids[:12], ids[12:19], ids[19:])):
        grower.add(part, second=100 * (number + 1))
        try_long()
        if number < 2:
            assert delivery(attempts=1).catch_up() == 0
    try_long()
    assert {one.id for one in store.refused()} == set(ids[:19])
    http.usual = 200
    assert delivery().catch_up() == 6


def test_unconvertible_is_told(grower: Any, http: Any, delivery: Make, store: ForwardStore) -> None:
    """What cannot be converted is kept with its reason and stops nothing."""
    grower.add(["good"])
    grower.add(["broken"], raw="{", second=1)
    grower.add(["fine"], second=2)
    assert delivery(format="ecs").catch_up() == 2
    assert [(one.id, one.org) for one in store.refused()] == [("broken", "E0")]


def test_waiting_for_a_full_batch(grower: Any, http: Any, delivery: Make) -> None:
    """A batch that is not full waits, unless it is full or everything is to go."""
    grower.add(["a"])
    sender = delivery(wait_seconds=3600, batch_events=3, since="now")
    assert sender.catch_up(partial=False) == 0
    grower.add(["b"], second=5)
    assert sender.catch_up(partial=False) == 0
    grower.add(["c", "d"], second=9)
    assert sender.catch_up(partial=False) == 3
    grower.add(["e"], second=20)
    assert sender.catch_up(partial=False) == 0
    assert sender.catch_up() == 1
    assert http.ids == ["b", "c", "d", "e"]


KILLED = """
import os, signal, sys
from pathlib import Path
from gridtrail.engine.duckdb import DuckDB
from gridtrail.forward.delivery import Delivery
from gridtrail.forward.events import EventSource
from gridtrail.forward.store import ForwardStore
from gridtrail.forward.tables import targets
from gridtrail.forward.ways.open import open_way
from gridtrail.lake.lake import Lake
from gridtrail.settings_forward import ForwardSettings

home, url, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
settings = ForwardSettings(name="t", to="webhook", url=url, since="everything", batch_events=10)

class Dying:
    '''Kills the process right after the far side has the batch, before that is kept.'''
    def __init__(self, way):
        self.way, self.left = way, rounds
    def send(self, records, name):
        self.way.send(records, name)
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)

engine = DuckDB(threads=1, memory_limit="256MiB", spill=home / f"spill{os.getpid()}")
lake = Lake(home / "lake", engine)
with ForwardStore(home / "state.db") as store:
    way = Dying(open_way(settings, home))
    Delivery(settings, EventSource(lake, settings), way, store, wait=lambda s: False).catch_up()
"""


def test_killed_at_the_worst_moment(
    grower: Any, http: Any, delivery: Make, store: ForwardStore, tmp_path: Path
) -> None:
    """Killed after the far side took a batch and before that is kept, it sends that batch again:
    each id is there, and only the batches in flight twice."""
    ids = grower.add([f"e{n:03}" for n in range(45)])
    for rounds in (1, 3):
        command = [sys.executable, "-c", KILLED, str(tmp_path), http.url, str(rounds)]
        assert subprocess.run(command, stderr=subprocess.DEVNULL).returncode == -9
        kept = store.get("t")
        assert kept is not None
        assert kept.sent == 10 * (rounds - 1)
    assert delivery(batch_events=10).catch_up() == 25
    assert set(http.ids) == ids
    assert len(http.ids) == 45 + 20
