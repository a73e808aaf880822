"""Bringing a state database to the tables of this version, in one transaction."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from gridtrail.errors import BadSettings

HEAD = "0010"
"""The newest revision in `migrations/versions`."""

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: sa.Engine) -> None:
    """Bring the database of `engine` (one that writes) to HEAD.

    Raises BadSettings when a newer Gridtrail has been at it.
    """
    with engine.connect() as connection:
        found = _revision(connection)
        if found == HEAD:
            return
    # heavy, and needed once in a database's life
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    with engine.begin() as connection:
        if _revision(connection) == HEAD:  # another process was faster
            return
        config = Config()
        config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, HEAD)
        except CommandError as error:
            raise BadSettings(
                f"The state database is of a newer Gridtrail (revision {found}): install that "
                "version, or name another database."
            ) from error


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found
