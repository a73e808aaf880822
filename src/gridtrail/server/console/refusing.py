"""Requests of the console that are not answered with their page, and why."""

from __future__ import annotations

from gridtrail.errors import WrongUse


class NotHere(WrongUse):
    """What was asked for is not there (404)."""


class NotAllowed(WrongUse):
    """The account's role does not permit it, or the form is not from one of our pages (403)."""


class TooMany(WrongUse):
    """Too many tries: wait (429)."""


class NotSignedIn(WrongUse):
    """There is no session, or it ended (401, or the sign-in page)."""


STATUS: dict[type[Exception], int] = {NotHere: 404, NotAllowed: 403, TooMany: 429, NotSignedIn: 401}


def status_of(error: Exception) -> int:
    """The HTTP status of a refusal."""
    return STATUS.get(type(error), 400)
