"""Cursors of the Audit Logs API: opaque text that holds a position in time and nothing else.

Slack's server does not remember the filters of the page before: the client repeats them, or pages
past its window. Cursors go stale; how soon is not published (here after an hour).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re

from gridtrail.sandbox.refusals import AuditRefusal

LIFETIME = 3600
"""Seconds for which a cursor is good."""
_FORM = re.compile(rb"next_ts:([0-9]{1,12}):([0-9]{1,12}):([0-9a-f]{16})_*")


class Cursors:
    """Makes and reads cursors of one organization; `key` tells them from those of others."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._refused_before = -1

    def encode(self, second: int, now: int) -> str:
        """A cursor for the events at or before `second`; `now` in real seconds."""
        text = f"next_ts:{second}:{now}".encode()
        text += b":" + self._sign(text)
        text += b"_" * (len(text) % 3 == 0)  # so that it ends in `=`, as Slack's do
        return base64.b64encode(text).decode("ascii")

    def decode(self, cursor: str, now: int) -> int:
        """The second it stands for. Raises AuditRefusal `invalid_cursor`."""
        try:
            text = base64.b64decode(cursor.encode("ascii"), validate=True)
        except (ValueError, binascii.Error):
            raise AuditRefusal("invalid_cursor") from None
        found = _FORM.fullmatch(text)
        if found is None:
            raise AuditRefusal("invalid_cursor")
        second, issued = int(found[1]), int(found[2])
        signed = hmac.compare_digest(found[3], self._sign(text[: found.start(3) - 1]))
        stale = now - issued > LIFETIME or issued <= self._refused_before
        if not signed or stale:
            raise AuditRefusal("invalid_cursor")
        return second

    def expire(self, now: int) -> None:
        """Let all cursors made up to real second `now` be stale."""
        self._refused_before = now

    def _sign(self, text: bytes) -> bytes:
        digest = hmac.new(self._key, text, hashlib.sha256).hexdigest()[:16]
        return digest.encode("ascii")
