"""Files in a directory, for an agent that reads directories: one file a batch, there whole or not.

A file is named by the position where it begins. A batch that is sent again (Gridtrail was killed
before it kept its new position) takes the same name and replaces the file, so nothing comes twice.
"""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gridtrail.forward.record import Sendable
from gridtrail.forward.ways.way import Busy
from gridtrail.settings_forward import ForwardSettings


def file_name(settings: ForwardSettings, name: str) -> str:
    """The name of the file of the batch `name`."""
    ending = ".ndjson.gz" if settings.compress else ".ndjson"
    return f"{settings.name}-{settings.what}-{name}{ending}"


def content(settings: ForwardSettings, records: Sequence[Sendable]) -> bytes:
    """The lines of the file."""
    lines = ("\n".join(record.line for record in records) + "\n").encode("ascii")
    return gzip.compress(lines, mtime=0) if settings.compress else lines


class FilesWay:
    """Writes to the directory of `settings`, relative to `home`; it is made when missing."""

    def __init__(self, settings: ForwardSettings, home: Path) -> None:
        self._settings = settings
        self._directory = home / (settings.directory or "")

    def close(self) -> None:
        """Nothing is held between batches."""

    def send(self, records: Sequence[Sendable], name: str) -> None:
        """Write the file, on the disk when this returns. Readable by the owner alone."""
        target = self._directory / file_name(self._settings, name)
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            _write_whole(target, content(self._settings, records))
        except OSError as error:  # the disk is full, or the directory is not ours
            raise Busy(
                f"The target {self._settings.name} cannot be written ({error.strerror}): it is "
                "tried again."
            ) from error


def _write_whole(target: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=".part-", dir=target.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
