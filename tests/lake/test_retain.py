"""Retention."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake

DAY = 86_400
FIRST = datetime.date(2026, 9, 22)


def test_old_days_go_whole(lake: Lake, store: Any, make_event: Any) -> None:
    """Days older than the limit are gone at once, younger ones stay, readers before keep theirs."""
    store(*(make_event(f"e{i}", i * DAY // 2) for i in range(20)))
    lake.events_view("before")
    kept = lake.retain(3, today=FIRST + datetime.timedelta(9))
    assert (kept.oldest_kept, kept.files, kept.rows) == (FIRST + datetime.timedelta(6), 6, 12)
    assert list(lake.day_counts()) == [FIRST + datetime.timedelta(i) for i in range(6, 10)]
    assert lake.engine.value("SELECT count(*) FROM before") == 20
    assert len(lake.vacuum(retention_hours=0)) == 6
    assert lake.retain(3, today=FIRST + datetime.timedelta(9)).files == 0
    assert lake.verify().ok


def test_nothing_to_forget(lake: Lake) -> None:
    """An empty lake has nothing to forget; a retention of no days is refused."""
    assert lake.retain(30).rows == 0
    with pytest.raises(WrongUse):
        lake.retain(0)
