"""Queries that people keep under a name, for themselves and their colleagues."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from gridtrail.errors import WrongUse
from gridtrail.state.database import open_state, storable, writing

MOST_SQL = 20_000
"""Characters of a query."""

_MOST_NAME = 100
_MOST = 500

metadata = sa.MetaData()

saved_queries = sa.Table(
    "saved_queries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sql", sa.Text, nullable=False),
    sa.Column("owner_id", sa.Text, nullable=False),  # an account's
    sa.Column("owner_name", sa.Text, nullable=False),
    sa.Column("saved_at", sa.BigInteger, nullable=False),  # seconds since the epoch
)


@dataclass(frozen=True, slots=True)
class SavedQuery:
    """A query and whose it is; `saved_at` in seconds since the epoch."""

    id: str
    name: str
    sql: str
    owner_id: str
    owner_name: str
    saved_at: int


class SavedQueries:
    """The kept queries of one installation; `place` as in `open_state`. May be shared between
    threads."""

    def __init__(self, place: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._engine = open_state(place)

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> SavedQueries:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def list(self) -> list[SavedQuery]:
        """All of them, by name."""
        query = saved_queries.select()
        with self._engine.connect() as connection:
            found = [SavedQuery(*row) for row in connection.execute(query)]
        return sorted(found, key=lambda one: (one.name.lower(), one.id))

    def save(self, name: str, sql: str, owner: tuple[str, str]) -> SavedQuery:
        """Keep `sql` for `owner` (id and name); what they kept under this name is replaced.

        Raises WrongUse for a bad name, a query that is empty or too long, or too many of them.
        """
        called, text = name.strip(), storable(sql.strip())
        if not 0 < len(called) <= _MOST_NAME or not called.isprintable():
            raise WrongUse(f"A query's name has 1 to {_MOST_NAME} printable characters: give one.")
        if not 0 < len(text) <= MOST_SQL:
            raise WrongUse(f"A query has 1 to {MOST_SQL:,} characters: write one.")
        saved = SavedQuery(
            "Q" + secrets.token_hex(6), called, text, owner[0], owner[1], int(self._clock())
        )
        same = (saved_queries.c.name == called) & (saved_queries.c.owner_id == owner[0])
        with writing(self._engine).begin() as connection:
            connection.execute(saved_queries.delete().where(same))
            count = sa.select(sa.func.count()).select_from(saved_queries)
            if (connection.scalar(count) or 0) >= _MOST:
                raise WrongUse(f"There are {_MOST} saved queries: delete some first.")
            values = {name: getattr(saved, name) for name in saved_queries.c.keys()}  # noqa: SIM118
            connection.execute(saved_queries.insert().values(values))
        return saved

    def delete(self, query_id: str) -> SavedQuery:
        """Forget a query. Raises WrongUse when there is none of this id."""
        which = saved_queries.c.id == query_id
        with writing(self._engine).begin() as connection:
            row = connection.execute(saved_queries.select().where(which)).one_or_none()
            if row is None:
                raise WrongUse("There is no such saved query: look at the list.")
            connection.execute(saved_queries.delete().where(which))
        return SavedQuery(*row)
