"""Long work is done one piece at a time, and ends."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import WrongUse
from gridtrail.server.console.workbench import Workbench
from gridtrail.settings import Settings


def test_work_has_an_engine_of_its_own_and_its_answer_comes_back(tmp_path: Path) -> None:
    """What it returns is returned; a second piece can follow, also after a failure."""
    bench = Workbench(Settings(data=tmp_path))

    async def both() -> tuple[int, int]:
        first = await bench.run(lambda _lake, engine, _tell: int(engine.value("SELECT 41 + 1")))
        with pytest.raises(ZeroDivisionError):
            await bench.run(lambda _lake, _engine, _tell: 1 // 0)
        return first, await bench.run(lambda _lake, engine, _tell: int(engine.value("SELECT 7")))

    assert asyncio.run(both()) == (42, 7)


def test_another_hears_at_once_that_it_is_taken(tmp_path: Path) -> None:
    """Two at the same time would take the machine from those who look at pages."""
    bench = Workbench(Settings(data=tmp_path))
    begun, go_on = threading.Event(), threading.Event()

    def waits(_lake: Any, _engine: Any, _tell: Any) -> str:
        begun.set()
        assert go_on.wait(60)
        return "done"

    async def both() -> str:
        working = asyncio.create_task(bench.run(waits))
        await asyncio.to_thread(begun.wait, 60)
        with pytest.raises(WrongUse, match="Somebody else"):
            await bench.run(waits)
        go_on.set()
        return await working

    assert asyncio.run(both()) == "done"


def test_work_ends_by_its_deadline(tmp_path: Path) -> None:
    """After its time the next step is the last, and says how far it came."""
    bench = Workbench(Settings(data=tmp_path), seconds=0)

    def steps(_lake: Any, _engine: Any, tell: Any) -> None:
        tell("deciding", 3, 30)

    with pytest.raises(WrongUse, match=r"3 of 30 days were done"):
        asyncio.run(bench.run(steps))
