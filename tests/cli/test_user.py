"""`gridtrail user` invites, lists and revokes people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gridtrail.respond.trail import Trail
from gridtrail.server.accounts import AccountStore


def test_somebody_is_invited_listed_and_revoked(gridtrail: Any) -> None:
    """The link goes to stdout alone; the list knows the role and the state."""
    added = gridtrail("user", "add", "Bo@acme.example", "--role", "audit_logs_admin")
    assert added.code == 0
    assert "/welcome?key=" in added.text
    assert "bo@acme.example is invited as audit_logs_admin" in added.err
    again = gridtrail("user", "link", "bo@acme.example")
    assert again.text != added.text
    (row,) = gridtrail("user", "list", "--format", "json").json
    assert (row["name"], row["role"], row["state"]) == ("Bo", "audit_logs_admin", "invited")
    assert gridtrail("user", "revoke", row["id"]).code == 0
    (row,) = gridtrail("user", "list", "--format", "json").json
    assert row["state"] == "revoked"


def test_somebody_gets_another_role(gridtrail: Any, data: Path) -> None:
    """By address or id, and it is on the trail with the role before; the same role again changes
    nothing. The last owner stays one, and a role or a person must be there."""
    gridtrail("user", "add", "bo@acme.example")
    done = gridtrail("user", "role", "bo@acme.example", "admin")
    assert done.code == 0
    assert "bo@acme.example is admin now, and was viewer" in done.err
    (row,) = gridtrail("user", "list", "--format", "json").json
    assert row["role"] == "admin"
    same = gridtrail("user", "role", row["id"], "admin")
    assert (same.code, "is admin already" in same.err) == (0, True)
    assert gridtrail("user", "role", "bo@acme.example", "root").code == 2
    assert gridtrail("user", "role", "nobody", "viewer").code == 2
    with AccountStore(data / "state.db") as store:
        _, secret = store.add("ann@acme.example", "Ann", "owner")
        store.use_link(secret, "stored form")
    last = gridtrail("user", "role", "ann@acme.example", "viewer")
    assert (last.code, "is the last owner" in last.err) == (2, True)
    with Trail(data / "state.db") as trail:
        kept = [json.loads(one["details"]) for one in trail.waiting("default")
                if one["action"] == "gridtrail_account_role_changed"]  # fmt: skip
    assert [(one["previous_role"], one["role"]) for one in kept] == [("viewer", "admin")]


def test_what_cannot_be_an_account_is_refused(gridtrail: Any) -> None:
    """An unknown role or person is wrong use."""
    assert gridtrail("user", "add", "bo@acme.example", "--role", "root").code == 2
    assert gridtrail("user", "revoke", "nobody").code == 2
