"""All targets of the settings at once, from the lake to receivers that fail in every way."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import WrongUse
from gridtrail.forward.delivery import Ended, Fare
from gridtrail.forward.run import follow, forward_once, statuses, targets
from gridtrail.lake.only_one import only_one
from gridtrail.settings import Settings


class Clock:
    """Time that passes at once; the noted waits can be looked at."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def __call__(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False


def settings_of(home: Path, *tables: dict[str, Any]) -> Settings:
    """The settings with these targets, which begin with everything."""
    common = {"since": "everything", "batch_events": 20, "timeout_seconds": 60}
    return Settings.model_validate({"data": home, "forward": [common | one for one in tables]})


def test_every_way_gets_everything(
    grower: Any,
    state: Path,
    http: Any,
    syslog: Any,
    object_store: Any,
    ca_file: Path,
    tmp_path: Path,
) -> None:
    """Each target has each id, though requests fail, connections are cut in the middle and files
    are compacted away in between; positions agree in the end."""
    keys = {"access_key": "testing", "secret_key": "testing", "region": "us-east-1"}
    settings = settings_of(
        tmp_path,
        {"name": "hec", "to": "hec", "url": http.url, "token": "t", "compress": True},
        {"name": "syslog", "to": "syslog", "host": "127.0.0.1", "port": syslog.port}
        | {"ca_file": ca_file, "format": "ecs"},
        {"name": "files", "to": "files", "directory": "out", "format": "ocsf"},
        {"name": "objects", "to": "objects", "url": "s3://logs/run", "endpoint": object_store.url}
        | keys,
    )
    http.moods = ["cut", 200, "early", 200, 503, 429]
    syslog.moods = ["cut", "good", "cut", "good", "plain"]
    wanted = grower.add([f"a{n:02}" for n in range(50)])
    chosen = targets(settings)
    for number in range(3):
        done = list(forward_once(grower.lake, settings, chosen, wait=Clock()))
        assert [(one.name, one.error) for one in done if one.error is not None] == []
        wanted |= grower.add([f"b{number}{n:02}" for n in range(25)], second=1000 * (number + 1))
        wanted |= grower.add([f"late{number}"], second=-200_000 * (number + 1))
        grower.lake.compact()
        grower.lake.vacuum(retention_hours=0)
    list(forward_once(grower.lake, settings, chosen, wait=Clock()))
    assert set(http.ids) == wanted
    assert {json.loads(one.split(b"] ", 1)[1])["event"]["id"] for one in syslog.messages} == wanted
    files = [line for one in (tmp_path / "out").iterdir() for line in one.read_text().splitlines()]
    assert sorted(json.loads(line)["metadata"]["uid"] for line in files) == sorted(wanted)
    listed = object_store.client.list_objects_v2(Bucket="logs", Prefix="run/")["Contents"]
    bodies = [
        object_store.client.get_object(Bucket="logs", Key=one["Key"])["Body"].read()
        for one in listed
    ]
    ids = [json.loads(line)["id"] for body in bodies for line in body.splitlines()]
    assert sorted(ids) == sorted(wanted)
    assert {
        (one.lag.rows, one.kept and one.kept.why) for one in statuses(grower.lake, settings, chosen)
    } == {(0, "")}


def test_a_failing_target_holds_up_no_other(
    grower: Any, state: Path, http: Any, tmp_path: Path
) -> None:
    """A single run goes on with the others, says what failed, and how far behind it is."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
    settings = settings_of(
        tmp_path,
        {"name": "gone", "to": "webhook", "url": gone},
        {"name": "wrong", "to": "webhook", "url_file": "none"},
        {"name": "good", "to": "webhook", "url": http.url},
    )
    grower.add(["a", "b"])
    told: list[str] = []
    chosen = targets(settings)
    done = list(forward_once(grower.lake, settings, chosen, wait=Clock(), tell=told.append))
    assert [one.records for one in done] == [0, 0, 2]
    assert [one.error.exit_code if one.error else 0 for one in done] == [3, 2, 0]
    assert len(told) == 1
    behind = {one.target.name: one for one in statuses(grower.lake, settings, chosen)}
    assert behind["gone"].lag.rows == 2
    assert behind["gone"].lag.seconds > 0
    assert behind["wrong"].kept is None


def test_one_sender_for_each_target(grower: Any, state: Path, http: Any, tmp_path: Path) -> None:
    """A target that another process sends to is left to it."""
    settings = settings_of(tmp_path, {"name": "t", "to": "webhook", "url": http.url})
    grower.add(["a"])
    with only_one(grower.lake.home, "forward-t", "taken"):
        done = list(forward_once(grower.lake, settings, targets(settings), wait=Clock()))
    assert isinstance(done[0].error, WrongUse)
    assert http.ids == []


def test_names(tmp_path: Path) -> None:
    """Targets are chosen by name; an unknown one is refused with those that there are."""
    settings = settings_of(
        tmp_path,
        {"name": "a", "to": "files", "directory": "d"},
        {"name": "b", "to": "files", "directory": "d"},
    )
    assert [one.name for one in targets(settings, ["b"])] == ["b"]
    assert len(targets(settings)) == 2
    with pytest.raises(WrongUse, match="a, b"):
        targets(settings, ["c"])


def test_following(grower: Any, state: Path, http: Any, tmp_path: Path) -> None:
    """A followed target gets what is there and what comes, until it shall end."""
    settings = settings_of(tmp_path, {"name": "t", "to": "webhook", "url": http.url})
    grower.add(["a"])
    ending, rounds = threading.Event(), []

    def worked() -> None:
        rounds.append(len(http.ids))
        if len(rounds) == 1:
            grower.add(["b"], second=5)
        else:
            ending.set()

    def wait(seconds: float) -> bool:
        return ending.is_set()

    with contextlib.suppress(Ended):
        follow(
            grower.lake,
            settings,
            targets(settings)[0],
            wait=wait,
            fare=Fare(),
            worked=worked,
            tell=lambda text: None,
        )
    assert rounds == [1, 2]
    assert http.ids == ["a", "b"]
