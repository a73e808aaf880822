"""Tokens by client credentials."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.http import HttpWay
from gridtrail.forward.ways.way import Busy, Closed
from gridtrail.settings_forward import ForwardSettings


def test_token_is_fetched_and_kept(
    http: Any,
    settings: Callable[..., ForwardSettings],
    records: Callable[[int], list[Sendable]],
    tmp_path: Path,
) -> None:
    """A token is fetched once, used while it holds, and fetched anew after it was refused."""
    http.said = json.dumps({"access_token": "given", "expires_in": 3600}).encode()
    target = settings(
        "webhook",
        url=f"{http.url}/in",
        oauth_url=f"{http.url}/token",
        oauth_client_id="id",
        oauth_client_secret="hidden",
        oauth_scope="https://monitor.azure.com/.default",
    )
    way = HttpWay(target, tmp_path)
    way.send(records(1), "n")
    way.send(records(1), "n")
    assert http.paths == ["/token", "/in", "/in"]
    assert b"client_secret=hidden" in http.bodies[0]
    assert http.headers[2]["authorization"] == "Bearer given"
    http.moods = [401]
    with pytest.raises(Closed):
        way.send(records(1), "n")
    way.send(records(1), "n")
    assert http.paths[-2:] == ["/token", "/in"]
    way.close()


@pytest.mark.parametrize(("status", "error"), [(500, Busy), (400, Closed)])
def test_no_token(
    status: int,
    error: type[Exception],
    http: Any,
    settings: Callable[..., ForwardSettings],
    records: Callable[[int], list[Sendable]],
    tmp_path: Path,
) -> None:
    """Without a token nothing is sent, and the reason does not hold the secret."""
    http.moods = [status]
    target = settings(
        "webhook",
        url=f"{http.url}/in",
        oauth_url=f"{http.url}/token",
        oauth_client_id="id",
        oauth_client_secret="hidden",
    )
    way = HttpWay(target, tmp_path)
    with pytest.raises(error) as raised:
        way.send(records(1), "n")
    assert "hidden" not in str(raised.value)
    assert http.paths == []
    way.close()
