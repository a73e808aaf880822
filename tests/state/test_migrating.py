"""Bringing a state database to the tables of this version."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import gridtrail.forward.tables
import gridtrail.notify.tables
import gridtrail.respond.tables
import gridtrail.respond.trail
import gridtrail.server.saved_queries
import gridtrail.server.sessions
import gridtrail.server.tokens
import gridtrail.triage.tables
from gridtrail.errors import BadSettings
from gridtrail.state.database import open_state, writing
from gridtrail.state.migrating import HEAD

ROOMS = (
    gridtrail.triage.tables.metadata,
    gridtrail.server.tokens.metadata,
    gridtrail.server.saved_queries.metadata,
    gridtrail.server.accounts.metadata,  # of accounts too
    gridtrail.respond.trail.metadata,
    gridtrail.respond.tables.metadata,
    gridtrail.notify.tables.metadata,
    gridtrail.forward.tables.metadata,
)


def test_migrated_is_what_the_rooms_expect(state_place: Path | str) -> None:
    """After all revisions the database has the tables, columns and indexes that the code names."""
    together = sa.MetaData()
    for metadata in ROOMS:
        for table in metadata.tables.values():
            table.to_metadata(together)
    engine = open_state(state_place)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, together) == []
    engine.dispose()


def test_a_database_from_before_revisions_is_taken_over(state_place: Path | str) -> None:
    """Tables that were made without a revision stay with their rows."""
    engine = open_state(state_place)
    with writing(engine).begin() as connection:
        connection.execute(sa.text("DROP TABLE alembic_version"))
        connection.execute(
            sa.text(
                "INSERT INTO tokens (id, hash, name, org, scopes, created_at) "
                "VALUES ('U1', 'h', 'n', 'E0', 'admin', 1)"
            )
        )
    engine.dispose()
    again = open_state(state_place)
    with again.connect() as connection:
        assert connection.scalar(sa.text("SELECT name FROM tokens")) == "n"
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == HEAD
    again.dispose()


def test_a_newer_database_is_left_alone(state_place: Path | str) -> None:
    """A database of a newer Gridtrail is refused with the next step and not touched."""
    engine = open_state(state_place)
    with writing(engine).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(BadSettings, match="newer Gridtrail"):
        open_state(state_place)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()
