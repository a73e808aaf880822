"""Passwords of accounts: argon2id with the library's own parameters (RFC 9106)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from gridtrail.errors import WrongUse

SHORTEST = 12
LONGEST = 256

_hasher = PasswordHasher()
_nobodys = _hasher.hash("a password that nobody has")


def hashed(password: str) -> str:
    """What is stored of `password`. Raises WrongUse when it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WrongUse(f"A password has {SHORTEST} to {LONGEST} characters: choose another.")
    return _hasher.hash(_bytes(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one `stored` was made of; None (no such account) takes as long."""
    if len(password) > LONGEST:
        return False
    try:
        _hasher.verify(stored or _nobodys, _bytes(password))
    except (VerifyMismatchError, InvalidHashError):
        return False
    return stored is not None


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
