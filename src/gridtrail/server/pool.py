"""Threads that read and write the lake, each with an engine session of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake

_Result = TypeVar("_Result")


class LakePool:
    """`workers` threads over the lake in `home`; work that finds none free waits its turn.

    `threads` and `memory_limit` are those of each engine session. Each spills into a directory of
    its own under `spill`: two sessions in one directory would take each other's files.
    """

    def __init__(
        self, home: Path, *, workers: int, threads: int, memory_limit: str, spill: Path
    ) -> None:
        self._home = home
        self._engine = partial(DuckDB, threads=threads, memory_limit=memory_limit)
        self._spill = spill
        self._own = threading.local()
        self._engines: list[DuckDB] = []
        self._threads = ThreadPoolExecutor(workers, "lake", initializer=self._open)

    async def run(self, work: Callable[[Lake], _Result]) -> _Result:
        """What `work` returns, done in one of the threads with that thread's lake."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(self._own.lake))

    def close(self) -> None:
        """Wait for work that was begun, then end the sessions."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for engine in self._engines:
            engine.close()

    def _open(self) -> None:
        self._spill.mkdir(parents=True, exist_ok=True)
        engine = self._engine(spill=self._spill / f"server-{os.getpid()}-{threading.get_ident()}")
        self._engines.append(engine)
        self._own.lake = Lake(self._home, engine)
