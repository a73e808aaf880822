"""Threads over the lake."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gridtrail.errors import RetryLater
from gridtrail.lake.lake import Lake
from gridtrail.server.pool import LakePool


def test_own_sessions(data: Any) -> None:
    """Work runs in as many threads as there are workers, each with a lake of its own."""
    meeting = threading.Barrier(2)

    def meet(lake: Lake) -> tuple[int, int]:
        meeting.wait(120)
        return id(lake), id(lake.engine)

    async def both() -> tuple[tuple[int, int], tuple[int, int]]:
        return await asyncio.gather(pool.run(meet), pool.run(meet))

    pool = LakePool(
        data.path / "lake", workers=2, threads=1, memory_limit="256MiB", spill=data.path / "spill"
    )
    first, second = asyncio.run(both())
    assert first[0] != second[0]
    assert first[1] != second[1]
    pool.close()


def test_errors_come_back(data: Any) -> None:
    """What work raises is raised to whoever asked for it, and the thread goes on."""

    def fail(_lake: Lake) -> None:
        raise RetryLater("busy: try again.")

    pool = LakePool(
        data.path / "lake", workers=1, threads=1, memory_limit="256MiB", spill=data.path / "spill"
    )
    with pytest.raises(RetryLater):
        asyncio.run(pool.run(fail))
    assert asyncio.run(pool.run(lambda lake: lake.home)) == data.path / "lake"
    pool.close()


def test_many_at_once(tenant: Any, make_event: Any) -> None:
    """Readers and writers at the same time: nothing is lost, repeated or mixed up."""
    token = tenant.token("auditlogs:read", "auditlogs:write")
    there = [make_event(f"there{n}", n) for n in range(40)]
    tenant.fill(there)

    def write(number: int) -> None:
        events = [make_event(f"{number}-{n}", n) for n in range(5)]
        with tenant.server.client(token) as client:
            answer = client.post("/audit/v1/logs", content=json.dumps(events))
            assert answer.json()["stored"] == 5

    def read(_number: int) -> set[str]:
        seen: list[str] = []
        cursor = ""
        with tenant.server.client(token) as client:
            while True:
                given = {"limit": 6, "cursor": cursor}
                body = client.get("/audit/v1/logs", params=given).json()
                seen += [event["id"] for event in body["entries"]]
                cursor = body["response_metadata"]["next_cursor"]
                if not cursor:
                    assert len(set(seen)) == len(seen)
                    return set(seen)

    with ThreadPoolExecutor(8) as threads:
        writing = threads.map(write, range(6))
        reading = threads.map(read, range(6))
        assert all(seen >= {e["id"] for e in there} for seen in reading)
        list(writing)
    assert len(read(0)) == 70
