"""Signing in with an OpenID Connect provider that runs as a process of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from gridtrail.server.console.oidc import role_of
from gridtrail.settings_openid import OpenIDSettings

_PEOPLE = (
    {"sub": "viewer", "email": "viewer@acme.example", "email_verified": True},
    {"sub": "new", "email": "new@acme.example", "email_verified": True, "groups": ["soc", "x"]},
    {"sub": "nobody", "email": "nobody@acme.example", "email_verified": True},
    {"sub": "unsure", "email": "owner@acme.example", "email_verified": False},
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The address of a provider that knows some people."""
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", "0"]
    for one in _PEOPLE:
        command += ["--user-claims", json.dumps(one)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            yield found.group(0)
            break
    else:
        pytest.fail(said)
    process.terminate()
    process.communicate()


Door = Callable[..., httpx.Response]


@pytest.fixture
def openid(issuer: str) -> OpenIDSettings:
    """Settings that make accounts of the group `soc`."""
    return OpenIDSettings(
        issuer=issuer,
        client_id="gridtrail",
        client_secret=SecretStr("whatever"),
        roles={"soc": "audit_logs_admin"},
        make_accounts=True,
    )


@pytest.fixture
def door(desk: Any, serving: Any, openid: OpenIDSettings) -> Iterator[Door]:
    """Goes to the provider as `sub` and comes back, with changes of the answer's parameters."""
    with serving(desk.settings.model_copy(update={"openid": openid})) as client:

        def enter(sub: str, goal: str = "/findings", **changes: str) -> httpx.Response:
            left = client.get("/signin/openid", params={"next": goal}, follow_redirects=False)
            assert left.status_code == 303, left.text
            there = left.headers["location"]
            asked = parse_qs(urlsplit(there).query)
            assert asked["code_challenge_method"] == ["S256"]
            back = httpx.post(there, data={"sub": sub}, follow_redirects=False, timeout=120)
            assert back.status_code == 302, back.text
            query = {k: v[0] for k, v in parse_qs(urlsplit(back.headers["location"]).query).items()}
            got: httpx.Response = client.get(
                "/signin/openid/back", params=query | changes, follow_redirects=False
            )
            return got

        yield enter


def test_who_has_an_account_gets_in(door: Door) -> None:
    """The provider's person has a session, and gets to the page that was asked for."""
    answer = door("viewer")
    assert (answer.status_code, answer.headers["location"]) == (303, "/findings")
    assert "gridtrail_session=" in answer.headers["set-cookie"]


def test_a_group_gives_an_account(door: Door, desk: Any) -> None:
    """Who comes for the first time gets the role of the group, and it is in the trail."""
    assert door("new").status_code == 303
    people = desk.get("/people").text
    assert "new@acme.example" in people
    assert door("new").status_code == 303


@pytest.mark.parametrize(
    ("sub", "changes", "words"),
    [
        ("nobody", {}, "has no account here"),
        ("unsure", {}, "did not verify"),
        ("viewer", {"state": "another"}, "was not begun here"),
        ("viewer", {"iss": "https://evil.example"}, "did not sign you in"),
        ("viewer", {"error": "access_denied"}, "did not sign you in"),
        ("viewer", {"code": "another"}, "refuses to say"),
    ],
)
def test_nobody_else_gets_in(door: Door, sub: str, changes: dict[str, str], words: str) -> None:
    """Strangers, unverified addresses and answers that are not to our question are refused."""
    answer = door(sub, **changes)
    assert answer.status_code == 401
    assert words in answer.text
    assert "gridtrail_session=" not in answer.headers.get("set-cookie", "")


def test_an_answer_counts_once(desk: Any, serving: Any, openid: OpenIDSettings) -> None:
    """An answer without the browser's cookie is not taken."""
    with serving(desk.settings.model_copy(update={"openid": openid})) as client:
        answer = client.get("/signin/openid/back", params={"state": "x", "code": "y"})
        assert answer.status_code == 401
        assert "was not begun here" in answer.text


def test_passwords_can_be_off(
    desk: Any, serving: Any, openid: OpenIDSettings, password: str
) -> None:
    """Then the form has none, and the right one is refused."""
    only = openid.model_copy(update={"passwords": False, "name": "Acme"})
    with serving(desk.settings.model_copy(update={"openid": only})) as client:
        page = client.get("/signin").text
        assert "Sign in with Acme" in page
        assert "password" not in page
        form = {"email": "viewer@acme.example", "password": password}
        assert client.post("/signin", data=form).status_code == 403


def test_without_a_provider_there_is_no_such_door(desk: Any) -> None:
    """Nothing of it is shown, and its addresses lead nowhere."""
    assert desk.get("/signin/openid", None).status_code == 404
    assert "Sign in with" not in desk.get("/signin", None).text


def test_the_strongest_role_counts() -> None:
    """Of an address and several groups the strongest role is given; of none, none."""
    settings = OpenIDSettings(roles={"a": "viewer", "b": "admin", "ann@acme.example": "owner"})
    assert role_of(settings, "bob@acme.example", {"groups": ["a", "b"]}) == "admin"
    assert role_of(settings, "ann@acme.example", {"groups": "a"}) == "owner"
    assert role_of(settings, "bob@acme.example", {"groups": [{"a": 1}, "c"]}) is None
