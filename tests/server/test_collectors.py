"""The request patterns of three collectors: each event arrives exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

LOGS = "/audit/v1/logs"


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def elastic(client: httpx.Client, oldest: int, limit: int) -> list[dict[str, Any]]:
    """One poll: `oldest` with each request, an empty cursor at first, a parameter of its own."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        parameters: dict[str, Any] = {"limit": limit, "oldest": oldest, "cursor": cursor}
        answer = client.get(LOGS, params={**parameters, "max_date_seen_so_far": oldest})
        body = answer.raise_for_status().json()
        found += body["entries"]
        cursor = body["response_metadata"]["next_cursor"]
        if not cursor:
            return found


def test_elastic(tenant: Any, make_event: Any, noon: int) -> None:
    """Elastic: re-reads the newest second inclusively and drops what it knows by id."""
    server, token = tenant.server, tenant.token()
    batches = [
        [make_event(f"a{n}", n // 4) for n in range(40)],
        [make_event(f"b{n}", 9 + n // 5) for n in range(40)],  # some in the last second seen
        [],
        [make_event("c", 500), make_event("d", 16)],  # d in the last second seen
    ]
    known: dict[str, int] = {}
    oldest = noon
    with server.client(token) as client:
        for batch in batches:
            tenant.fill(batch)
            poll = elastic(client, oldest, 7)
            assert len(set(ids(poll))) == len(poll)
            assert all(event["date_create"] >= oldest for event in poll)
            new = {e["id"]: e["date_create"] for e in poll if e["id"] not in known}
            assert set(new) == set(ids(batch))
            known |= new
            oldest = max(known.values())


def sentinel(url: str, token: str, first: int, last: int) -> Iterator[dict[str, Any]]:
    """One window: the address put together as text, one `=` of the cursor quoted by hand."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    cursor = ""
    while True:
        address = f"{url}{LOGS}?oldest={first}&latest={last}&limit=999"
        if cursor:
            address += f"&cursor={cursor}"
        body = httpx.get(httpx.URL(address), headers=headers, timeout=120).raise_for_status().json()
        yield from body["entries"]
        cursor = body["response_metadata"]["next_cursor"].replace("=", "%3D", 1)
        if not cursor:
            return


def test_sentinel(tenant: Any, make_event: Any, noon: int) -> None:
    """Sentinel: windows of five minutes side by side give each event once."""
    events = [make_event(f"id{n}", n // 8) for n in range(4000)]
    tenant.fill([*events, *(make_event(f"burst{n}", 299) for n in range(1500))])
    server, token = tenant.server, tenant.token()
    found: list[dict[str, Any]] = []
    for first in range(noon, noon + 600, 300):
        window = list(sentinel(server.url, token, first, first + 299))
        assert all(first <= event["date_create"] <= first + 299 for event in window)
        found += window
    assert len(found) == 5500
    assert len(set(ids(found))) == 5500


def xsoar(client: httpx.Client, oldest: int, last_id: str | None) -> list[dict[str, Any]]:
    """One fetch: filters on the first request alone, newest to oldest until the last known id."""
    found: list[dict[str, Any]] = []
    parameters: dict[str, Any] = {"limit": 200, "oldest": oldest}
    while True:
        body = client.get(LOGS, params=parameters).raise_for_status().json()
        for event in body["entries"]:
            if event["id"] == last_id:
                return found
            found.append(event)
        cursor = body["response_metadata"]["next_cursor"]
        if not cursor:
            return found
        parameters = {"limit": 200, "cursor": cursor}


def test_xsoar(tenant: Any, make_event: Any, noon: int) -> None:
    """Cortex XSOAR: with the cursor alone paging stays inside the first request's window."""
    tenant.fill([make_event(f"old{n}", n // 3) for n in range(900)])
    server, token = tenant.server, tenant.token()
    with server.client(token) as client:
        first = xsoar(client, noon + 100, None)
        expected = [f"old{n}" for n in range(900) if n // 3 >= 100]
        assert sorted(ids(first)) == sorted(expected)
        tenant.fill([make_event(f"new{n}", 300 + n // 3) for n in range(700)])
        second = xsoar(client, noon + 100, first[0]["id"])
        assert sorted(ids(second)) == sorted(f"new{n}" for n in range(700))


def test_restart(data: Any, serve: Any, make_event: Any) -> None:
    """A cursor goes on after the server was ended and started again."""
    events = [make_event(f"id{n:02}", n) for n in range(30)]
    data.fill(events)
    token = data.token()
    found: list[dict[str, Any]] = []
    cursor = None
    while cursor != "":
        server = serve(data)
        with server.client(token) as client:
            given = {"limit": 16} if cursor is None else {"cursor": cursor}
            body = client.get(LOGS, params=given).json()
        assert server.stop() == 0
        found += body["entries"]
        cursor = body["response_metadata"]["next_cursor"]
    assert found == events[::-1]
