"""Signing in with a password."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gridtrail.lake.query import EventFilter


@pytest.fixture
def door(desk: Any, serving: Any) -> Iterator[Callable[..., Any]]:
    """Tries to sign in at a server of its own, whose counts of tries are fresh."""
    with serving(desk.settings) as client:

        def knock(email: str, password: str, goal: str = "/") -> Any:
            form = {"email": email, "password": password, "next": goal}
            return client.post("/signin", data=form, follow_redirects=False)

        yield knock


def _kept(desk: Any, action: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = desk.data.lake.newest(
        EventFilter(actions=(action,), org="E0ACME", source="gridtrail")
    ).to_pylist()
    return rows


def test_the_right_password_begins_a_session(door: Any, desk: Any, password: str) -> None:
    """The cookie is for this site's pages alone, and leads to the page that was asked for."""
    answer = door(" Viewer@ACME.example ", password, "/findings?status=all")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/findings?status=all"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # the address is http
    value = cookie.partition("=")[2].partition(";")[0]
    page = desk.client.get("/findings", headers={"cookie": f"gridtrail_session={value}"})
    assert "A viewer" in page.text


def test_a_wrong_password_and_an_unknown_address_look_the_same(door: Any, password: str) -> None:
    """Nobody learns which accounts there are."""
    wrong = door("viewer@acme.example", password + "x")
    unknown = door("nobody@acme.example", password)
    assert wrong.status_code == unknown.status_code == 401
    assert "set-cookie" not in wrong.headers
    assert wrong.text.replace("viewer@", "nobody@") == unknown.text


def test_tries_are_limited(door: Any, password: str) -> None:
    """After a few tries for one address even the right password has to wait."""
    for _ in range(6):
        assert door("admin@acme.example", "wrong").status_code == 401
    answer = door("admin@acme.example", password)
    assert answer.status_code == 429
    assert "wait" in answer.text


def test_signing_out_ends_the_session(desk: Any) -> None:
    """The cookie is worth nothing afterwards."""
    cookie = desk.sign_in("viewer")
    assert desk.post("/signout", {}, cookie=cookie).headers["location"] == "/signin"
    answer = desk.client.get(
        "/findings", headers={"cookie": f"gridtrail_session={cookie}"}, follow_redirects=False
    )
    assert answer.headers["location"].startswith("/signin")


def test_signing_in_and_failing_to_are_in_the_lake(desk: Any, serving: Any, password: str) -> None:
    """Both are audit events with Slack's names, moved when the server ends at the latest."""
    with serving(desk.settings) as client:
        for tried in (password, "wrong"):
            form = {"email": "audit_logs_admin@acme.example", "password": tried}
            client.post("/signin", data=form, follow_redirects=False)
    for action in ("user_login", "user_login_failed"):
        names = [row["actor_name"] for row in _kept(desk, action)]
        assert "A audit_logs_admin" in names, action
