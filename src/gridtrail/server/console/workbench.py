"""Long work that a page asks for: what a threshold or a rule would have raised.

One piece at a time, in a thread and with an engine session of its own, so that it takes nothing
from those who look at pages; and it ends by a deadline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings

_Result = TypeVar("_Result")

OnProgress = Callable[[str, int, int], None]
"""Called by the work after each piece of it: a sentence, pieces done, pieces in all."""

SECONDS = 90.0
"""How long a piece of work may take."""


class Workbench:
    """The one of a server. `seconds` bounds each piece of work."""

    def __init__(self, settings: Settings, *, seconds: float = SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._busy = threading.Lock()
        self._limiter = CapacityLimiter(2)  # one works, another hears at once that it is taken

    async def run(self, work: Callable[[Lake, DuckDB, OnProgress], _Result]) -> _Result:
        """What `work` returns.

        Raises WrongUse when somebody else is at it, and when it took too long.
        """
        return await to_thread.run_sync(lambda: self._run(work), limiter=self._limiter)

    def _run(self, work: Callable[[Lake, DuckDB, OnProgress], _Result]) -> _Result:
        if not self._busy.acquire(blocking=False):
            raise WrongUse("Somebody else is trying something just now: try again in a minute.")
        try:
            return self._with_engine(work, time.monotonic() + self._seconds)
        finally:
            self._busy.release()

    def _with_engine(
        self, work: Callable[[Lake, DuckDB, OnProgress], _Result], end: float
    ) -> _Result:
        def tell(_text: str, done: int, pieces: int) -> None:
            if time.monotonic() > end:
                raise WrongUse(
                    f"It took longer than {self._seconds:g} seconds ({done} of {pieces} days were "
                    "done): choose a shorter time, or use the command line."
                )

        settings = self._settings
        spill = settings.data / "spill"
        spill.mkdir(parents=True, exist_ok=True)
        engine = DuckDB(
            threads=settings.threads,
            memory_limit=settings.memory_limit,
            spill=spill / f"workbench-{threading.get_ident()}",
        )
        try:
            return work(Lake(settings.data / "lake", engine), engine, tell)
        finally:
            engine.close()
