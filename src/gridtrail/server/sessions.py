"""Who is signed in: sessions in the state database, ended by time, by idleness or on purpose."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from gridtrail.server.accounts import Account, account_of, accounts, hash_of, metadata
from gridtrail.state.database import open_state, writing

_TOUCH_SECONDS = 30
"""A session's last use is written down at most this often."""

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),  # hex SHA-256 of the cookie
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("began_at", sa.BigInteger, nullable=False),  # seconds since the epoch
    sa.Column("used_at", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in account. `id` may be shown; `csrf` stands in every form of the session."""

    id: str
    account: Account
    csrf: str
    began_at: int


class SessionStore:
    """The sessions of one installation; `place` as in `open_state`. May be shared between threads.

    A session ends `idle` seconds after its last use and `longest` seconds after it began.
    """

    def __init__(
        self, place: Path | str, *, idle: int, longest: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._idle = idle
        self._longest = longest
        self._clock = clock
        self._engine = open_state(place)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> SessionStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def begin(self, account_id: str) -> str:
        """The cookie of a new session; those that are over are forgotten."""
        now = int(self._clock())
        cookie = secrets.token_urlsafe(32)
        values = {"hash": hash_of(cookie), "account_id": account_id}
        values |= {"csrf": secrets.token_urlsafe(32)}
        with writing(self._engine).begin() as connection:
            over = sa.or_(
                sessions.c.used_at <= now - self._idle, sessions.c.began_at <= now - self._longest
            )
            connection.execute(sessions.delete().where(over))
            connection.execute(sessions.insert().values(began_at=now, used_at=now, **values))
        return cookie

    def find(self, cookie: str, *, used: bool = True) -> Session | None:
        """The session of this cookie if it lasts and its account is active.

        `used` False does not lengthen it: a page that refreshes itself is nobody's use.
        """
        now = int(self._clock())
        query = (
            sa.select(accounts, sessions.c.csrf, sessions.c.began_at, sessions.c.used_at)
            .join(sessions, sessions.c.account_id == accounts.c.id)
            .where(
                sessions.c.hash == hash_of(cookie),
                sessions.c.used_at > now - self._idle,
                sessions.c.began_at > now - self._longest,
                accounts.c.revoked_at.is_(None),
            )
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if used and row.used_at + _TOUCH_SECONDS <= now:
            self._touch(cookie, now)
        return Session(_public(cookie), account_of(row), row.csrf, row.began_at)

    def end(self, cookie: str) -> None:
        """End the session of this cookie."""
        with writing(self._engine).begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.hash == hash_of(cookie)))

    def end_all(self, account_id: str) -> None:
        """End all sessions of an account."""
        with writing(self._engine).begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.account_id == account_id))

    def _touch(self, cookie: str, now: int) -> None:
        with writing(self._engine).begin() as connection:
            row = sessions.update().where(sessions.c.hash == hash_of(cookie))
            connection.execute(row.values(used_at=now))


def _public(cookie: str) -> str:
    """A name of the session that gives nobody its cookie."""
    return hash_of("public " + cookie)[:16]
