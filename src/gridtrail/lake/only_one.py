"""One process at a time, where two would do harm: a lock beside the lake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridtrail.errors import WrongUse

try:
    import fcntl
except ImportError:  # not on Windows: there nobody watches over two processes at once
    fcntl = None  # type: ignore[assignment]


@contextmanager
def only_one(home: Path, name: str, sentence: str) -> Iterator[None]:
    """Hold the lock `name` (a file name) beside the lake in `home` while the block runs.

    The system frees it when the process dies. Raises WrongUse with `sentence` when somebody else
    holds it, in this process or another.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    with (home.parent / f"{name}.lock").open("ab") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise WrongUse(sentence) from error
        yield
