"""Every page and form is for whom the table says, and no route is outside of the table."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from gridtrail.server.console.places import PLACES, router
from gridtrail.server.roles import OPEN, ROLES, permits

_QUERIES = {
    "/event": {"id": "plain-001"},
    "/event/around": {"id": "plain-001"},
    "/logs/export": {"format": "csv"},
    "/person": {"id": "W0MATTHEW1"},
    "/address": {"ip": "203.0.113.7"},
    "/session": {"id": "12177102026566"},
    "/file": {"id": "F0GLENGARRY"},
    "/app": {"id": "A0BACKUP"},
    "/slack/signout": {"user": "W0MATTHEW1"},
    "/slack/signout/confirm": {"user": "W0MATTHEW1", "choice": "all"},
}
_FORMS = {
    "/findings/{finding_id}": {"note": "seen"},
    "/allow": {"user": "W0WALKED", "owner": "walk", "reason": "walked"},
    "/allow/slack": {"direction": "pull"},
    "/slack/signout": {"key": "0" * 32, "user": "W0MATTHEW1", "choice": "all"},
    "/slack/signout/several": {"key": "1" * 32, "user": "W0MATTHEW1", "choice": "all"},
    "/outgoing": {"message": "all"},
    "/people": {"email": "walk@acme.example", "role": "viewer"},
    "/query": {"sql": "select 1"},
    "/query/export": {"sql": "select 1", "format": "csv"},
    "/query/saved": {"sql": "select 1", "name": "walk"},
    "/tokens": {"name": "walk", "scope:auditlogs:read": "on"},
}


def _address(path: str) -> str:
    filled = path.format(
        finding_id="F0123456789abcdef",
        name="console.css",
        account_id="U0NOBODY",
        token_id="U0NONE",
        query_id="Q0",
        response_id="none",
        entry_id="none",
    )
    query = _QUERIES.get(path)
    return f"{filled}?{urlencode(query)}" if query else filled


def test_the_routes_are_the_table() -> None:
    """The console has the routes of PLACES and no others, each once."""
    routes = [(m, r.path) for r in router().routes for m in r.methods]  # type: ignore[attr-defined]
    assert sorted(routes) == sorted((one.method, one.path) for one in PLACES)
    assert len(set(routes)) == len(routes)


@pytest.mark.parametrize("place", PLACES, ids=lambda one: f"{one.method} {one.path}")
def test_a_place_is_for_its_roles(desk: Any, place: Any) -> None:
    """Who is permitted gets an answer, others 403, nobody is sent to sign in."""
    address = _address(place.path)
    for role in ROLES:
        if place.method == "GET":
            answer = desk.get(address, role)
        else:
            answer = desk.post(address, _FORMS.get(place.path, {}), cookie=desk.sign_in(role))
        if permits(role, place.permission):
            usual = {"/welcome": 404, "/signin": 401} if place.method == "POST" else {}
            usual |= {"/welcome": 404}
            assert answer.status_code == usual.get(place.path, answer.status_code)
            assert answer.status_code in (200, 204, 303, 404, 401, 409), (role, answer.text)
            assert answer.headers.get("location") != "/signin" or place.path == "/signout"
        else:
            assert answer.status_code == 403, role
            assert "does not permit" in answer.text


@pytest.mark.parametrize(
    "place", [one for one in PLACES if one.permission != OPEN], ids=lambda one: one.path
)
def test_nobody_gets_nothing(desk: Any, place: Any) -> None:
    """Without a session there is the way to sign in and not a word of the page."""
    address = _address(place.path)
    answer = desk.get(address, None) if place.method == "GET" else desk.post(address, {"csrf": ""})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/signin")
    assert answer.text == ""


def test_a_wrong_address_is_a_page_for_people_and_json_for_programs(desk: Any) -> None:
    """Browsers get a page with the menu; what is not a browser gets Slack's error."""
    page = desk.get("/nonsense", accept="text/html")
    assert page.status_code == 404
    assert "There is no page" in page.text
    for path in ("/nonsense", "/audit/v1/nonsense"):
        answer = desk.get(path, accept="application/json" if path == "/nonsense" else "text/html")
        assert answer.json()["error"] == "bad_endpoint"
