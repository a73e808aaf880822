"""The steps of each response: who asked, approved or refused, what Slack and its log said, when.

A step is written in the transaction that changes the response, and never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import sqlalchemy as sa

from gridtrail.respond.tables import response_steps
from gridtrail.state.database import storable

What = Literal[
    "asked", "approved", "refused", "expired", "called", "sent", "unclear", "failed", "confirmed",
    "unconfirmed",
]  # fmt: skip
"""`called` is just before the call, `unclear` when nobody knows whether Slack did it; the last
three and `sent` are states of the response that began with the step."""

_WORDS: Mapping[What, str] = {
    "asked": "asked for it",
    "approved": "approved it",
    "refused": "said no: nothing is done",
    "called": "Slack was asked.",
    "confirmed": "Slack's own event says that it was done.",
    "unconfirmed": "Slack's own event has not come.",
}
"""Of the others, what was said is all there is to say."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a response at a second since the epoch.

    `by` is empty for what happens by itself; `event_id` is Slack's own event.
    """

    at: int
    what: What
    by: str = ""
    said: str = ""
    event_id: str | None = None

    @property
    def words(self) -> str:
        """What happened, in words; with `by` before them they are a sentence."""
        return _WORDS.get(self.what) or self.said

    def to_json(self) -> dict[str, Any]:
        """All fields, as the API gives them."""
        return asdict(self)


def note(connection: sa.Connection, ids: Iterable[str], step: Step) -> None:
    """Keep the step for each of these responses, in the transaction of `connection`."""
    kept = asdict(step) | {"by": storable(step.by), "said": storable(step.said)}
    rows = [{"response_id": one, **kept} for one in ids]
    if rows:
        connection.execute(response_steps.insert(), rows)


def steps_of(connection: sa.Connection, ids: Iterable[str]) -> dict[str, list[Step]]:
    """The steps of these responses by id, in the order in which they happened."""
    table = response_steps.c
    found: dict[str, list[Step]] = {one: [] for one in ids}
    query = response_steps.select().where(table.response_id.in_(found)).order_by(table.number)
    for row in connection.execute(query):
        step = Step(row.at, row.what, row.by, row.said, row.event_id)
        found[row.response_id].append(step)
    return found
