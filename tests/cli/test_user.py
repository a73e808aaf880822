"""`gridtrail user` invites, lists and revokes people."""

from __future__ import annotations

from typing import Any


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


def test_what_cannot_be_an_account_is_refused(gridtrail: Any) -> None:
    """An unknown role or person is wrong use."""
    assert gridtrail("user", "add", "bo@acme.example", "--role", "root").code == 2
    assert gridtrail("user", "revoke", "nobody").code == 2
