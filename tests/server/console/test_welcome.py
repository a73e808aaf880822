"""A one-time link sets a password once."""

from __future__ import annotations

from typing import Any

from gridtrail.server.accounts import AccountStore
from gridtrail.settings import Settings


def test_the_first_link_makes_the_owner(new_data: Any, serving: Any, password: str) -> None:
    """On a new installation the link asks for a name, makes the owner and signs them in."""
    settings = Settings(data=new_data().path)
    with AccountStore(settings.state) as accounts:
        key = accounts.first_link()
    form = {"key": key, "email": "ann@acme.example", "name": "Ann", "password": password}
    with serving(settings) as client:
        assert 'name="email"' in client.get(f"/welcome?key={key}").text
        short = client.post("/welcome", data={**form, "password": "short", "again": "short"})
        assert short.status_code == 400
        assert "12 to 256" in short.text
        differ = client.post("/welcome", data={**form, "again": password + "x"})
        assert "differ" in differ.text
        done = client.post("/welcome", data={**form, "again": password}, follow_redirects=True)
        assert "Nothing to look at" in done.text
        assert "Ann" in done.text
        assert client.get(f"/welcome?key={key}").status_code == 404
        assert client.post("/welcome", data={**form, "again": password}).status_code == 404


def test_a_new_password_ends_the_older_sessions(desk: Any, password: str) -> None:
    """Whoever held a session of the account has to sign in again."""
    cookie = desk.sign_in("viewer")
    with AccountStore(desk.settings.state) as accounts:
        key = accounts.link("viewer@acme.example")[1]
    form = {"key": key, "password": password, "again": password}
    assert desk.post("/welcome", form).status_code == 303
    answer = desk.client.get("/findings", headers={"cookie": f"gridtrail_session={cookie}"})
    assert "Sign in to Gridtrail" in answer.text or answer.status_code == 303
    desk.cookies["viewer"] = desk.sign_in("viewer")
