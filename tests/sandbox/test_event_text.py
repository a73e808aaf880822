from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gridtrail.sandbox.event_text import fields_of, plain, session_of, with_session
from gridtrail.sandbox.render import app_context, body, context_piece, piece, user_piece

TEXT = st.text(max_size=30) | st.sampled_from(
    ['","entity":{"type":"', '"context":{"location":', '"session_id":7', '\\"id\\":"', "/"]
)


@given(name=TEXT, agent=TEXT, session=st.none() | st.integers(1, 10**14), title=TEXT)
def test_fields_are_those_that_json_gives(
    name: str, agent: str, session: int | None, title: str
) -> None:
    """Whatever stands in names and agents, the fields are the ones that parsing finds."""
    location = piece({"type": "workspace", "id": "T0A", "name": title, "domain": "d"})
    entity = piece({"type": "file", "file": {"id": "F0B", "name": title}})
    context = context_piece(location, agent, "203.0.113.9", session)
    text = body("file_downloaded", user_piece("W0C", name, "m@x", "T0A"), entity, context)
    event = json.loads("{" + text)
    fields = fields_of(text)
    assert fields.action == event["action"]
    assert fields.actor == event["actor"]["user"]["id"]
    assert fields.entity == event["entity"]["file"]["id"]
    assert plain(fields.agent) == event["context"]["ua"]
    assert fields.address == event["context"]["ip_address"]
    assert fields.session == event["context"]["session_id"]


def test_an_entity_without_an_id_has_none() -> None:
    """A message has a channel and a time, and no id of its own."""
    entity = piece({"type": "message", "message": {"channel": "C0A", "timestamp": "1.2"}})
    context = app_context("{}", "x", "203.0.113.9", {"id": "A0X"})
    text = body("message_tombstoned", user_piece("W0C", "n", "m@x", "T0A"), entity, context)
    assert fields_of(text).entity == ""
    assert fields_of(text).session is None


def test_sessions_are_replaced() -> None:
    """The session id of the context is another one afterwards."""
    context = context_piece("{}", "x", "203.0.113.9", 123_456_789_012)
    text = body("user_login", "{}", "{}", context)
    assert session_of(with_session(text, 123_456_789_012, 42)) == 42
