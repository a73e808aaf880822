"""API tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gridtrail.errors import WrongUse
from gridtrail.server.tokens import TokenStore
from gridtrail.state.database import open_state


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[TokenStore]:
    with TokenStore(tmp_path / "state.db", clock=clock) as opened:
        yield opened


def test_found_by_its_secret(store: TokenStore) -> None:
    """A token is found by its plaintext and by nothing else."""
    token, secret = store.create("siem", org="E0ACME")
    assert store.find(secret) == token
    assert secret.startswith("gtp-")
    assert len(secret) > 40
    for other in ("", "gtp-", secret[:-1], secret + "x", secret.upper(), token.id, "\ud800"):
        assert store.find(other) is None


def test_secret_is_not_stored(store: TokenStore, tmp_path: Path) -> None:
    """No file of the store holds the plaintext, and two tokens never share it."""
    secrets = {store.create(f"t{n}", org="E0ACME")[1] for n in range(20)}
    assert len(secrets) == 20
    for file in tmp_path.iterdir():
        assert not any(secret[4:].encode() in file.read_bytes() for secret in secrets)


def test_slacks_prefix(store: TokenStore) -> None:
    """A token may begin as Slack's do, for clients that look at it."""
    _, secret = store.create("old client", org="E0ACME", prefix="xoxp-")
    assert secret.startswith("xoxp-")
    assert store.find(secret) is not None


def test_expires(store: TokenStore, clock: Clock) -> None:
    """A token with a lifetime is active until its last second and not after it."""
    token, _ = store.create("short", org="E0ACME", seconds=60)
    clock.now += 59.9
    assert store.state(token) == "active"
    clock.now += 0.1
    assert store.state(token) == "expired"
    store.create("short", org="E0ACME")  # the name is free again


def test_revoked(store: TokenStore, clock: Clock) -> None:
    """A revoked token is told apart from an unknown one; revoking again changes nothing."""
    token, secret = store.create("siem", org="E0ACME")
    first = store.revoke("siem")
    clock.now += 5
    assert store.revoke(token.id) == first
    found = store.find(secret)
    assert found is not None
    assert store.state(found) == "revoked"
    with pytest.raises(WrongUse, match="token list"):
        store.revoke("siem")


def test_list(store: TokenStore) -> None:
    """All tokens are listed with what they may do, oldest first."""
    store.create("a", org="E0ACME")
    store.create("b", org="E0OTHER", scopes=["auditlogs:write", "admin", "admin"])
    listed = store.list()
    assert {t.name: t.scopes for t in listed} == {
        "a": ("auditlogs:read",),
        "b": ("auditlogs:write", "admin"),
    }


def test_last_used(store: TokenStore) -> None:
    """When a token was last used is kept; an unknown id is no matter."""
    token, _ = store.create("siem", org="E0ACME")
    store.used({token.id: 1_700_000_123, "UGONE": 5})
    store.used({})
    assert [t.last_used_at for t in store.list()] == [1_700_000_123]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "printable"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "x" * 101}, "printable"),
        ({"name": "taken"}, "already"),
        ({"org": "../x"}, "organization"),
        ({"org": ""}, "organization"),
        ({"scopes": []}, "needs a scope"),
        ({"scopes": ["everything"]}, "no scope 'everything'"),
        ({"seconds": 0}, "longer than 0"),
        ({"prefix": "key-"}, "gtp- or xoxp-"),
    ],
)
def test_refused(store: TokenStore, changes: dict[str, object], said: str) -> None:
    """What cannot be a token is refused with a sentence, and nothing is stored."""
    store.create("taken", org="E0ACME")
    with pytest.raises(WrongUse, match=said):
        store.create(**{"name": "new", "org": "E0ACME", **changes})  # type: ignore[arg-type]
    assert len(store.list()) == 1


def test_beside_findings(tmp_path: Path) -> None:
    """The tokens live in the same file as the findings, and neither minds the other."""
    from gridtrail.triage.store import FindingStore

    with FindingStore(tmp_path / "state.db"), TokenStore(tmp_path / "state.db") as tokens:
        tokens.create("siem", org="E0ACME")
    engine = open_state(tmp_path / "state.db")
    assert {"tokens", "findings"} <= set(sa.inspect(engine).get_table_names())
    engine.dispose()
