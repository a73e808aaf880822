"""HTTP receivers, good and bad."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import BadSettings
from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.http import HttpWay
from gridtrail.forward.ways.way import Busy, Closed, NotTaken
from gridtrail.settings_forward import ForwardSettings

Make = Callable[..., ForwardSettings]
Records = Callable[[int], list[Sendable]]


def sent(settings: ForwardSettings, home: Path, given: list[Sendable]) -> None:
    """Send in one batch."""
    way = HttpWay(settings, home)
    try:
        way.send(given, "n")
    finally:
        way.close()


def test_hec(http: Any, settings: Make, records: Records, tmp_path: Path) -> None:
    """Splunk's collector gets its envelope at its address, with its token and index, packed."""
    (tmp_path / "token").write_text("abc\n")
    target = settings(
        "hec", url=http.url, token_file="token", index="slack", compress=True, format="ocsf"
    )
    sent(target, tmp_path, records(3))
    assert http.paths == ["/services/collector/event"]
    assert http.headers[0]["authorization"] == "Splunk abc"
    lines = [json.loads(line) for line in http.bodies[0].splitlines()]
    assert lines[1] == {
        "time": 1_790_035_201,
        "source": "gridtrail:events",
        "sourcetype": "ocsf",
        "fields": {"org": "E0"},
        "index": "slack",
        "event": {"id": "r1"},
    }


@pytest.mark.parametrize("body", ["ndjson", "array"])
def test_webhook(body: str, http: Any, settings: Make, records: Records, tmp_path: Path) -> None:
    """A webhook gets lines or one array, with the headers of the settings."""
    target = settings(
        "webhook", url=f"{http.url}/in?x=1", body=body, token="t", headers={"DD-API-KEY": "k"}
    )
    sent(target, tmp_path, records(3))
    text = http.bodies[0].decode()
    found = json.loads(text) if body == "array" else [json.loads(one) for one in text.splitlines()]
    assert [one["id"] for one in found] == ["r0", "r1", "r2"]
    assert http.paths == ["/in?x=1"]
    assert http.headers[0]["dd-api-key"] == "k"
    assert http.headers[0]["authorization"] == "Bearer t"


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        (500, Busy), (503, Busy), (429, Busy), ("cut", Busy), ("early", Busy), ("hang", Busy),
        (401, Closed), (403, Closed), (404, Closed), (302, Closed),
        (400, NotTaken), (413, NotTaken), (422, NotTaken),
    ],
)  # fmt: skip
def test_failures(
    mood: Any, error: type[Exception], http: Any, settings: Make, records: Records, tmp_path: Path
) -> None:
    """Each failure of the far side is told as what to do about it, without the url's secret."""
    http.moods = [mood]
    patience = 1 if mood == "hang" else 60
    target = settings("webhook", url=f"{http.url}/secret", timeout_seconds=patience)
    with pytest.raises(error) as raised:
        sent(target, tmp_path, records(1))
    assert "secret" not in str(raised.value)
    assert http.ids == []
    if mood == 429:
        assert raised.value.after == 7  # type: ignore[attr-defined]


def test_nobody_there(settings: Make, records: Records, tmp_path: Path) -> None:
    """A refused connection is worth trying again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(Busy):
        sent(settings("webhook", url=url), tmp_path, records(1))


def test_slow_is_good(http: Any, settings: Make, records: Records, tmp_path: Path) -> None:
    """A slow receiver is waited for."""
    http.moods = ["slow"]
    sent(settings("webhook", url=http.url), tmp_path, records(1))
    assert http.ids == ["r0"]


def test_certificate(
    https: Any, settings: Make, records: Records, ca_file: Path, tmp_path: Path
) -> None:
    """Only a certificate that is trusted gets anything."""
    with pytest.raises(Closed, match="not trusted"):
        sent(settings("webhook", url=https.url), tmp_path, records(1))
    wrong_name = https.url.replace("127.0.0.1", "localhost")
    with pytest.raises(Closed, match="not trusted"):
        sent(settings("webhook", url=wrong_name, ca_file=ca_file), tmp_path, records(1))
    assert https.ids == []
    sent(settings("webhook", url=https.url, ca_file=ca_file), tmp_path, records(1))
    assert https.ids == ["r0"]


def test_wrong_index_is_no_records_fault(
    http: Any, settings: Make, records: Records, tmp_path: Path
) -> None:
    """Splunk's 400 for a wrong index closes the target instead of leaving records out."""
    http.said = b'{"text":"Incorrect index","code":7}'
    http.moods = [400]
    with pytest.raises(Closed):
        sent(settings("hec", url=http.url, token="t"), tmp_path, records(1))


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://collector.example", "unencrypted"), ("ftp://x", "no address"), ("https://[", "url")],
)
@pytest.mark.parametrize("to", ["hec", "webhook"])
def test_wrong_addresses(to: str, url: str, words: str, settings: Make, tmp_path: Path) -> None:
    """An address that cannot be called, or that others can listen to, is refused at once."""
    with pytest.raises(BadSettings, match=words):
        HttpWay(settings(to, url=url, token="t"), tmp_path)


def test_missing_secret(settings: Make, tmp_path: Path) -> None:
    """A file of a secret that is not there is a wrong setting."""
    with pytest.raises(BadSettings, match="url_file"):
        HttpWay(settings("webhook", url_file="none"), tmp_path)
