"""`gridtrail show`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Store = Callable[..., None]


@pytest.fixture
def filled(event: Make, store: Store) -> None:
    stranger = {"type": "user", "user": {"id": "W0OTHER001", "name": "Ann Ott"}}
    elsewhere = {"ua": "curl/8.5.0", "ip_address": "198.51.100.7", "session_id": 5}
    store(
        [
            event(0),
            event(1, "user_login", context=elsewhere),
            event(2, actor=stranger, context=elsewhere),
            event(3, actor=stranger, context={"session_id": 9}),
            event(7200),
        ]
    )


@pytest.mark.usefixtures("filled")
def test_page(gridtrail: Run) -> None:
    """The page has the event as it came and what is known of its address and client."""
    result = gridtrail("show", "event-0001")
    assert result.code == 0
    assert '  "action": "user_login",' in result.text.splitlines()
    assert "E0KESTREL, from import" in result.text
    assert "198.51.100.7: " in result.text
    assert "curl 8.5.0" in result.text
    assert "Around it" not in result.text


@pytest.mark.usefixtures("filled")
def test_surroundings(gridtrail: Run) -> None:
    """--context adds the events of the same actor, session or address, the event marked."""
    lines = gridtrail("show", "event-0001", "--context", "30m").text.split("Around it")[1]
    assert [line.strip()[0] for line in lines.splitlines() if "event-" in line] == ["2", ">", "2"]
    found = gridtrail("show", "event-0001", "--context", "30m", "-f", "json").json
    assert [row["id"] for row in found["around"]] == ["event-0000", "event-0001", "event-0002"]
    wider = gridtrail("show", "event-0001", "--context", "3h", "-f", "ndjson").rows
    assert [row["id"] for row in wider][-1] == "event-7200"


@pytest.mark.usefixtures("filled")
def test_json(gridtrail: Run) -> None:
    """The JSON holds the raw event, the address, the client, and nothing around unless asked."""
    found = gridtrail("show", "event-0001", "-f", "json").json
    assert list(found) == ["event", "address", "client"]
    assert found["event"]["context"]["session_id"] == 5
    assert found["address"]["ip"] == "198.51.100.7"
    assert found["client"]["family"] == "curl"


def test_numbers_are_not_rewritten(gridtrail: Run, store: Store) -> None:
    """Numbers of the raw event stand in the JSON as they came."""
    store(['{"id":"e1","action":"x","date_create":1790000000,"details":{"n":1.10}}'])
    assert b'{"n":1.10}' in gridtrail("show", "e1", "-f", "json").out


def test_event_without_address_and_client(gridtrail: Run, store: Store) -> None:
    """What the event does not have is left out."""
    store(['{"id":"e1","action":"x","date_create":1790000000}'])
    assert "address" not in gridtrail("show", "e1").text
    found = gridtrail("show", "e1", "-f", "json").json
    assert (found["address"], found["client"]) == (None, None)


@pytest.mark.usefixtures("filled")
def test_rows(gridtrail: Run) -> None:
    """NDJSON and CSV print rows of the lake's columns."""
    assert [row["id"] for row in gridtrail("show", "event-0001", "-f", "ndjson").rows] == [
        "event-0001"
    ]
    assert len(gridtrail("show", "event-0001", "-f", "csv").text.splitlines()) == 2


def test_wrong_duration(gridtrail: Run) -> None:
    """A context that is no duration is wrong use."""
    result = gridtrail("show", "e1", "--context", "soon")
    assert result.code == 2
    assert "30m" in result.err
