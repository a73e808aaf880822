"""Object storage that speaks S3, as a process of its own."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import BadSettings
from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.objects import ObjectsWay
from gridtrail.forward.ways.way import Busy
from gridtrail.settings_forward import ForwardSettings

Make = Callable[..., ForwardSettings]
Records = Callable[[int], list[Sendable]]
KEYS = {"access_key": "testing", "secret_key": "testing", "region": "us-east-1"}


@pytest.fixture
def store(object_store: Any) -> str:
    """The address of a store with the bucket `logs`."""
    return str(object_store.url)


def test_a_batch_is_an_object(
    object_store: Any, store: str, settings: Make, records: Records, tmp_path: Path
) -> None:
    """A batch is one object below the prefix; the same batch again replaces it."""
    target = settings("objects", url="s3://logs/slack/", endpoint=store, **KEYS)
    way = ObjectsWay(target, tmp_path)
    way.send(records(2), "0001")
    way.send(records(3), "0001")
    s3 = object_store.client
    found = s3.list_objects_v2(Bucket="logs", Prefix="slack/")["Contents"]
    assert [one["Key"] for one in found] == ["slack/t-events-0001.ndjson"]
    body = s3.get_object(Bucket="logs", Key=found[0]["Key"])["Body"].read()
    assert body.splitlines() == [record.line.encode() for record in records(3)]


def test_no_bucket(store: str, settings: Make, records: Records, tmp_path: Path) -> None:
    """A bucket that is not there is told, and tried again."""
    target = settings("objects", url="s3://none/slack", endpoint=store, **KEYS)
    with pytest.raises(Busy):
        ObjectsWay(target, tmp_path).send(records(1), "0001")


def test_nobody_there(settings: Make, records: Records, tmp_path: Path) -> None:
    """A store that does not answer is worth trying again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    target = settings("objects", url="s3://logs", endpoint=url, timeout_seconds=1, **KEYS)
    with pytest.raises(Busy):
        ObjectsWay(target, tmp_path).send(records(1), "0001")


@pytest.mark.parametrize("url", ["ftp://x/y", "s3://", "nonsense"])
def test_wrong_address(url: str, settings: Make, tmp_path: Path) -> None:
    """An address that is no object storage is a wrong setting."""
    with pytest.raises(BadSettings):
        ObjectsWay(settings("objects", url=url, **KEYS), tmp_path)


def test_unencrypted(settings: Make, tmp_path: Path) -> None:
    """An unencrypted store on another machine is refused unless it is allowed."""
    target = settings("objects", url="s3://b", endpoint="http://store.example", **KEYS)
    with pytest.raises(BadSettings, match="allow_http"):
        ObjectsWay(target, tmp_path)
