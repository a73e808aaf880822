"""What every command needs: the settings and the lake, made when they are first asked for."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from gridtrail.engine.duckdb import DuckDB
    from gridtrail.lake.lake import Lake
    from gridtrail.settings import Settings


@dataclass
class Session:
    """One run of the command line; `data` is None when nobody named a directory."""

    data: Path | None = None
    debug: bool = False

    @cached_property
    def settings(self) -> Settings:
        """The settings of the data directory. Raises BadSettings."""
        from gridtrail.settings import load_settings

        return load_settings(self.data)

    @cached_property
    def engine(self) -> DuckDB:
        """The embedded engine, with the settings' threads and memory."""
        from gridtrail.engine.duckdb import DuckDB

        settings = self.settings
        return DuckDB(
            threads=settings.threads,
            memory_limit=settings.memory_limit,
            spill=self._spill(),
        )

    def _spill(self) -> Path:
        """A directory of this process alone (two in one would take each other's files), beside
        the data; nothing is made on disk for data that are not there."""
        data = self.settings.data
        where = data if data.is_dir() else Path(tempfile.gettempdir())
        return where / f"spill-{os.getpid()}"

    @cached_property
    def lake(self) -> Lake:
        """The lake in the data directory; nothing is made on disk before the first writing."""
        from gridtrail.lake.lake import Lake

        return Lake(self.settings.data / "lake", self.engine)

    def command(self, *words: str) -> str:
        """`words` as a command line that reaches the same data directory, safe to paste.

        A word may be a stranger's (an event's id): it is quoted for the shell.
        """
        where: tuple[str, ...] = ()
        if self.data is not None and os.environ.get("GRIDTRAIL_DATA") != str(self.data):
            where = ("--data", str(self.data))
        return shlex.join([_program(), *where, *words])


def _program() -> str:
    """How this program was called, when its name alone would not be found."""
    called = Path(sys.argv[0])
    known = shutil.which("gridtrail") is not None or called.name != "gridtrail"
    return "gridtrail" if known else str(called)


def session(context: typer.Context) -> Session:
    """The session that the options before the command made."""
    found = context.find_object(Session)
    if found is None:  # a command called without the app
        found = Session()
    return found
