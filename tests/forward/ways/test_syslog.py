"""Syslog over TLS."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.errors import BadSettings
from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.syslog import SyslogWay, frame
from gridtrail.forward.ways.way import Busy, Closed
from gridtrail.settings_forward import ForwardSettings

Make = Callable[..., ForwardSettings]
Records = Callable[[int], list[Sendable]]
RFC5424 = re.compile(
    r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ) ([!-~]{1,255}) gridtrail - (\w+) "
    r'\[origin software="Gridtrail"\] (.*)',
    re.DOTALL,
)


def test_messages(
    syslog: Any, settings: Make, records: Records, ca_file: Path, tmp_path: Path
) -> None:
    """Each record is a message of RFC 5424 with facility, time and its JSON."""
    target = settings("syslog", host="127.0.0.1", port=syslog.port, ca_file=ca_file)
    SyslogWay(target, tmp_path).send(records(300), "n")
    assert len(syslog.messages) == 300
    found = RFC5424.fullmatch(syslog.messages[1].decode())
    assert found is not None
    assert found.group(1, 2, 4) == ("109", "2026-09-22T00:00:01Z", "events")
    assert json.loads(found[5]) == {"id": "r1"}


@pytest.mark.parametrize("mood", ["cut", "deaf"])
def test_what_is_cut_is_not_delivered(
    mood: str, syslog: Any, settings: Make, records: Records, ca_file: Path, tmp_path: Path
) -> None:
    """A receiver that dies in the middle, or never reads, did not get the batch; the next try
    brings it whole."""
    syslog.moods = [mood]
    place = {"host": "127.0.0.1", "port": syslog.port, "ca_file": ca_file}
    impatient = settings("syslog", **place, timeout_seconds=1 if mood == "deaf" else 60)
    with pytest.raises(Busy):
        SyslogWay(impatient, tmp_path).send(records(20_000), "n")
    assert syslog.messages == []
    SyslogWay(settings("syslog", **place, timeout_seconds=60), tmp_path).send(records(20_000), "n")
    assert len(syslog.messages) == 20_000


def test_receiver_without_a_last_word(
    syslog: Any, settings: Make, records: Records, ca_file: Path, tmp_path: Path
) -> None:
    """A receiver that reads to the end and just closes has it too."""
    syslog.moods = ["plain"]
    target = settings("syslog", host="127.0.0.1", port=syslog.port, ca_file=ca_file)
    SyslogWay(target, tmp_path).send(records(5), "n")
    assert len(syslog.messages) == 5


def test_certificate(
    syslog: Any, settings: Make, records: Records, ca_file: Path, tmp_path: Path
) -> None:
    """A certificate that is not trusted, or of another name, gets nothing."""
    for fields in ({"host": "127.0.0.1"}, {"host": "localhost", "ca_file": ca_file}):
        target = settings("syslog", port=syslog.port, **fields)
        with pytest.raises(Closed, match="not trusted"):
            SyslogWay(target, tmp_path).send(records(1), "n")
    assert syslog.messages == []


def test_nobody_there(settings: Make, records: Records, tmp_path: Path) -> None:
    """A refused connection is worth trying again; a missing ca_file is a wrong setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Busy):
        SyslogWay(settings("syslog", host="127.0.0.1", port=port), tmp_path).send(records(1), "n")
    with pytest.raises(BadSettings):
        SyslogWay(settings("syslog", host="x", ca_file="none"), tmp_path)


@given(st.lists(st.binary()))
def test_frames(messages: list[bytes]) -> None:
    """Whatever messages hold, the receiver cuts them where they end."""
    data = b"".join(frame(message) for message in messages)
    found = []
    while data:
        length, _, rest = data.partition(b" ")
        found.append(rest[: int(length)])
        data = rest[int(length) :]
    assert found == messages


WAY = SyslogWay(ForwardSettings(name="t", to="syslog", host="h"), Path())


@given(st.integers())
def test_any_time(second: int) -> None:
    """A message has a time that the standard knows, whatever the event says."""
    assert RFC5424.fullmatch(WAY.message(Sendable("E0", "r", second, "{}")).decode())
