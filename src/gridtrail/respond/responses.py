"""The record of what was asked of Slack: who, why, when, what Slack said, and how it went.

    waiting ──approved──> requested ──Slack said yes──> sent ──its event──> confirmed
       │                      │                          │
       └────refused───────────┴──Slack said no──> failed └──no event──> unconfirmed

`requested` with a `called_at` and no answer means that it is not known whether Slack did it: it
is never called again by itself, and watched like one that was sent. A late event confirms an
unconfirmed one, and what an unclear call did.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from gridtrail.errors import WrongUse
from gridtrail.respond.slack_admin import Devices
from gridtrail.respond.steps import Step, What, note, steps_of
from gridtrail.respond.tables import responses
from gridtrail.state.database import open_state, storable, writing

State = Literal["waiting", "requested", "sent", "confirmed", "unconfirmed", "failed"]
STATES: tuple[State, ...] = (
    "waiting", "requested", "sent", "confirmed", "unconfirmed", "failed"
)  # fmt: skip
WATCHED: tuple[State, ...] = ("requested", "sent", "unconfirmed")
WATCH_SECONDS = 7 * 86_400
"""So long after the call its event is looked for."""
_BEGINS: Mapping[State, What] = {
    "sent": "sent", "confirmed": "confirmed", "unconfirmed": "unconfirmed", "failed": "failed"
}  # fmt: skip
AGAIN_SECONDS = 600
"""The same is not asked again while it is under way, for so long."""


@dataclass(frozen=True, slots=True)
class Response:
    """One person's part of one call; times in seconds since the epoch, see the table."""

    id: str
    batch: str
    org: str
    method: str
    user_id: str
    user_name: str
    devices: Devices
    session_id: str | None
    state: State
    asked_by: str
    approved_by: str | None
    reason: str
    finding_id: str | None
    said: str
    event_id: str | None
    asked_at: int
    called_at: int | None
    changed_at: int

    def to_json(self) -> dict[str, Any]:
        """All fields, as `gridtrail responses` and the API give them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: a method of Slack for some people (id and name), and why."""

    org: str
    method: str
    people: tuple[tuple[str, str], ...]
    devices: Devices
    session_id: str | None
    by: str
    reason: str
    finding_id: str | None
    key: str | None = None
    """Names this asking: whoever asks again with the same key gets what it made."""


class ResponseStore:
    """The responses of one installation; `place` as in `open_state`, `clock` counts seconds."""

    def __init__(self, place: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = open_state(place)
        self._clock = clock

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> ResponseStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def ask(self, asked: Asked, *, approval: bool) -> list[Response]:
        """Record what is asked for, before anything is done; with `approval` it waits for it.

        What was asked with the same key before is returned as it is now. Raises WrongUse when the
        same is under way for one of the people.
        """
        now, batch = int(self._clock()), asked.key or uuid.uuid4().hex
        rows = [
            {
                "id": uuid.uuid4().hex[:12],
                "batch": batch,
                "org": storable(asked.org),
                "method": asked.method,
                "user_id": storable(user_id),
                "user_name": storable(name),
                "devices": asked.devices,
                "session_id": asked.session_id,
                "state": "waiting" if approval else "requested",
                "asked_by": storable(asked.by),
                "reason": storable(asked.reason),
                "finding_id": asked.finding_id,
                "said": "",
                "asked_at": now,
                "changed_at": now,
            }
            for user_id, name in asked.people
        ]
        with writing(self._engine).begin() as connection:
            known = responses.select().where(responses.c.batch == batch).limit(1)
            if connection.execute(known).first() is None:
                for row in rows:
                    _not_twice(connection, row, now)
                connection.execute(responses.insert(), rows)
                note(connection, [str(one["id"]) for one in rows], Step(now, "asked", asked.by))
        return self.batch(batch)

    def begin(self, batch: str, *, approved_by: str | None = None) -> list[Response]:
        """Take the call of `batch` upon oneself: it is given once, and noted before it is made.

        Raises WrongUse when it was begun before, or waits for the approval of a second person.
        """
        now = int(self._clock())
        mine = responses.c.batch == batch
        with writing(self._engine).begin() as connection:
            rows = connection.execute(responses.select().where(mine)).all()
            if any(row.state == "waiting" for row in rows):
                _check_approval(rows[0], approved_by)
            elif any(row.state != "requested" or row.called_at is not None for row in rows):
                raise WrongUse(
                    f"This was done before ({rows[0].state}): see gridtrail responses, and ask "
                    "anew."
                )
            values = {"state": "requested", "called_at": now, "changed_at": now}
            values |= {"approved_by": storable(approved_by)} if approved_by else {}
            connection.execute(responses.update().where(mine).values(values))
            ids = [row.id for row in rows]
            if approved_by:
                note(connection, ids, Step(now, "approved", approved_by))
            note(connection, ids, Step(now, "called"))
        return self.batch(batch)

    def expire(self, seconds: int) -> list[Response]:
        """End what has waited for approval for more than `seconds`; returns it."""
        said = "Nobody approved it in time: ask anew."
        now = int(self._clock())
        old = (responses.c.state == "waiting") & (responses.c.asked_at < self._clock() - seconds)
        with writing(self._engine).begin() as connection:
            ids = _change(connection, old, Step(now, "expired", said=said), state="failed")
        return self._read(responses.select().where(responses.c.id.in_(ids))) if ids else []

    def refuse(self, batch: str, by: str) -> list[Response]:
        """Say no to what waits. Raises WrongUse when it does not wait."""
        waits = (responses.c.batch == batch) & (responses.c.state == "waiting")
        said = f"Not approved by {by}."
        with writing(self._engine).begin() as connection:
            step = Step(int(self._clock()), "refused", by, said)
            if not _change(connection, waits, step, state="failed"):
                raise WrongUse("This does not wait for approval: see gridtrail responses.")
        return self.batch(batch)

    def answered(self, batch: str, state: State, said: str) -> list[Response]:
        """Note what Slack said to the call, or what is known instead."""
        asked = (responses.c.batch == batch) & (responses.c.state == "requested")
        self._set(asked, state, said, None)
        return self.batch(batch)

    def seen(self, response: Response, state: State, said: str, event_id: str | None) -> None:
        """Note what the audit log says of a response that is watched."""
        watched = (responses.c.id == response.id) & responses.c.state.in_(WATCHED)
        self._set(watched, state, said, event_id)

    def _set(self, where: Any, state: State, said: str, event_id: str | None) -> None:
        what = _BEGINS.get(state, "unclear")
        with writing(self._engine).begin() as connection:
            step = Step(int(self._clock()), what, said=said, event_id=event_id)
            _change(connection, where, step, state=state)

    def steps(self, found: Sequence[Response]) -> dict[str, list[Step]]:
        """How each of these went, by id, from the first step on."""
        with self._engine.connect() as connection:
            return steps_of(connection, [one.id for one in found])

    def batch(self, batch: str) -> list[Response]:
        """All of one call."""
        return self._read(responses.select().where(responses.c.batch == batch))

    def watched(self, org: str | None = None) -> list[Response]:
        """Those whose event is still looked for, the oldest first."""
        since = int(self._clock()) - WATCH_SECONDS
        query = responses.select().where(
            responses.c.state.in_(WATCHED), responses.c.called_at >= since
        )
        return self._read(query if org is None else query.where(responses.c.org == org))

    def used_events(self, org: str) -> set[str]:
        """Events that confirm a response already."""
        query = sa.select(responses.c.event_id).where(
            responses.c.org == org, responses.c.event_id.is_not(None)
        )
        with self._engine.connect() as connection:
            return {row.event_id for row in connection.execute(query)}

    def select(
        self,
        *,
        org: str | None = None,
        user: str | None = None,
        finding: str | None = None,
        state: str | None = None,
        batch: str | None = None,
        limit: int | None = None,
    ) -> list[Response]:
        """Those that fit, the newest first. Raises WrongUse for a state that there is not."""
        if state is not None and state not in STATES:
            raise WrongUse(f"There is no state {state[:40]!r}: use one of {', '.join(STATES)}.")
        query = responses.select()
        wanted = {"org": org, "user_id": user, "finding_id": finding, "state": state}
        wanted |= {"batch": batch}
        for name, value in wanted.items():
            query = query if value is None else query.where(responses.c[name] == value)
        return self._read(query, newest=True)[:limit]

    def get(self, id_or_prefix: str) -> Response:
        """The response with this id, or the only one whose id starts so. Raises WrongUse."""
        start = responses.c.id.startswith(id_or_prefix, autoescape=True)
        found = self._read(responses.select().where(start).limit(2))
        if len(found) != 1 or not id_or_prefix:
            few = "no response" if not found else "more than one response"
            raise WrongUse(f"There is {few} {id_or_prefix[:40]!r}: see gridtrail responses.")
        return found[0]

    def _read(self, query: sa.Select[Any], *, newest: bool = False) -> list[Response]:
        time_, row_id = responses.c.asked_at, responses.c.id
        query = query.order_by(time_.desc() if newest else time_, row_id)
        with self._engine.connect() as connection:
            names = [one.name for one in fields(Response)]
            rows = connection.execute(query).all()
        return [Response(**{name: getattr(row, name) for name in names}) for row in rows]


def _change(connection: sa.Connection, where: Any, step: Step, *, state: State) -> list[str]:
    """Bring what is chosen into `state`, and keep the step; the ids."""
    ids = [row.id for row in connection.execute(sa.select(responses.c.id).where(where))]
    values: dict[str, Any] = {"state": state, "said": storable(step.said), "changed_at": step.at}
    values |= {} if step.event_id is None else {"event_id": step.event_id}
    connection.execute(responses.update().where(responses.c.id.in_(ids)).values(values))
    note(connection, ids, step)
    return ids


def _not_twice(connection: sa.Connection, row: dict[str, Any], now: int) -> None:
    table = responses.c
    same = [table[name] == row[name] for name in ("org", "user_id", "devices")]
    recent = table.state.in_(("requested", "sent")) & (table.asked_at > now - AGAIN_SECONDS)
    query = responses.select().where(
        *same, table.session_id.is_not_distinct_from(row["session_id"]),
        (table.state == "waiting") | recent,
    )  # fmt: skip
    found = connection.execute(query.limit(1)).first()
    if found is not None:
        raise WrongUse(
            f"The same was asked for {found.user_id} {now - found.asked_at} s ago and is "
            f"{found.state} ({found.id}): wait for what gridtrail responses says of it."
        )


def _check_approval(row: Any, approved_by: str | None) -> None:
    if approved_by is None:
        raise WrongUse(
            f"This waits for a second person: gridtrail responses approve {row.id} by somebody "
            f"other than {row.asked_by}."
        )
    if _same_person(approved_by, row.asked_by):
        raise WrongUse(f"{row.asked_by} asked for it: somebody else has to approve it.")


def _same_person(one: str, other: str) -> bool:
    """Whether the two may be one person: `ann` of the command line and `ann@acme.example` of the
    console are."""
    first, second = (name.casefold().strip() for name in (one, other))
    if "@" in first and "@" in second:
        return first == second
    return first.partition("@")[0] == second.partition("@")[0]


def batches(found: Sequence[Response]) -> dict[str, list[Response]]:
    """Responses by call, in order."""
    together: dict[str, list[Response]] = {}
    for one in found:
        together.setdefault(one.batch, []).append(one)
    return together
