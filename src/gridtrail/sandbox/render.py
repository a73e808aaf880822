"""Pieces of JSON as Slack writes them: ASCII, and every slash behind a backslash.

An event is put together from pieces that are rendered once a person, file or sitting; that is
what makes the generator fast.
"""

from __future__ import annotations

import json
from typing import Any


def piece(value: Any) -> str:
    """`value` as JSON text in Slack's manner (non-ASCII as \\u escapes, / as \\/)."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def user_piece(person_id: str, name: str, email: str, team_id: str) -> str:
    """The `actor` (and `entity`) object of a user."""
    user = {"id": person_id, "name": name, "email": email, "team": team_id}
    return piece({"type": "user", "user": user})


def context_piece(location: str, agent: str, address: str, session: int | None) -> str:
    """The `context` object; `location` is already JSON text."""
    return (
        f'{{"location":{location},"ua":{piece(agent)},"ip_address":"{address}",'
        f'"session_id":{"null" if session is None else session}}}'
    )


def app_context(location: str, agent: str, address: str, app: object) -> str:
    """The `context` object of an app: no session; `location` is already JSON text."""
    return (
        f'{{"location":{location},"ua":{piece(agent)},"ip_address":"{address}",'
        f'"session_id":null,"app":{piece(app)}}}'
    )


def body(action: str, actor: str, entity: str, context: str, details: str | None = None) -> str:
    """An event without its `id` and `date_create`; all but `action` are JSON text."""
    tail = "" if details is None else f',"details":{details}'
    return f'"action":"{action}","actor":{actor},"entity":{entity},"context":{context}{tail}}}'
