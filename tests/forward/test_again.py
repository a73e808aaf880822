"""Sending again what targets did not get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import RetryLater, WrongUse
from gridtrail.forward.again import send_again
from gridtrail.forward.record import Refusal
from gridtrail.forward.store import ForwardStore
from gridtrail.lake.only_one import only_one
from gridtrail.settings import Settings


@pytest.fixture
def store(state: Path) -> Iterator[ForwardStore]:
    """Where the left-out records are listed."""
    with ForwardStore(state) as opened:
        yield opened


@pytest.fixture
def left_out(store: ForwardStore) -> Callable[..., None]:
    """Put these ids into the list of the target `t`."""

    def put(*ids: str) -> None:
        from gridtrail.forward.position import Position

        store.begin("t", Position(7))
        store.advance("t", Position(7), refusals=[Refusal("E0", one, "no") for one in ids])

    return put


def settings_of(home: Path, **fields: Any) -> Settings:
    """The settings with the one target `t`."""
    target = {"name": "t", "to": "webhook", "timeout_seconds": 60, "batch_events": 10} | fields
    return Settings.model_validate({"data": home, "forward": [target]})


def again(grower: Any, settings: Settings, told: list[str] | None = None) -> Any:
    """Once, for the one target."""
    said: list[str] = [] if told is None else told
    return next(iter(send_again(grower.lake, settings, settings.forward, tell=said.append)))


def test_what_is_taken_leaves_the_list(
    grower: Any, http: Any, store: ForwardStore, left_out: Callable[..., None], tmp_path: Path
) -> None:
    """All that the far side takes now is sent once and counts as sent; what it still refuses, what
    cannot be converted and what is gone stay listed with the reason; the position stays."""
    ids = grower.add([f"e{n:02}" for n in range(25)])
    grower.add(["broken"], second=100, raw="{")
    left_out(*ids, "broken", "gone")
    http.usual = lambda body: 400 if b"e07" in body else 200
    told: list[str] = []
    done = again(grower, settings_of(tmp_path, url=http.url, format="ecs"), told)
    assert (done.records, done.refused, done.error) == (24, 3, None)
    assert {one.id for one in store.refused("t")} == {"e07", "broken", "gone"}
    assert sorted(line["event"]["id"] for body in http.bodies for line in lines(body)) == sorted(
        ids - {"e07"}
    )
    assert len(told) == 3
    kept = store.get("t")
    assert kept is not None
    assert (kept.sent, kept.position.version) == (24, 7)
    http.usual = 200
    assert again(grower, settings_of(tmp_path, url=http.url)).records == 2  # NDJSON is as it came
    assert [one.id for one in store.refused()] == ["gone"]


def lines(body: bytes) -> list[Any]:
    """The records of a request."""
    return [json.loads(line) for line in body.splitlines()]


def test_a_failing_target_keeps_its_list(
    grower: Any, http: Any, store: ForwardStore, left_out: Callable[..., None], tmp_path: Path
) -> None:
    """A far side that fails, or refuses a whole batch, leaves the list as it is, and is told."""
    left_out(*grower.add([f"e{n:02}" for n in range(3)]))
    http.usual = 503
    assert isinstance(again(grower, settings_of(tmp_path, url=http.url)).error, RetryLater)
    http.usual = 400
    done = again(grower, settings_of(tmp_path, url=http.url))
    assert (done.records, done.refused, done.error) == (0, 3, None)
    assert len(store.refused("t")) == 3


def test_nothing_and_somebody_else(
    grower: Any, http: Any, store: ForwardStore, left_out: Callable[..., None], tmp_path: Path
) -> None:
    """An empty list sends nothing; two at once do not send the same twice; the process that sends
    what is new is no obstacle."""
    settings = settings_of(tmp_path, url=http.url)
    assert again(grower, settings).records == 0
    left_out(*grower.add(["a"]))
    with only_one(grower.lake.home, "forward-again-t", "taken"):
        assert isinstance(again(grower, settings).error, WrongUse)
    with only_one(grower.lake.home, "forward-t", "taken"):
        assert again(grower, settings).records == 1
    assert http.ids == ["a"]
