"""How far each target has come, in the state database: kept after each delivery, in one step."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gridtrail.forward.position import Position
from gridtrail.forward.record import Refusal
from gridtrail.forward.tables import refused, targets
from gridtrail.state.database import open_state, storable, writing

_LONGEST_WHY = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a target; times are seconds since the epoch."""

    name: str
    position: Position
    sent: int
    refused: int
    last_sent_at: int | None
    failing_since: int | None
    why: str


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that a target did not get, and why."""

    target: str
    org: str
    id: str
    at: int
    why: str


class ForwardStore:
    """The positions of all targets; `place` as in `gridtrail.state.database.open_state`."""

    def __init__(self, place: Path | str) -> None:
        self._engine = open_state(place)
        self._writing = writing(self._engine)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> ForwardStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def engine(self) -> sa.Engine:
        """The database, for reading."""
        return self._engine

    def get(self, name: str) -> Kept | None:
        """What is kept of the target `name`, or None before its first run."""
        with self._engine.connect() as connection:
            row = connection.execute(targets.select().where(targets.c.name == name)).one_or_none()
        return None if row is None else _kept(row)

    def begin(self, name: str, position: Position) -> Kept:
        """Keep the first position of `name`, unless it has one; returns what is kept then."""
        values = {"position": position.to_json(), "sent": 0, "refused": 0, "why": ""}
        with self._writing.begin() as connection:
            query = targets.select().where(targets.c.name == name)
            row = connection.execute(query).one_or_none()
            if row is None:
                connection.execute(targets.insert().values(name=name, **values))
                row = connection.execute(query).one()
        return _kept(row)

    def advance(
        self, name: str, position: Position, *, sent: int = 0, refusals: Sequence[Refusal] = ()
    ) -> None:
        """Everything up to `position` is delivered, `sent` records of it now, but `refusals`."""
        now = int(time.time())
        values: dict[str, Any] = {
            "position": position.to_json(),
            "sent": targets.c.sent + sent,
            "refused": targets.c.refused + len(refusals),
            "failing_since": None,
            "why": "",
        }
        values |= {"last_sent_at": now} if sent else {}
        with self._writing.begin() as connection:
            connection.execute(targets.update().where(targets.c.name == name).values(values))
            for one in refusals:
                self._refuse(connection, name, one, now)

    def failing(self, name: str, why: str, *, anew: bool = False) -> None:
        """The far side does not take anything now, because of `why`: since now when it is `anew`,
        or when it worked before."""
        now = int(time.time())
        since = now if anew else sa.func.coalesce(targets.c.failing_since, now)
        values = {"why": storable(why)[:_LONGEST_WHY], "failing_since": since}
        with self._writing.begin() as connection:
            connection.execute(targets.update().where(targets.c.name == name).values(values))

    def left_out_since(self, name: str, second: int) -> int:
        """How many records `name` did not get after that second."""
        later = sa.and_(refused.c.target == name, refused.c.at > second)
        query = sa.select(sa.func.count()).where(later)
        with self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def given(self, name: str, records: Sequence[tuple[str, str]]) -> None:
        """`name` has these (organization, id) after all; each counts as sent now."""
        same = sa.and_(
            refused.c.target == name,
            refused.c.org == sa.bindparam("its_org"),
            refused.c.record_id == sa.bindparam("its_id"),
        )
        rows = [{"its_org": storable(org), "its_id": storable(one)} for org, one in records]
        values = {"sent": targets.c.sent + len(rows), "last_sent_at": int(time.time())}
        if not rows:
            return
        with self._writing.begin() as connection:
            connection.execute(refused.delete().where(same), rows)
            connection.execute(targets.update().where(targets.c.name == name).values(values))

    def refused(self, name: str | None = None, limit: int | None = 1000) -> list[RefusedRecord]:
        """Records that were left out, the newest first; all of them without `limit`."""
        query = refused.select().order_by(refused.c.at.desc(), refused.c.record_id).limit(limit)
        if name is not None:
            query = query.where(refused.c.target == name)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [RefusedRecord(r.target, r.org, r.record_id, r.at, r.why) for r in rows]

    def _refuse(self, connection: sa.Connection, name: str, one: Refusal, now: int) -> None:
        key = {"target": name, "org": storable(one.org), "record_id": storable(one.id)}
        same = sa.and_(*(refused.c[column] == value for column, value in key.items()))
        connection.execute(refused.delete().where(same))
        why = storable(one.why)[:_LONGEST_WHY]
        connection.execute(refused.insert().values(**key, at=now, why=why))


def _kept(row: Any) -> Kept:
    return Kept(
        name=row.name,
        position=Position.from_json(row.position),
        sent=row.sent,
        refused=row.refused,
        last_sent_at=row.last_sent_at,
        failing_since=row.failing_since,
        why=row.why,
    )
