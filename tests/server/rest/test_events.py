"""Events of the API: the filters, the pages, one whole event."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from gridtrail.server.rest.events import EVENT_FIELDS


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ({}, ()),
        ({"actor": "W0MATTHEW1"}, ("--actor", "W0MATTHEW1")),
        ({"action": "anomaly,file_downloaded"}, ("--action", "anomaly,file_downloaded")),
        ({"reason": "user_agent"}, ("--reason", "user_agent")),
        ({"text": "PLAIN-00"}, ("--text", "PLAIN-00")),
        ({"oldest": "2023-11-15T12:00:05"}, ("--oldest", "2023-11-15T12:00:05")),
        ({"latest": "1700049601"}, ("--latest", "1700049601")),
    ],
)
def test_the_command_line_gives_the_same_events(
    api: Any, query: dict[str, str], options: tuple[str, ...]
) -> None:
    """`logs --format json` and the API give equal JSON for equal filters."""
    found = api.get("/events", limit=1000, source="post", **query)["events"]
    told = api.cli("logs", "--org", "E0ACME", "--limit", "1000", *options)
    assert found == [row for row in told if row["source"] == "post"]
    assert found
    assert all(set(row) == set(EVENT_FIELDS) for row in found)


def test_a_page_goes_on_where_the_one_before_ended(api: Any, make_event: Any) -> None:
    """Paging gives each event once, also when newer and older ones arrive meanwhile."""
    wanted = {"actor": "W0PAGES", "limit": 4}
    api.data.fill([make_event(f"page-{n:02}", n // 5, actor="W0PAGES") for n in range(17)])
    seen, cursor = [], None
    while True:
        page = api.get("/events", **wanted, **({"cursor": cursor} if cursor else {}))
        seen += [row["id"] for row in page["events"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        api.data.fill([make_event(f"new-{len(seen)}", 900 + len(seen), actor="W0PAGES")])
    assert seen == [f"page-{n:02}" for n in reversed(range(17))]


def test_a_cursor_is_of_its_listing_and_organization(api: Any) -> None:
    """That of another listing, a cut one and another organization's are refused in words."""
    cursor = api.get("/events", limit=1)["next_cursor"]
    for path, token, text in (
        ("/anomalies", api.reads, cursor),
        ("/findings", api.reads, cursor),
        ("/events", api.reads, cursor[:-3]),
        ("/events", api.reads, "ü"),
        ("/events", api.other, cursor),
    ):
        refused = api.call("GET", path, token=token, params={"cursor": text})
        assert refused.status_code == 400, path
        assert refused.json()["error"] == "invalid_cursor"


def test_one_event_is_as_it_came(api: Any) -> None:
    """`show --format json` and the API give equal JSON, with the surroundings when asked for."""
    assert api.get("/events/plain-004") == api.cli("show", "plain-004")
    near = api.get("/events/plain-004", context="30m")
    told = api.cli("show", "plain-004", "--context", "30m")
    assert near == told
    assert len(near["around"]) > 3


def test_an_event_of_any_id_is_found(api: Any, attack: str) -> None:
    """Slashes and dots in an id are no path, and no digit of a number is changed."""
    found = api.get("/events/" + quote(f"{attack}0", safe=""))
    assert found["event"]["id"] == f"{attack}0"
    assert found["event"]["details"] == {attack: 10**30}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({"actr": "x"}, 422, "unknown_parameter"),
        ({"limit": "0"}, 422, "invalid_parameter"),
        ({"limit": "many"}, 422, "invalid_parameter"),
        ({"actor": ""}, 422, "invalid_parameter"),
        ({"by": "me"}, 422, "invalid_parameter"),
        ({"oldest": "yesterday"}, 400, "invalid_request"),
        ({"oldest": "2023-11-16", "latest": "2023-11-15"}, 400, "invalid_request"),
        ({"action": ",".join(f"a{n}" for n in range(31))}, 400, "invalid_request"),
    ],
)
def test_bad_parameters_are_refused_in_one_shape(
    api: Any, query: dict[str, str], status: int, code: str
) -> None:
    """The code is for programs, the message names what is wrong and ends with the next step."""
    refused = api.call("GET", "/events", params=query)
    assert (refused.status_code, refused.json()["error"]) == (status, code)
    message = refused.json()["message"]
    assert message.endswith(".")
    assert ": " in message
    if status == 422:
        assert refused.json()["parameter"] == next(iter(query))


def test_reading_leaves_a_trail(api: Any) -> None:
    """Searches and reads are audit events of whoever has the token."""
    api.get("/events", actor="W0TRAILED")
    api.get("/events/plain-001")
    kept = {one["action"]: one for one in api.trail()}
    assert kept["audit_logs_records_searched"]["details"]["application"] == "gridtrail"
    assert kept["gridtrail_event_read"]["entity"]["audit_event"]["id"]
    assert "W0TRAILED" in json.dumps(api.trail())
    assert {one["actor"]["user"]["name"][:4] for one in kept.values()} == {"test"}


def test_another_organization_sees_nothing(api: Any) -> None:
    """A token's organization is all there is."""
    rows = api.call("GET", "/events", token=api.other, params={"source": "post"}).json()["events"]
    assert [row["id"] for row in rows] == ["somebody-elses"]
    assert api.call("GET", "/events/plain-001", token=api.other).status_code == 404
