"""Events in the order of the lake's commits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from deltalake import DeltaTable

from gridtrail.forward.events import EventSource
from gridtrail.forward.position import Position
from gridtrail.lake.schema import EVENTS_TABLE
from gridtrail.settings_forward import ForwardSettings


@pytest.fixture
def source(grower: Any) -> Callable[..., EventSource]:
    """A source with these settings over the lake."""

    def make(**fields: Any) -> EventSource:
        fields = {"to": "files", "directory": "out", "name": "t", **fields}
        return EventSource(grower.lake, ForwardSettings(**fields))

    return make


def through(source: EventSource, position: Position) -> tuple[list[str], Position]:
    """The ids after `position`, in order, and the position behind them; every position on the way
    is what it was after it was kept and read again, and has nothing lost behind it."""
    ids = []
    for step in source.steps(position):
        position = step.after
        assert Position.from_json(json.loads(json.dumps(position.to_json()))) == position
        if step.record is not None:
            ids.append(step.record.id)
    return ids, position


def test_from_now_on(grower: Any, source: Any) -> None:
    """By default only what comes after the first run is passed on, late events too."""
    grower.add(["old"])
    follower = source()
    position = follower.beginning()
    assert follower.lag(position).rows == 0
    grower.add(["a", "b"])
    grower.add(["late"], second=-500_000)
    assert follower.lag(position).rows == 3
    assert follower.lag(position).since is not None
    ids, position = through(follower, position)
    assert ids == ["a", "b", "late"]
    assert through(follower, position) == ([], position)
    assert follower.lag(position).rows == 0


def test_before_there_is_a_lake(grower: Any, source: Any) -> None:
    """A target that begins with nothing gets everything."""
    follower = source()
    position = follower.beginning()
    assert through(follower, position) == ([], position)
    grower.add(["a", "b"])
    assert through(follower, position)[0] == ["a", "b"]


def test_the_past(grower: Any, source: Any) -> None:
    """Everything, or everything since a day, is passed on by time first, then what is new."""
    grower.add(["b"], second=10)
    grower.add(["a"], second=5)
    grower.add(["old"], second=-100_000)
    for since, past in (("everything", ["old", "a", "b"]), ("2026-09-22", ["a", "b"])):
        follower = source(since=since)
        position = follower.beginning()
        assert follower.lag(position).rows >= 3
        ids, position = through(follower, position)
        assert [one for one in ids if not one.startswith("new")] == past
        grower.add([f"new {since}"], second=100)
        assert through(follower, position)[0] == [f"new {since}"]


def test_any_position_goes_on(grower: Any, source: Any) -> None:
    """Whoever begins again at a position gets exactly what comes after it."""
    grower.add([f"a{n}" for n in range(5)])
    follower = source(since="everything")
    first = follower.beginning()
    grower.add([f"b{n}" for n in range(5)], second=50)
    grower.add([f"c{n}" for n in range(3)], second=-90_000)
    steps = list(follower.steps(first))
    ids = [step.record.id for step in steps if step.record is not None]
    assert len(ids) >= 13
    for number, step in enumerate(steps):
        rest = [one.record.id for one in steps[number + 1 :] if one.record is not None]
        assert through(source(since="everything"), step.after)[0] == rest


def test_compacted_away(grower: Any, source: Any) -> None:
    """When files are compacted and deleted while a target was down, it gets all the same what it
    has not got, and from the middle of a commit too."""
    follower = source()
    start = follower.beginning()
    grower.add(["a0", "a1", "a2"])
    middle = next(iter(follower.steps(start))).after
    grower.add(["b0"], second=1000)
    grower.add(["c0"], second=-500_000)
    grower.lake.compact()
    grower.lake.vacuum(retention_hours=0)
    grower.add(["d0"], second=2000)
    for position, wanted in ((start, 6), (middle, 5)):
        again = source()
        assert again.lag(position).rows >= wanted
        ids, end = through(again, position)
        assert len(set(ids)) == len(ids)
        missing = {"a0", "a1", "a2", "b0", "c0", "d0"} - set(ids)
        assert missing <= ({"a0"} if position is middle else set())
        assert end.catching_up is None
        assert again.lag(end).rows == 0
        assert through(again, end)[0] == []


def test_only_what_is_new_comes_after_compaction(grower: Any, source: Any) -> None:
    """Of a day whose files were compacted, only the stretch of what came since is read again."""
    grower.add([f"old{n}" for n in range(50)])
    grower.add(["between"], second=1000)
    position = source().beginning()
    grower.add(["new"], second=500)
    grower.add(["newer"], second=2000)
    grower.lake.compact()
    grower.lake.vacuum(retention_hours=0)
    assert through(source(), position)[0] == ["new", "newer"]


def test_log_cleaned(grower: Any, source: Any) -> None:
    """When even the log of the commits is gone, everything read since then comes again."""
    grower.add(["a"])
    position = source().beginning()
    grower.add(["b"], second=5)
    grower.add(["c"], second=6)
    root = grower.lake.log(EVENTS_TABLE).root
    DeltaTable(str(root)).create_checkpoint()
    (root / "_delta_log" / f"{position.version + 1:020}.json").unlink()
    ids, end = through(source(), position)
    assert {"b", "c"} <= set(ids)
    assert through(source(), end)[0] == []


def test_compaction_alone_is_nothing_new(grower: Any, source: Any) -> None:
    """Rewritten files are not sent again."""
    grower.add(["a"])
    grower.add(["b"], second=5)
    follower = source()
    position = follower.beginning()
    grower.lake.compact()
    assert follower.lag(position).rows == 0
    ids, position = through(follower, position)
    assert ids == []
    assert position.version == grower.lake.log(EVENTS_TABLE).version


def test_choice(grower: Any, source: Any) -> None:
    """Organizations and anomalies are chosen; what cannot be converted is told with its id."""
    everything = source(what="anomalies", orgs=["E0"], format="ocsf")
    position = everything.beginning()
    grower.add(["login"])
    grower.add(["odd"], action="anomaly", second=5)
    grower.add(["other"], action="anomaly", second=6, org="E1")
    grower.add(["broken"], action="anomaly", second=7, raw="{")
    steps = list(everything.steps(position))
    assert [step.record.id for step in steps if step.record is not None] == ["odd"]
    assert [step.refusal.id for step in steps if step.refusal is not None] == ["broken"]
    line = next(step.record.line for step in steps if step.record is not None)
    assert json.loads(line)["class_uid"] == 2004
