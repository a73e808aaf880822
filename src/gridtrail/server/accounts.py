"""Accounts of people: made, listed, revoked, and given a password by a one-time link.

A link is 256 random bits and is stored as a hash, as tokens are. Signing in with OpenID Connect
has its place here too: `issuer` and `subject` name the same person at the identity provider.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gridtrail.errors import WrongUse
from gridtrail.server.roles import ROLES
from gridtrail.state.database import open_state, storable, writing

LINK_SECONDS = 72 * 3600
"""How long a one-time link can be used."""

_ID_LETTERS = string.ascii_uppercase + string.digits
_EMAIL = re.compile(r"[^\s@<>\"']{1,64}@[^\s@<>\"']{1,190}")
_MAX_NAME = 100

metadata = sa.MetaData()

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("email", sa.Text, nullable=False, index=True),  # in lower case
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password", sa.Text),  # argon2's text; none until it is set
    sa.Column("issuer", sa.Text),  # of OpenID Connect
    sa.Column("subject", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),  # seconds since the epoch
    sa.Column("signed_in_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
)

links = sa.Table(
    "account_links",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),  # hex SHA-256 of the link's secret
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id")),  # none: makes the first owner
    sa.Column("expires_at", sa.BigInteger, nullable=False),
)
"""One-time links that were not used yet."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in; times are seconds since the epoch.

    `id` has the form of a Slack user id, since it is the actor of audit events.
    """

    id: str
    email: str
    name: str
    role: str
    has_password: bool
    created_at: int
    signed_in_at: int | None
    revoked_at: int | None

    @property
    def state(self) -> str:
        """`active`, `invited` (no password yet) or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if self.has_password else "invited"


class AccountStore:
    """The accounts of one installation; `place` as in `open_state`.

    May be shared between threads.
    """

    def __init__(self, place: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._engine = open_state(place)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> AccountStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def add(self, email: str, name: str, role: str) -> tuple[Account, str]:
        """A new account and the secret of the one-time link that sets its password.

        Raises WrongUse for a bad address, name or role, or an address in use.
        """
        values = _checked(email, name, role)
        with writing(self._engine).begin() as connection:
            account = self._insert(connection, values, None)
            return account, self._link(connection, account.id)

    def link(self, id_or_email: str) -> tuple[Account, str]:
        """A new one-time link for an account that lost its password; older links are void.

        Raises WrongUse when there is no such account.
        """
        with writing(self._engine).begin() as connection:
            account = _chosen(connection, id_or_email)
            return account, self._link(connection, account.id)

    def first_link(self) -> str | None:
        """The secret of a link that makes the first owner; None when there is one already."""
        with writing(self._engine).begin() as connection:
            if any(one.role == "owner" and one.state == "active" for one in _all(connection)):
                return None
            return self._link(connection, None)

    def linked(self, secret: str) -> tuple[bool, Account | None]:
        """Whether `secret` is a link that can be used, and the account it is for."""
        with self._engine.connect() as connection:
            row = self._usable(connection, secret)
            if row is None or row.account_id is None:
                return row is not None, None
            account = _by_id(connection, row.account_id)
            return account.revoked_at is None, account

    def use_link(self, secret: str, password: str, *, email: str = "", name: str = "") -> Account:
        """Set the stored form `password` (`passwords.hashed`); the link is void from then on.

        A link for the first owner makes the account of `email` and `name`. Raises WrongUse when
        the link is void or the account cannot be made.
        """
        with writing(self._engine).begin() as connection:
            row = self._usable(connection, secret)
            if row is None:
                raise WrongUse("This link was used or is too old: ask for another.")
            if row.account_id is None:
                account = self._insert(connection, _checked(email, name, "owner"), password)
                connection.execute(links.delete().where(links.c.account_id.is_(None)))
                return account
            _chosen(connection, row.account_id)
            which = accounts.c.id == row.account_id
            connection.execute(accounts.update().where(which).values(password=password))
            connection.execute(links.delete().where(links.c.account_id == row.account_id))
            return _by_id(connection, row.account_id)

    def list(self) -> list[Account]:
        """All accounts, the oldest first."""
        with self._engine.connect() as connection:
            return _all(connection)

    def revoke(self, id_or_email: str) -> Account:
        """Make the account useless at once; what it did stays readable.

        Raises WrongUse when there is none, or when it is the last owner.
        """
        with writing(self._engine).begin() as connection:
            account = _chosen(connection, id_or_email)
            _check_not_last_owner(connection, account)
            which = accounts.c.id == account.id
            values = {"revoked_at": int(self._clock())}
            connection.execute(accounts.update().where(which).values(values))
            connection.execute(links.delete().where(links.c.account_id == account.id))
            return _by_id(connection, account.id)

    def set_role(self, id_or_email: str, role: str) -> tuple[Account, Account]:
        """Give the account another role, which holds from its next request on; the account before
        and after.

        Raises WrongUse when there is none, for an unknown role, or when it is the last owner.
        """
        _check_role(role)
        with writing(self._engine).begin() as connection:
            before = _chosen(connection, id_or_email)
            if role != "owner":
                _check_not_last_owner(connection, before)
            which = accounts.c.id == before.id
            connection.execute(accounts.update().where(which).values(role=role))
            return before, _by_id(connection, before.id)

    def find(self, email: str) -> tuple[Account | None, str | None]:
        """The active account with this address and its password's stored form."""
        with self._engine.connect() as connection:
            row = connection.execute(_active(email)).one_or_none()
        return (None, None) if row is None else (account_of(row), row.password)

    def signed_in(self, account_id: str) -> None:
        """Keep that the account signed in now."""
        with writing(self._engine).begin() as connection:
            row = accounts.update().where(accounts.c.id == account_id)
            connection.execute(row.values(signed_in_at=int(self._clock())))

    def _insert(
        self, connection: sa.Connection, values: dict[str, str], password: str | None
    ) -> Account:
        if connection.execute(_active(values["email"])).one_or_none() is not None:
            raise WrongUse(f"There is an account {values['email']!r} already: revoke it first.")
        account_id = "U" + "".join(secrets.choice(_ID_LETTERS) for _ in range(10))
        row = {**values, "id": account_id, "password": password}
        connection.execute(accounts.insert().values(created_at=int(self._clock()), **row))
        return _by_id(connection, account_id)

    def _link(self, connection: sa.Connection, account_id: str | None) -> str:
        secret = secrets.token_urlsafe(32)
        connection.execute(
            links.delete().where(links.c.account_id.is_not_distinct_from(account_id))
        )
        expires = int(self._clock()) + LINK_SECONDS
        values = {"hash": hash_of(secret), "account_id": account_id, "expires_at": expires}
        connection.execute(links.insert().values(values))
        return secret

    def _usable(self, connection: sa.Connection, secret: str) -> Any:
        query = links.select().where(
            links.c.hash == hash_of(secret), links.c.expires_at > int(self._clock())
        )
        return connection.execute(query).one_or_none()


def hash_of(secret: str) -> str:
    """What is stored of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _checked(email: str, name: str, role: str) -> dict[str, str]:
    address, called = email.strip().lower(), name.strip()
    if not _EMAIL.fullmatch(address) or not address.isprintable():
        raise WrongUse(f"{email[:80]!r} is no e-mail address: give one such as ann@acme.example.")
    if not 0 < len(called) <= _MAX_NAME or not called.isprintable():
        raise WrongUse(f"A person's name has 1 to {_MAX_NAME} printable characters: give one.")
    _check_role(role)
    return {"email": address, "name": called, "role": role}


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise WrongUse(f"There is no role {role[:40]!r}: use {', '.join(ROLES)}.")


def _check_not_last_owner(connection: sa.Connection, account: Account) -> None:
    owners = [one for one in _all(connection) if one.role == "owner"]
    if [one.id for one in owners if one.state == "active"] == [account.id]:
        raise WrongUse(f"{account.email} is the last owner: make another one first.")


def _active(email: str) -> sa.Select[Any]:
    address = storable(email.strip().lower())
    return sa.select(accounts).where(accounts.c.email == address, accounts.c.revoked_at.is_(None))


def _chosen(connection: sa.Connection, id_or_email: str) -> Account:
    wanted = id_or_email.strip()
    for one in _all(connection):
        if one.revoked_at is None and wanted in (one.id, one.email):
            return one
    raise WrongUse(f"No active account is {wanted[:80]!r}: list them with `user list`.")


def _by_id(connection: sa.Connection, account_id: str) -> Account:
    return account_of(
        connection.execute(accounts.select().where(accounts.c.id == account_id)).one()
    )


def _all(connection: sa.Connection) -> list[Account]:
    query = accounts.select().order_by(accounts.c.created_at, accounts.c.id)
    return [account_of(row) for row in connection.execute(query)]


def account_of(row: Any) -> Account:
    """The account in a row that has the columns of `accounts`."""
    return Account(
        id=row.id,
        email=row.email,
        name=row.name,
        role=row.role,
        has_password=row.password is not None,
        created_at=row.created_at,
        signed_in_at=row.signed_in_at,
        revoked_at=row.revoked_at,
    )
