from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.sandbox.render import body, context_piece, piece, user_piece


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists), st.text(max_size=30))
def test_pieces_are_json_in_slacks_manner(value: object, key: str) -> None:
    """Whatever the text, a piece is ASCII, reads back the same, and escapes every slash."""
    text = piece({key: value})
    assert json.loads(text) == {key: value}
    assert text.isascii()
    assert "/" not in text.replace("\\/", "")


@given(st.text(max_size=40))
def test_an_event_survives_hostile_text(text: str) -> None:
    """Names and agents of any kind cannot break out of their place."""
    actor = user_piece("W0A", text, text, "T0A")
    context = context_piece('{"id":"T0A"}', text, "192.0.2.1", None)
    event = json.loads("{" + body("user_login", actor, actor, context, piece({"name": text})))
    assert event["actor"]["user"]["name"] == text
    assert event["context"]["ua"] == text
    assert event["details"] == {"name": text}
