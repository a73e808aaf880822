"""API tokens: made, listed, revoked and recognised.

A token is 256 random bits, so its plain SHA-256 is enough to store: nobody can try them out. It is
looked up by that hash, which makes the comparison's time independent of the token. The plaintext
exists once, in the answer of `create`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gridtrail.errors import WrongUse
from gridtrail.state.database import open_state, writing

SCOPES = ("auditlogs:read", "auditlogs:write", "admin")
"""What a token may be allowed to do; no scope includes another."""

PREFIXES = ("gtp-", "xoxp-")
"""How a token may begin; the second is for clients that insist on Slack's own."""

_ID_LETTERS = string.ascii_uppercase + string.digits
_ORG = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_NAME = 100
_MAX_TOKEN = 512  # characters of anything that could be a token

metadata = sa.MetaData()

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),  # hex SHA-256 of the token
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("org", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),  # separated by spaces
    sa.Column("created_at", sa.BigInteger, nullable=False),  # seconds since the epoch
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("last_used_at", sa.BigInteger),
)


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token, without its secret; times are seconds since the epoch.

    `id` has the form of a Slack user id, since `auth.test` answers with it.
    """

    id: str
    name: str
    org: str
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None

    def state(self, now: float) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"


class TokenStore:
    """The tokens of one installation; `place` as in `gridtrail.state.database.open_state`. May be
    shared between threads."""

    def __init__(self, place: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._engine = open_state(place)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> TokenStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def create(
        self,
        name: str,
        *,
        org: str,
        scopes: Iterable[str] = ("auditlogs:read",),
        seconds: int | None = None,
        prefix: str = "gtp-",
    ) -> tuple[Token, str]:
        """A new token and its plaintext, which cannot be had again.

        It expires after `seconds` (None: never). Raises WrongUse for an unknown scope or prefix,
        a name that is empty, too long or taken by an active token, or a bad organization.
        """
        now = int(self._clock())
        kept = tuple(dict.fromkeys(scopes))
        _check(name, org, kept, seconds, prefix)
        secret = prefix + secrets.token_urlsafe(32)
        token = Token(
            id="U" + "".join(secrets.choice(_ID_LETTERS) for _ in range(10)),
            name=name,
            org=org,
            scopes=kept,
            created_at=now,
            expires_at=None if seconds is None else now + seconds,
            revoked_at=None,
            last_used_at=None,
        )
        with writing(self._engine).begin() as connection:
            if any(t.name == name and t.state(now) == "active" for t in _all(connection)):
                raise WrongUse(f"There is a token {name!r} already: revoke it or choose a name.")
            values = {"id": token.id, "hash": _hash(secret), "name": name, "org": org}
            times = {"created_at": token.created_at, "expires_at": token.expires_at}
            connection.execute(tokens.insert().values(scopes=" ".join(kept), **values, **times))
        return token, secret

    def list(self) -> list[Token]:
        """All tokens, the oldest first."""
        with self._engine.connect() as connection:
            return _all(connection)

    def revoke(self, id_or_name: str) -> Token:
        """Make the token with this id, or the active one of this name, useless at once.

        Revoking twice changes nothing. Raises WrongUse when there is none.
        """
        now = int(self._clock())
        with writing(self._engine).begin() as connection:
            found = _all(connection)
            named = [t for t in found if t.name == id_or_name and t.state(now) == "active"]
            by_id = [t for t in found if t.id == id_or_name]
            chosen = next(iter(by_id + named), None)
            if chosen is None:
                raise WrongUse(
                    f"No token has the id or name {id_or_name[:80]!r}: list them with `token list`."
                )
            row = tokens.update().where(tokens.c.id == chosen.id, tokens.c.revoked_at.is_(None))
            connection.execute(row.values(revoked_at=now))
            changed = tokens.select().where(tokens.c.id == chosen.id)
            return _token(connection.execute(changed).one())

    def find(self, secret: str) -> Token | None:
        """The token with this plaintext, whatever its state, or None."""
        if not 0 < len(secret) <= _MAX_TOKEN:
            return None
        query = tokens.select().where(tokens.c.hash == _hash(secret))
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _token(row)

    def state(self, token: Token) -> str:
        """`active`, `expired` or `revoked`, now."""
        return token.state(self._clock())

    def used(self, last_used: Mapping[str, int]) -> None:
        """Keep when tokens were last used: id → seconds since the epoch."""
        if not last_used:
            return
        with writing(self._engine).begin() as connection:
            for token_id, moment in last_used.items():
                row = tokens.update().where(tokens.c.id == token_id)
                connection.execute(row.values(last_used_at=moment))


def _check(name: str, org: str, scopes: Sequence[str], seconds: int | None, prefix: str) -> None:
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise WrongUse(f"A token's name has 1 to {_MAX_NAME} printable characters: give one.")
    if not _ORG.fullmatch(org):
        raise WrongUse(f"{org[:80]!r} names no organization: use letters, digits, _ and -.")
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        what = f"There is no scope {unknown[0][:40]!r}" if unknown else "A token needs a scope"
        raise WrongUse(f"{what}: use {', '.join(SCOPES)}.")
    if seconds is not None and seconds <= 0:
        raise WrongUse("A token must live longer than 0 seconds: give a later end.")
    if prefix not in PREFIXES:
        raise WrongUse(f"Tokens begin with {' or '.join(PREFIXES)}: choose one of them.")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _all(connection: sa.Connection) -> list[Token]:
    query = tokens.select().order_by(tokens.c.created_at, tokens.c.id)
    return [_token(row) for row in connection.execute(query)]


def _token(row: Any) -> Token:
    return Token(
        id=row.id,
        name=row.name,
        org=row.org,
        scopes=tuple(row.scopes.split()),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
