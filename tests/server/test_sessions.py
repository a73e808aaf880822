"""Sessions last as long as they are used, and end when told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridtrail.server.accounts import Account, AccountStore
from gridtrail.server.sessions import SessionStore

IDLE, LONGEST = 600, 3600


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
def people(tmp_path: Path) -> Iterator[AccountStore]:
    """Accounts."""
    with AccountStore(tmp_path / "state.db") as opened:
        yield opened


@pytest.fixture
def ann(people: AccountStore) -> Account:
    """An account."""
    return people.add("ann@acme.example", "Ann", "viewer")[0]


@pytest.fixture
def store(tmp_path: Path, people: AccountStore, clock: Clock) -> Iterator[SessionStore]:
    """No session yet."""
    assert people is not None
    path = tmp_path / "state.db"
    with SessionStore(path, idle=IDLE, longest=LONGEST, clock=clock) as opened:
        yield opened


def test_a_session_is_found_by_its_cookie_alone(
    store: SessionStore, ann: Account, tmp_path: Path
) -> None:
    """The cookie finds it, its public id does not, and the file does not hold the cookie."""
    cookie = store.begin(ann.id)
    found = store.find(cookie)
    assert found is not None
    assert found.account == ann
    assert found.csrf != cookie
    assert store.find(found.id) is None
    assert store.find("") is None
    assert all(cookie.encode() not in p.read_bytes() for p in tmp_path.glob("state.db*"))


def test_a_session_lasts_while_it_is_used(store: SessionStore, ann: Account, clock: Clock) -> None:
    """Use within the idle time goes on to the longest time, and no further."""
    cookie = store.begin(ann.id)
    began = clock.now
    while clock.now + IDLE - 1 < began + LONGEST:
        clock.now += IDLE - 1
        assert store.find(cookie) is not None
    clock.now = began + LONGEST
    assert store.find(cookie) is None


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(
    store: SessionStore, ann: Account, clock: Clock
) -> None:
    """Looking without use does not lengthen a session."""
    cookie = store.begin(ann.id)
    clock.now += IDLE - 1
    assert store.find(cookie, used=False) is not None
    clock.now += 1
    assert store.find(cookie, used=False) is None


def test_sessions_end_on_purpose(store: SessionStore, ann: Account) -> None:
    """One by its cookie, all by their account."""
    one, two, three = (store.begin(ann.id) for _ in range(3))
    store.end(one)
    assert store.find(one) is None
    assert store.find(two) is not None
    store.end_all(ann.id)
    assert store.find(two) is None
    assert store.find(three) is None


def test_a_revoked_account_has_no_sessions(
    store: SessionStore, people: AccountStore, ann: Account
) -> None:
    """Revoking an account ends its sessions at once."""
    cookie = store.begin(ann.id)
    people.revoke(ann.id)
    assert store.find(cookie) is None
