"""Owners invite, change and revoke people; every change is in the trail."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import Trail
from gridtrail.server.accounts import Account, AccountStore


def _account(desk: Any, email: str) -> Account:
    with AccountStore(desk.settings.state) as store:
        return next(one for one in store.list() if one.email == email)


def _kept(desk: Any, action: str, entity: str) -> str:
    with Trail(desk.settings.state) as trail:
        trail.move(desk.data.lake)
    wanted = EventFilter(actions=(action,), entity=entity, org="E0ACME")
    (row,) = desk.data.lake.newest(wanted).to_pylist()
    assert row["actor_name"] == "A owner"
    return str(row["details"])


def test_an_invited_person_signs_in_by_the_link_that_was_shown_once(
    desk: Any, password: str
) -> None:
    """The link stands on the answer of the form and nowhere else; it leads to a password."""
    form = {"email": "Nina@acme.example", "name": "Nina <b>", "role": "audit_logs_admin"}
    page = desk.post("/people", form, cookie=desk.sign_in("owner"))
    assert page.status_code == 200
    key = re.search(r"/welcome\?key=([\w-]{30,})", page.text)
    assert key is not None
    assert "Nina &lt;b&gt;" in page.text
    assert key[1] not in desk.get("/people").text
    set_ = {"key": key[1], "password": password, "again": password}
    assert desk.post("/welcome", set_).status_code == 303
    nina = _account(desk, "nina@acme.example")
    assert (nina.role, nina.state) == ("audit_logs_admin", "active")
    assert '"role":"audit_logs_admin"' in _kept(desk, "user_created", nina.id)


def test_another_role_holds_from_the_next_request_on(desk: Any) -> None:
    """Somebody's open session may no longer what the new role does not permit."""
    with AccountStore(desk.settings.state) as store:
        account, link = store.add("rita@acme.example", "Rita", "admin")
        store.use_link(link, "none")
    desk.accounts["rita"] = account.id
    desk.cookies["rita"] = desk.sign_in("rita")
    assert desk.get("/logs", "rita").status_code == 200
    form = {"do": "role", "role": "viewer"}
    answer = desk.post(f"/people/{account.id}", form, cookie=desk.sign_in("owner"))
    assert answer.headers["location"] == "/people"
    assert desk.get("/logs", "rita").status_code == 403
    details = _kept(desk, "gridtrail_account_role_changed", account.id)
    assert '"previous_role":"admin"' in details
    assert '"role":"viewer"' in details


def test_a_revoked_person_is_out_at_once(desk: Any) -> None:
    """Their session ends, their link is void, and the list says so."""
    with AccountStore(desk.settings.state) as store:
        account, link = store.add("gus@acme.example", "Gus", "viewer")
    desk.accounts["gus"] = account.id
    desk.cookies["gus"] = desk.sign_in("gus")
    owner = desk.sign_in("owner")
    again = desk.post(f"/people/{account.id}", {"do": "link"}, cookie=owner)
    assert "/welcome?key=" in again.text
    assert link not in again.text
    assert desk.post(f"/people/{account.id}", {"do": "revoke"}, cookie=owner).status_code == 303
    assert desk.get("/findings", "gus").status_code == 303
    newer = re.search(r"/welcome\?key=([\w-]+)", again.text)
    assert newer is not None
    assert desk.get(f"/welcome?key={newer[1]}", None).status_code == 404
    assert _kept(desk, "user_deactivated", account.id)
    assert desk.post(f"/people/{account.id}", {"do": "link"}, cookie=owner).status_code == 404


@pytest.mark.parametrize(
    ("path", "form", "said"),
    [
        ("/people", {"email": "nobody", "role": "viewer"}, "no e-mail address"),
        ("/people", {"email": "x@acme.example", "role": "root"}, "no role"),
        ("/people", {"email": "viewer@acme.example", "role": "viewer"}, "already"),
        ("/people/{owner}", {"do": "role", "role": "viewer"}, "last owner"),
        ("/people/{owner}", {"do": "revoke"}, "last owner"),
        ("/people/{owner}", {"do": "x"}, "what to do"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    desk: Any, path: str, form: dict[str, str], said: str
) -> None:
    """A refusal names what was wrong; the last owner stays."""
    cookie = desk.sign_in("owner")
    answer = desk.post(path.format(owner=desk.accounts["owner"]), form, cookie=cookie)
    assert answer.status_code == 400
    assert said in answer.text
    assert _account(desk, "owner@acme.example").role == "owner"
