"""Cursors of the API."""

from __future__ import annotations

import base64
import hashlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.rest.cursors import decode, encode
from gridtrail.server.rest.refusing import Refused

TEXT = st.text(st.characters(codec="utf-8"))
SECONDS = st.integers(-(2**62), 2**62)


@given(st.floats(allow_nan=False, allow_infinity=False), SECONDS, TEXT)
def test_a_place_comes_back_as_it_was(score: float, second: int, key: str) -> None:
    """To the last bit of a score."""
    place = [score, second, key]
    assert decode(encode("O", "l", place), "O", "l", (float, int, str)) == place


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_anything_else_is_refused(text: str) -> None:
    """Whatever it is, in one way."""
    with pytest.raises(Refused) as refused:
        decode(text, "O", "l", (int, str))
    assert (refused.value.status, refused.value.code) == (400, "invalid_cursor")


def _forged(payload: bytes) -> str:
    whole = b"\0".join((b"O", b"l", payload))
    return base64.urlsafe_b64encode(hashlib.sha256(whole).digest()[:6] + payload).decode()


@pytest.mark.parametrize("place", [[2**63 - 1, "x"], ["x", 1], [1], [True, "x"], {"a": 1}, 7, None])
def test_a_forged_one_does_not_reach_the_engine(place: object) -> None:
    """Other kinds of values, and numbers that are none of ours, are refused too."""
    with pytest.raises(Refused):
        decode(_forged(orjson.dumps(place)), "O", "l", (int, str))
    assert decode(_forged(orjson.dumps([1, "x"])), "O", "l", (int, str)) == [1, "x"]
