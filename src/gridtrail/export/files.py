"""A file that is there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gridtrail.errors import WrongUse


@contextmanager
def whole_file(path: Path, *, replace: bool = False) -> Iterator[BinaryIO]:
    """Write `path` through a neighbour that is renamed at the end; dropped when the block fails.

    The file is readable by its owner only, since audit events are about people.

    Raises WrongUse when `path` is there already and not `replace`, or when its directory does not
    exist or cannot be written to.
    """
    _check(path, replace)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    except OSError as error:
        raise WrongUse(
            f"{path} cannot be written ({error.strerror}): choose another place."
        ) from error
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _check(path, replace)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _check(path: Path, replace: bool) -> None:
    if path.is_dir():
        raise WrongUse(f"{path} is a directory: name a file in it.")
    if not replace and path.exists():
        raise WrongUse(f"{path} is there already: choose another name or give --force.")
