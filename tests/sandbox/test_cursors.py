from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.sandbox.cursors import LIFETIME, Cursors
from gridtrail.sandbox.refusals import AuditRefusal


@given(second=st.integers(0, 10**11), now=st.integers(0, 10**11))
def test_a_cursor_is_a_position(second: int, now: int) -> None:
    """It reads back as its second, is base64, and ends in `=` as Slack's do."""
    cursors = Cursors("one")
    cursor = cursors.encode(second, now)
    assert cursor.endswith("=")
    assert base64.b64decode(cursor, validate=True)
    assert cursors.decode(cursor, now + LIFETIME) == second


@given(
    text=st.text(max_size=80)
    | st.binary(max_size=60).map(lambda raw: base64.b64encode(raw).decode())
)
def test_nonsense_is_refused(text: str) -> None:
    """Whatever it is, it is a refusal and not a crash."""
    with pytest.raises(AuditRefusal, match="invalid_cursor"):
        Cursors("one").decode(text, 0)


def test_stale_foreign_and_forged_cursors_are_refused() -> None:
    """Too old, another organization's, changed by a byte, or expired on purpose."""
    cursors = Cursors("one")
    cursor = cursors.encode(1_700_000_000, 100)
    forged = base64.b64encode(
        base64.b64decode(cursor).replace(b"1700000000", b"1700000001")
    ).decode()
    for bad, now in ((cursor, 101 + LIFETIME), (forged, 100), (Cursors("two").encode(1, 100), 100)):
        with pytest.raises(AuditRefusal, match="invalid_cursor"):
            cursors.decode(bad, now)
    cursors.expire(100)
    with pytest.raises(AuditRefusal, match="invalid_cursor"):
        cursors.decode(cursor, 100)
    assert cursors.decode(cursors.encode(5, 101), 101) == 5
