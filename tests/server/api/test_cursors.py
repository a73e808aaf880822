"""Cursors."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.server.api.cursors import Cursor, Filters
from gridtrail.server.api.refusals import Refusal

_TEXT = st.text(min_size=1, max_size=20)
_SECOND = st.integers(0, 10**11)
FILTERS = st.builds(
    Filters,
    actions=st.lists(_TEXT, max_size=4).map(tuple),
    actor=st.none() | _TEXT,
    entity=st.none() | _TEXT,
    oldest=st.none() | _SECOND,
    latest=st.none() | _SECOND,
)
CURSORS = st.builds(Cursor, _SECOND, st.integers(1, 9999), FILTERS)


@given(CURSORS)
def test_round_trip(cursor: Cursor) -> None:
    """A cursor comes back as it was, also without its `=` or with them quoted once too often."""
    text = cursor.encode("E0ACME")
    for spelling in (text, text.rstrip("="), text.replace("=", "%3D"), f" {text} "):
        assert Cursor.decode(spelling, "E0ACME") == cursor


@given(CURSORS)
def test_needs_no_quoting(cursor: Cursor) -> None:
    """A cursor holds no character that an unquoted query string would change, but for `=`."""
    assert not set(cursor.encode("E0ACME")) & set("+/&%# ;?")


def test_another_organization() -> None:
    """A cursor of one organization is refused for another."""
    text = Cursor(1, 200, Filters()).encode("E0ACME")
    with pytest.raises(Refusal, match="start again") as caught:
        Cursor.decode(text, "E0OTHER")
    assert (caught.value.code, caught.value.status) == ("invalid_cursor", 400)


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_foreign(text: str) -> None:
    """Whatever is not a cursor is refused as one."""
    with pytest.raises(Refusal, match="cursor"):
        Cursor.decode(text, "E0ACME")


@given(CURSORS, st.integers(0), st.integers(1, 255))
def test_damaged(cursor: Cursor, place: int, flip: int) -> None:
    """A cursor with one byte changed is refused."""
    data = bytearray(base64.urlsafe_b64decode(cursor.encode("E0ACME")))
    data[place % len(data)] ^= flip
    with pytest.raises(Refusal, match="cursor"):
        Cursor.decode(base64.urlsafe_b64encode(bytes(data)).decode(), "E0ACME")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"v":2,"p":1,"n":1,"a":[],"u":null,"e":null,"o":null,"l":null}',
        b'{"v":1,"p":1.5,"n":1,"a":[],"u":null,"e":null,"o":null,"l":null}',
        b'{"v":1,"p":true,"n":1,"a":[],"u":null,"e":null,"o":null,"l":null}',
        b'{"v":1,"p":1,"n":1,"a":[3],"u":null,"e":null,"o":null,"l":null}',
        b'{"v":1,"p":1,"n":1,"a":[],"u":{},"e":null,"o":null,"l":null}',
        b"[" * 5000,
    ],
)
def test_forged(payload: bytes) -> None:
    """A cursor with a right check sum and a wrong inside is refused, not followed."""
    check = hashlib.sha256(b"E0ACME\0" + payload).digest()[:6]
    text = base64.urlsafe_b64encode(check + payload).decode()
    with pytest.raises(Refusal, match="cursor"):
        Cursor.decode(text, "E0ACME")
