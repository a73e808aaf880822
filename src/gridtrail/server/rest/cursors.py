"""Where a listing goes on: a place in its order, as opaque text.

It holds no filter, so the next page must be asked for with the same ones.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import orjson

from gridtrail.server.rest.refusing import Refused

_CHECK_BYTES = 6
_LARGEST = 2**62


def encode(org: str, listing: str, place: list[Any]) -> str:
    """The cursor of `place` (numbers and texts) in a listing of `org`."""
    payload = orjson.dumps(place)
    return base64.urlsafe_b64encode(_check(org, listing, payload) + payload).decode("ascii")


def decode(text: str, org: str, listing: str, kinds: tuple[type, ...]) -> list[Any]:
    """The place that `encode` was given, made of values of `kinds`.

    Raises Refused for anything else: a cut one, or one of another listing or organization.
    """
    try:
        return _place(text, org, listing, kinds)
    except (ValueError, TypeError, binascii.Error):
        message = "The cursor is not one of this listing: start again without it."
        raise Refused(400, "invalid_cursor", message, parameter="cursor") from None


def _place(text: str, org: str, listing: str, kinds: tuple[type, ...]) -> list[Any]:
    data = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    payload = data[_CHECK_BYTES:]
    if data[:_CHECK_BYTES] != _check(org, listing, payload):
        raise ValueError("not ours")
    found: list[Any] = orjson.loads(payload)
    # the check is against mistakes; whoever forges one must still not reach the engine with it
    if [type(value) for value in found] != list(kinds) or any(map(_wild, found)):
        raise ValueError("another listing's")
    return found


def _wild(value: object) -> bool:
    return isinstance(value, int) and abs(value) > _LARGEST


def _check(org: str, listing: str, payload: bytes) -> bytes:
    # what may be read depends on the token alone, so a forged cursor gains nothing
    whole = b"\0".join((org.encode(), listing.encode(), payload))
    return hashlib.sha256(whole).digest()[:_CHECK_BYTES]
