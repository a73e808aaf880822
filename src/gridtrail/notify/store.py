"""The outbox in the state database: what waits, who sends it, and what came of it.

    waiting ──delivered──> sent
       │  └──refused, or failed too often──> dead ──resend──> waiting
       └──together with others──> joined (to a new message that waits)

An attempt is noted before it is made. Whatever may have arrived keeps its id and its content.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gridtrail.errors import WrongUse
from gridtrail.notify.message import NOTICES, Kind, Message, worst_first
from gridtrail.notify.planning import HOUR, Waiting
from gridtrail.notify.tables import channels, marks, messages, told
from gridtrail.state.database import open_state, storable, writing

_WINDOW = 2_000
"""Waiting messages of a channel that are looked at together."""
_FIELDS = [one.name for one in fields(Message)]
_PLANNED = [one.name for one in fields(Waiting)]


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """How a channel fares: messages that wait (and since when the oldest does), dead letters,
    failures in a row, since when, and what went wrong last. Seconds since the epoch."""

    channel: str
    waiting: int
    oldest: int | None
    dead: int
    failures: int
    failing_since: int | None
    said: str


class Outbox:
    """The outbox of one installation; `place` as in `open_state`, `clock` counts seconds."""

    def __init__(self, place: Path | str, clock: Callable[[], float]) -> None:
        self._engine = open_state(place)
        self._writing = writing(self._engine)
        self._clock = clock

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def now(self) -> int:
        """The second it is."""
        return int(self._clock())

    def writing(self) -> sa.Engine:
        """The database, for a transaction that puts something in (`put`)."""
        return self._writing

    def mark(self, name: str) -> int | None:
        """The position of that name."""
        with self._engine.connect() as connection:
            return mark(connection, name)

    # sending --------------------------------------------------------------------------------

    def take(self, channel: str, holder: str, seconds: int, *, resting: bool = False) -> bool:
        """Whether `holder` alone may send in the channel now, for so many seconds; with `resting`
        also while it rests after a failure."""
        now = self.now
        with self._writing.begin() as connection:
            row = _channel(connection, channel)
            free = row.leased_to in (None, holder) or row.leased_until <= now
            if not free or (row.open_at > now and not resting):
                return False
            _set_channel(connection, channel, leased_to=holder, leased_until=now + seconds)
            return True

    def release(self, channel: str, holder: str) -> None:
        """Let others send in the channel."""
        mine = (channels.c.channel == channel) & (channels.c.leased_to == holder)
        with self._writing.begin() as connection:
            values = {"leased_to": None, "leased_until": 0}
            connection.execute(channels.update().where(mine).values(values))

    def waiting(self, channel: str) -> tuple[list[Waiting], list[int]]:
        """The first messages that wait, and the times of news in the last hour."""
        mine = messages.c.channel == channel
        waits = sa.select(*(messages.c[name] for name in _PLANNED)).where(
            mine, messages.c.state == "waiting"
        )
        lately = sa.select(messages.c.done_at).where(
            mine,
            messages.c.state == "sent",
            messages.c.kind.in_(NOTICES),
            messages.c.done_at > self.now - HOUR,
        )
        with self._engine.connect() as connection:
            rows = connection.execute(waits.order_by(messages.c.number).limit(_WINDOW)).all()
            noticed = [row.done_at for row in connection.execute(lately)]
        return [_waiting(row) for row in rows], noticed

    def begin(self, batch: Sequence[str], holder: str, seconds: int) -> Message | None:
        """Note that the messages of `batch` are now sent as one; None when somebody else does.

        Several become one new message for good, so that a second attempt sends the same again.
        """
        now = self.now
        with self._writing.begin() as connection:
            rows = connection.execute(messages.select().where(messages.c.id.in_(batch))).all()
            found = sorted((_message(row) for row in rows), key=lambda one: one.number)
            lease = _channel(connection, found[0].channel) if found else None
            if lease is None or lease.leased_to != holder or len(found) < len(batch):
                return None
            if any(one.state != "waiting" for one in found):
                return None
            one = found[0] if len(found) == 1 else join(connection, found, now)
            mine = messages.c.id == one.id
            connection.execute(messages.update().where(mine).values(attempts=one.attempts + 1))
            _set_channel(connection, one.channel, leased_until=now + seconds)
            sent = read(connection, one.id)
            if sent.about is None:
                return sent
            notice = messages.select().where(messages.c.id == sent.about)
            row = connection.execute(notice).one_or_none()
            return replace(sent, reference=row.reference if row else None)

    def delivered(self, message: Message, reference: str | None, *, keep: bool) -> None:
        """It is there. With `keep` what it shows is kept, for bringing it up to date."""
        values: dict[str, Any] = {"state": "sent", "done_at": self.now, "said": ""}
        values |= {"reference": reference} | ({} if keep else {"body": {}})
        with self._writing.begin() as connection:
            _set(connection, message.id, **values)
            if message.about is not None and keep:
                _set(connection, message.about, body=message.body, reference=reference)
            _set_channel(connection, message.channel, failures=0, failing_since=None, open_at=0)

    def failed(self, message: Message, why: str, *, pause: int, channel_pause: int) -> None:
        """It may not be there: it and its channel are not tried again for so many seconds."""
        now = self.now
        with self._writing.begin() as connection:
            _set(connection, message.id, said=storable(why), due_at=now + pause)
            row = _channel(connection, message.channel)
            _set_channel(
                connection,
                message.channel,
                failures=row.failures + 1,
                failing_since=row.failing_since or now,
                open_at=now + channel_pause,
            )

    def gave_up(self, message: Message, why: str) -> None:
        """It goes to the dead letters."""
        with self._writing.begin() as connection:
            _set(connection, message.id, state="dead", done_at=self.now, said=storable(why))

    def failures(self, channel: str) -> int:
        """How often in a row the channel failed."""
        query = sa.select(channels.c.failures).where(channels.c.channel == channel)
        with self._engine.connect() as connection:
            return connection.scalar(query) or 0

    # for people -----------------------------------------------------------------------------

    def resend(self, ids: Sequence[str] | None) -> list[Message]:
        """Let dead letters be sent again at once, all of them when `ids` is None.

        They are sent as they are (they may have arrived). An id may be given by its beginning.
        Raises WrongUse for one that is no dead letter.
        """
        dead = self.select(state="dead", limit=None)
        chosen = dead if ids is None else [_only(dead, one) for one in ids]
        now = self.now
        with self._writing.begin() as connection:
            for one in chosen:
                _set(connection, one.id, state="waiting", attempts=1, due_at=now, done_at=None)
            for name in {one.channel for one in chosen}:
                _channel(connection, name)
                _set_channel(connection, name, open_at=0)
        return chosen

    def select(
        self, *, state: str | None = None, channel: str | None = None, limit: int | None = 100
    ) -> list[Message]:
        """Messages, the newest first."""
        order = (messages.c.created_at.desc(), messages.c.number.desc())
        query = messages.select().order_by(*order).limit(limit)
        if state is not None:
            query = query.where(messages.c.state == state)
        if channel is not None:
            query = query.where(messages.c.channel == channel)
        with self._engine.connect() as connection:
            return [_message(row) for row in connection.execute(query)]

    def get(self, ids: Sequence[str]) -> list[Message]:
        """The messages with these ids, the oldest first."""
        query = messages.select().where(messages.c.id.in_(ids)).order_by(messages.c.number)
        with self._engine.connect() as connection:
            return [_message(row) for row in connection.execute(query)]

    def facts(self, names: Sequence[str]) -> list[ChannelFacts]:
        """How each of these channels fares, and others that have messages left."""
        count, table = sa.func.count(), messages.c
        query = (
            sa.select(table.channel, table.state, count, sa.func.min(table.created_at))
            .where(table.state.in_(("waiting", "dead")))
            .group_by(table.channel, table.state)
        )
        with self._engine.connect() as connection:
            left = {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(query)}
            fares = {row.channel: row for row in connection.execute(channels.select())}
            said = {name: _said(connection, name) for name in fares if fares[name].failures}
        found = []
        for name in [*names, *sorted({channel for channel, _ in left} - set(names))]:
            waiting, oldest = left.get((name, "waiting"), (0, None))
            dead, _ = left.get((name, "dead"), (0, None))
            row = fares.get(name)
            failures, since = (row.failures, row.failing_since) if row else (0, None)
            found.append(
                ChannelFacts(name, waiting, oldest, dead, failures, since, said.get(name, ""))
            )
        return found

    def tidy(self, names: Sequence[str], days: int) -> None:
        """Give up what is for channels that are no more, and forget what was told long ago."""
        now = self.now
        lost = messages.c.channel.not_in(names) & (messages.c.state == "waiting")
        old = messages.c.state.in_(("sent", "joined")) & (
            messages.c.created_at < now - days * 86400
        )
        values = {"state": "dead", "done_at": now, "said": "There is no such channel any more."}
        with self._writing.begin() as connection:
            connection.execute(messages.update().where(lost).values(values))
            forgotten = sa.select(messages.c.id).where(old)
            connection.execute(told.delete().where(told.c.message_id.in_(forgotten)))
            connection.execute(messages.delete().where(old))


def put(
    connection: sa.Connection,
    channel: str,
    kind: Kind,
    body: Mapping[str, Any],
    *,
    now: int,
    due_at: int | None = None,
    finding_ids: Sequence[str] = (),
    severity_rank: int = 0,
    about: str | None = None,
    message_id: str | None = None,
    number: int | None = None,
) -> str:
    """Put a message into the outbox, in the transaction of `connection`; its id."""
    newest = sa.select(sa.func.coalesce(sa.func.max(messages.c.number), 0) + 1).scalar_subquery()
    values = {
        "id": message_id or uuid.uuid4().hex,
        "number": newest if number is None else number,
        "channel": channel,
        "kind": kind,
        "state": "waiting",
        "about": about,
        "finding_ids": list(finding_ids),
        "severity_rank": severity_rank,
        "body": body,
        "created_at": now,
        "due_at": now if due_at is None else due_at,
        "attempts": 0,
        "said": "",
    }
    connection.execute(messages.insert().values(values))
    return str(values["id"])


def join(connection: sa.Connection, found: Sequence[Message], now: int) -> Message:
    """Make one message of several that never left.

    It takes the place of the first of them: whatever comes later about one of its findings still
    comes later.
    """
    place = found[0].number
    _set(connection, found[0].id, number=-place)  # it is out of the row
    body = {
        "findings": worst_first([one for message in found for one in message.findings]),
        "news": {name: kind for m in found for name, kind in m.body.get("news", {}).items()},
    }
    joined = put(
        connection,
        found[0].channel,
        "several",
        body,
        now=min(one.created_at for one in found),
        due_at=now,
        finding_ids=[name for one in found for name in one.finding_ids],
        severity_rank=max(one.severity_rank for one in found),
        number=place,
    )
    for one in found:
        _set(connection, one.id, state="joined", joined_to=joined, done_at=now, body={})
        mine = told.c.message_id == one.id
        connection.execute(told.update().where(mine).values(message_id=joined))
    return read(connection, joined)


def read(connection: sa.Connection, message_id: str) -> Message:
    """The message with this id."""
    return _message(connection.execute(messages.select().where(messages.c.id == message_id)).one())


def mark(connection: sa.Connection, name: str) -> int | None:
    """The position of that name."""
    value: int | None = connection.scalar(sa.select(marks.c.value).where(marks.c.name == name))
    return value


def set_mark(connection: sa.Connection, name: str, value: int) -> None:
    """Keep a position."""
    mine = marks.c.name == name
    if not connection.execute(marks.update().where(mine).values(value=value)).rowcount:
        connection.execute(marks.insert().values(name=name, value=value))


def _channel(connection: sa.Connection, name: str) -> Any:
    query = channels.select().where(channels.c.channel == name)
    row = connection.execute(query).one_or_none()
    if row is None:
        values = {"channel": name, "failures": 0, "open_at": 0, "leased_until": 0}
        connection.execute(channels.insert().values(values))
        row = connection.execute(query).one()
    return row


def _set_channel(connection: sa.Connection, name: str, **values: Any) -> None:
    connection.execute(channels.update().where(channels.c.channel == name).values(values))


def _set(connection: sa.Connection, message_id: str, **values: Any) -> None:
    connection.execute(messages.update().where(messages.c.id == message_id).values(values))


def _said(connection: sa.Connection, channel: str) -> str:
    mine = (messages.c.channel == channel) & (messages.c.state == "waiting")
    query = sa.select(messages.c.said).where(mine, messages.c.said != "")
    return connection.scalar(query.order_by(messages.c.due_at.desc()).limit(1)) or ""


def _only(dead: Sequence[Message], beginning: str) -> Message:
    found = [one for one in dead if beginning and one.id.startswith(beginning)]
    if len(found) != 1:
        few = "no dead letter" if not found else "more than one dead letter"
        raise WrongUse(f"There is {few} {beginning[:40]!r}: see gridtrail notify dead.")
    return found[0]


def _message(row: Any) -> Message:
    values = {name: getattr(row, name) for name in _FIELDS}
    return Message(**{**values, "finding_ids": tuple(row.finding_ids)})


def _waiting(row: Any) -> Waiting:
    values = {name: getattr(row, name) for name in _PLANNED}
    return Waiting(**{**values, "finding_ids": tuple(row.finding_ids)})
