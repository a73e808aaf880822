"""Accounts are made by one-time links and never shown more than once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtrail.errors import WrongUse
from gridtrail.server.accounts import LINK_SECONDS, AccountStore


class Clock:
    """A clock that stands still until it is moved; seconds."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[AccountStore]:
    """An empty store."""
    with AccountStore(tmp_path / "state.db", clock=clock) as opened:
        yield opened


def test_the_first_link_makes_the_owner_and_there_is_no_second(store: AccountStore) -> None:
    """Without an owner there is a link; used once it is void, and no other is made."""
    link = store.first_link()
    assert link is not None
    assert store.linked(link) == (True, None)
    owner = store.use_link(link, "hash", email=" Ann@Acme.Example ", name="Ann")
    assert (owner.email, owner.role, owner.state) == ("ann@acme.example", "owner", "active")
    assert store.first_link() is None
    assert store.linked(link) == (False, None)
    with pytest.raises(WrongUse, match="was used or is too old"):
        store.use_link(link, "hash", email="eve@acme.example", name="Eve")
    assert [one.email for one in store.list()] == ["ann@acme.example"]


def test_a_new_first_link_makes_the_older_void(store: AccountStore) -> None:
    """Only the newest of the links for the first owner works."""
    older, newer = store.first_link(), store.first_link()
    assert older is not None
    assert newer is not None
    assert not store.linked(older)[0]
    assert store.linked(newer)[0]


def test_a_link_sets_a_password_once_within_its_time(store: AccountStore, clock: Clock) -> None:
    """A link works once, and not after its time."""
    account, link = store.add("bo@acme.example", "Bo", "viewer")
    assert account.state == "invited"
    assert store.find("BO@acme.example") == (account, None)
    clock.now += LINK_SECONDS
    with pytest.raises(WrongUse, match="too old"):
        store.use_link(link, "hash")
    again = store.link("bo@acme.example")[1]
    assert store.use_link(again, "hash").state == "active"
    assert store.find("bo@acme.example")[1] == "hash"
    with pytest.raises(WrongUse, match="was used"):
        store.use_link(again, "another")


def test_secrets_are_not_in_the_file(store: AccountStore, tmp_path: Path) -> None:
    """Whoever reads the database cannot use a link."""
    secret = store.add("bo@acme.example", "Bo", "viewer")[1]
    assert all(secret.encode() not in p.read_bytes() for p in tmp_path.glob("state.db*"))


def test_a_revoked_account_is_found_no_more_but_listed(store: AccountStore) -> None:
    """Revoking voids links and frees the address; the list keeps it."""
    store.add("ann@acme.example", "Ann", "owner")
    account, link = store.add("bo@acme.example", "Bo", "viewer")
    assert store.revoke(account.id).state == "revoked"
    assert store.find("bo@acme.example") == (None, None)
    assert not store.linked(link)[0]
    with pytest.raises(WrongUse, match="No active account"):
        store.revoke("bo@acme.example")
    store.add("bo@acme.example", "Bo", "admin")
    # all within one second, in which the order is that of random ids
    assert sorted(one.state for one in store.list()) == ["invited", "invited", "revoked"]


def test_the_last_owner_stays(store: AccountStore) -> None:
    """An installation is never left without an owner who can sign in."""
    link = store.first_link()
    assert link is not None
    owner = store.use_link(link, "hash", email="ann@acme.example", name="Ann")
    store.add("bo@acme.example", "Bo", "owner")  # never signed in
    with pytest.raises(WrongUse, match="last owner"):
        store.revoke(owner.id)
    with pytest.raises(WrongUse, match="last owner"):
        store.set_role(owner.id, "admin")
    assert store.set_role(owner.id, "owner")[1].role == "owner"


def test_a_role_can_be_changed(store: AccountStore) -> None:
    """The account has the new role at once; unknown roles and revoked accounts are refused."""
    account, _ = store.add("bo@acme.example", "Bo", "viewer")
    before, after = store.set_role("bo@acme.example", "admin")
    assert (before.role, after.role) == ("viewer", "admin")
    assert [one.role for one in store.list()] == ["admin"]
    with pytest.raises(WrongUse, match="no role 'root'"):
        store.set_role(account.id, "root")
    store.revoke(account.id)
    with pytest.raises(WrongUse, match="No active account"):
        store.set_role(account.id, "viewer")


@pytest.mark.parametrize(
    ("email", "name", "role", "said"),
    [
        ("nobody", "Bo", "viewer", "no e-mail address"),
        ("bo@acme.example\n", "", "viewer", "name has"),
        ("b\u202eo@acme.example", "Bo", "viewer", "no e-mail address"),
        ("bo@acme.example", "B\u200bo", "viewer", "name has"),
        ("bo@acme.example", "Bo", "root", "no role 'root'"),
    ],
)
def test_what_cannot_be_an_account_is_refused(
    store: AccountStore, email: str, name: str, role: str, said: str
) -> None:
    """Bad addresses, names and roles are named in the refusal."""
    with pytest.raises(WrongUse, match=said):
        store.add(email, name, role)
    assert store.list() == []


def test_an_address_has_one_active_account(store: AccountStore) -> None:
    """A second account of the same address in other letters is refused."""
    store.add("bo@acme.example", "Bo", "viewer")
    with pytest.raises(WrongUse, match="already"):
        store.add("BO@acme.example", "Bo", "owner")
