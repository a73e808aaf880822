"""`gridtrail token`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gridtrail.server.tokens import TokenStore


def test_shown_once(gridtrail: Any, data: Path) -> None:
    """stdout of `add` is the token alone; afterwards only its name and rights can be seen."""
    added = gridtrail("token", "add", "siem", "--org", "E0ACME")
    secret = added.text.strip()
    assert (added.code, added.text) == (0, secret + "\n")
    with TokenStore(data / "state.db") as store:
        found = store.find(secret)
    assert found is not None
    assert (found.name, found.org, found.scopes) == ("siem", "E0ACME", ("auditlogs:read",))
    for output in ("table", "json", "csv"):
        listed = gridtrail("token", "list", "--format", output)
        assert "siem" in listed.text
        assert secret not in listed.text


def test_options(gridtrail: Any) -> None:
    """Scopes, lifetime and the beginning of the token are as asked for."""
    asked = ["--scope", "auditlogs:read", "--scope", "auditlogs:write", "--expires", "2h"]
    added = gridtrail("token", "add", "app", *asked, "--prefix", "xoxp-", "--format", "json")
    (row,) = json.loads(added.text)
    assert row["token"].startswith("xoxp-")
    assert row["scopes"] == ["auditlogs:read", "auditlogs:write"]
    assert row["expires_at"] - row["created_at"] == 7200
    assert row["state"] == "active"


def test_revoke(gridtrail: Any) -> None:
    """A revoked token is listed as such."""
    gridtrail("token", "add", "siem")
    assert gridtrail("token", "revoke", "siem").code == 0
    (row,) = json.loads(gridtrail("token", "list", "--format", "json").text)
    assert row["state"] == "revoked"


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "x", "--scope", "all"),
        ("add", "x", "--expires", "soon"),
        ("add", "x", "--prefix", "p"),
        ("add", "x", "--org", "a/b"),
        ("revoke", "nobody"),
    ],
)
def test_wrong_use(gridtrail: Any, arguments: tuple[str, ...]) -> None:
    """What cannot be is exit code 2 and one sentence."""
    result = gridtrail("token", *arguments)
    assert (result.code, result.out) == (2, b"")
    assert result.err.startswith("gridtrail: ")
