"""Owners make and revoke API tokens; a token is shown once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import Trail


def test_a_token_is_shown_once_works_and_can_be_revoked(desk: Any) -> None:
    """The API takes it until it is revoked; both changes are in the trail."""
    owner = desk.sign_in("owner")
    form = {"name": "reader <i>", "scope:auditlogs:read": "on", "lifetime": "30 days"}
    page = desk.post("/tokens", form, cookie=owner)
    found = re.search(r'value="(gtp-[\w-]+)"', page.text)
    assert found is not None
    assert "reader &lt;i&gt;" in page.text
    later = desk.get("/tokens").text
    assert found[1] not in later
    sent = {"Authorization": f"Bearer {found[1]}"}
    assert desk.client.get("/audit/v1/logs?limit=1", headers=sent).json()["entries"]
    which = re.search(r'reader &lt;i&gt;.*?/tokens/(U[A-Z0-9]{10})"', later, re.DOTALL)
    assert which is not None
    assert desk.post(f"/tokens/{which[1]}", {}, cookie=owner).headers["location"] == "/tokens"
    assert desk.client.get("/audit/v1/logs?limit=1", headers=sent).json()["ok"] is False
    with Trail(desk.settings.state) as trail:
        trail.move(desk.data.lake)
    wanted = EventFilter(entity=which[1], org="E0ACME")
    actions = sorted(row["action"] for row in desk.data.lake.newest(wanted).to_pylist())
    assert actions == ["gridtrail_token_created", "gridtrail_token_revoked"]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"name": "none"}, "needs a scope"),
        ({"name": "bad", "scope:root": "on"}, "no scope"),
        ({"name": "", "scope:admin": "on"}, "name has"),
        ({"name": "long", "scope:admin": "on", "lifetime": "ever"}, "no lifetime"),
    ],
)
def test_what_cannot_be_a_token_is_refused(desk: Any, form: dict[str, str], said: str) -> None:
    """The page says why, and makes none."""
    answer = desk.post("/tokens", form, cookie=desk.sign_in("owner"))
    assert answer.status_code == 400
    assert said in answer.text
    assert "gtp-" not in answer.text
