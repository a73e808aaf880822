"""Reading back the few fields of a rendered event that the sandbox needs, without parsing JSON.

Bodies come from `render.body`, so keys stand in a known order, and a quote within a string is
always escaped: the searched marks cannot be part of a value.
"""

from __future__ import annotations

import json
from typing import NamedTuple

_ENTITY = ',"entity":{"type":"'
_CONTEXT = '"context":{"location":'
_ID = '"id":"'
_SESSION = '"session_id":'


class Fields(NamedTuple):
    """What is known of an event without parsing it whole; `session` is None for apps."""

    action: str
    actor: str
    entity: str
    agent: str
    address: str
    session: int | None


def fields_of(body: str) -> Fields:
    """The fields of an event's body (as `render.body` writes it)."""
    begin = body.index(_ID) + 6
    actor = body[begin : body.index('"', begin)]
    entity_at = body.index(_ENTITY, begin)
    context_at = body.index(_CONTEXT, entity_at)
    found = body.find(_ID, entity_at, context_at)
    entity = "" if found < 0 else body[found + 6 : body.index('"', found + 6)]
    agent_at = body.index('"ua":"', context_at) + 6
    address_at = body.index('","ip_address":"', agent_at)
    begin = address_at + 16
    address = body[begin : body.index('"', begin)]
    return Fields(
        body[10 : body.index('"', 10)],
        actor,
        entity,
        body[agent_at:address_at],
        address,
        session_of(body, begin),
    )


def session_of(body: str, begin: int = 0) -> int | None:
    """The session id of an event's body; `begin` may skip what stands before it."""
    at = body.find(_SESSION, begin) + 13
    end = at
    while body[end].isdigit():
        end += 1
    return int(body[at:end]) if end > at else None


def with_session(body: str, old: int, new: int) -> str:
    """`body` with another session id."""
    return body.replace(f"{_SESSION}{old}", f"{_SESSION}{new}")


def plain(escaped: str) -> str:
    """The text that stands in JSON as `escaped`."""
    text: str = json.loads(f'"{escaped}"')
    return text
