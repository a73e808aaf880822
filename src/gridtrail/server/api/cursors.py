"""Cursors: where a listing goes on, and what was asked for on its first page.

A cursor says how far the listing came (a second) and which filters it has. It holds nothing that
a restart or new events could change: the next page is everything at or before its second.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

import orjson

from gridtrail.server.api.refusals import Refusal

_VERSION = 1
_CHECK_BYTES = 6
_MAX_CHARACTERS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Filters:
    """What a listing shows; a field left empty does not filter.

    `oldest` and `latest` are seconds since the epoch, inclusive; `actions` are alternatives.
    """

    actions: tuple[str, ...] = ()
    actor: str | None = None
    entity: str | None = None
    oldest: int | None = None
    latest: int | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The next page of a listing: its events at or before the second `position`."""

    position: int
    limit: int
    filters: Filters

    def encode(self, org: str) -> str:
        """As opaque text: base64 of the URL alphabet, since some clients do not quote it."""
        filters = self.filters
        held = {
            "v": _VERSION,
            "p": self.position,
            "n": self.limit,
            "a": list(filters.actions),
            "u": filters.actor,
            "e": filters.entity,
            "o": filters.oldest,
            "l": filters.latest,
        }
        payload = orjson.dumps(held)
        return base64.urlsafe_b64encode(_check(org, payload) + payload).decode("ascii")

    @classmethod
    def decode(cls, text: str, org: str) -> Cursor:
        """The cursor that `encode` gave for `org`.

        The `=` at the end may be missing or quoted once more than needed, as some clients do.
        Raises Refusal `invalid_cursor` for anything else.
        """
        try:
            held = _payload(text, org)
            filters = Filters(
                actions=tuple(_of(str, name) for name in _of(list, held["a"])),
                actor=_optional(str, held["u"]),
                entity=_optional(str, held["e"]),
                oldest=_optional(int, held["o"]),
                latest=_optional(int, held["l"]),
            )
            return cls(_of(int, held["p"]), _of(int, held["n"]), filters)
        except (ValueError, KeyError) as error:
            raise Refusal(
                "invalid_cursor",
                "The cursor is not one that this organization's listing gave: start again "
                "without a cursor.",
            ) from error


def _payload(text: str, org: str) -> dict[str, Any]:
    bare = text.strip().replace("%3D", "=").replace("%3d", "=").rstrip("=")
    if len(bare) > _MAX_CHARACTERS:
        raise ValueError("too long")
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    check, payload = data[:_CHECK_BYTES], data[_CHECK_BYTES:]
    if check != _check(org, payload):
        raise ValueError("not ours")
    held: dict[str, Any] = _of(dict, orjson.loads(payload))
    if held["v"] != _VERSION:
        raise ValueError("another version's")
    return held


def _check(org: str, payload: bytes) -> bytes:
    # against mistakes (a foreign, cut or stale cursor); a forged one gains nothing, since what may
    # be read depends on the token alone
    return hashlib.sha256(org.encode() + b"\0" + payload).digest()[:_CHECK_BYTES]


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"not {kind.__name__}")
    return value


def _optional(kind: type, value: Any) -> Any:
    return None if value is None else _of(kind, value)
