"""Compaction."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gridtrail.errors import DamagedLake
from gridtrail.lake.compact import Compacted, to_rewrite
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import DataFile
from gridtrail.lake.schema import EVENTS_TABLE, QUARANTINE_TABLE

DAY = 86_400


def everything(lake: Lake) -> list[dict[str, Any]]:
    lake.events_view("all_events")
    rows: list[dict[str, Any]] = lake.engine.rows(
        "SELECT * FROM all_events ORDER BY org, id"
    ).to_pylist()
    return rows


def fill(store: Any, make_event: Any, batches: int = 6) -> None:
    chance = random.Random(1)
    for batch in range(batches):
        store(
            *(
                make_event(
                    f"{batch}-{i}",
                    chance.randrange(2 * DAY),
                    org=chance.choice(["E0ACME", "E0OTHER"]),
                    raw=chance.choice(['{"x": "é\\u00e9 \x7f"}', "not json \\ '\"", "{}"]),
                    reasons=chance.choice([None, [], ["asn", None]]),
                    ua=chance.choice([None, "", "ua"]),
                )
                for i in range(40)
            )
        )


def test_rows_stay_byte_for_byte(lake: Lake, store: Any, make_event: Any) -> None:
    """Compaction leaves one sorted file a day and organization, and every value as it was."""
    fill(store, make_event)
    before, old = everything(lake), lake.events_view("old")
    done = lake.compact()
    assert (done.parts, done.left, done.files_before, done.files_after) == (4, 0, 24, 4)
    assert everything(lake) == before
    files = lake.events_view().files
    assert len(files) == 4
    for file in files:
        read = f"read_parquet('{file}', file_row_number = true)"
        rows = lake.engine.rows(f"SELECT date_create, id FROM {read} ORDER BY file_row_number")
        keys = [(row["date_create"], row["id"]) for row in rows.to_pylist()]
        assert keys == sorted(keys)
    assert lake.engine.value("SELECT count(*) FROM old") == old.rows == 240
    assert lake.compact() == Compacted(0, 0, 0, 0, 0)


def test_look_up_columns_get_bloom_filters(lake: Lake, store: Any, make_event: Any) -> None:
    """In compacted files id, actor, entity, address and session have Bloom filters, raw has not."""
    texts = ("id", "actor_id", "entity_id", "ip", "session_id")
    rows = [
        make_event(f"{i:036}", i, **dict.fromkeys(texts[1:], f"{i:012}"), details=str(i) * 30)
        for i in range(3000)
    ]
    store(*(row | {"raw": row["raw"] + str(row["id"]) * 9} for row in rows))
    lake.compact()
    (file,) = lake.events_view().files
    found = lake.engine.rows(
        "SELECT path_in_schema AS name, bloom_filter_offset IS NOT NULL AS bloom"
        f" FROM parquet_metadata('{file}')"
    ).to_pylist()
    blooms = {row["name"]: row["bloom"] for row in found}
    assert all(blooms[column] for column in texts)
    assert not blooms["raw"]


def test_new_events_after_compaction(lake: Lake, store: Any, make_event: Any) -> None:
    """Events appended to a compacted day are duplicates or new as ever, and are compacted later."""
    store(*(make_event(f"a{i}", i) for i in range(50)))
    lake.compact()
    got = store(*(make_event(f"a{i}", i) for i in range(40, 60)))
    assert (got.stored, got.already_there) == (10, 10)
    assert lake.compact().rows == 60
    assert lake.events_view().rows == len(everything(lake)) == 60


def test_other_tables_are_compacted_too(lake: Lake, store: Any, make_event: Any) -> None:
    """The quarantine's files are merged into one."""
    store(make_event("a", 0))
    for second in (1, 2, 3):
        store(make_event("a", 0), make_event("a", second))
    assert len(lake.view(QUARANTINE_TABLE, "q").files) == 3
    assert lake.compact(QUARANTINE_TABLE).files_after == 1
    assert lake.view(QUARANTINE_TABLE, "q").rows == 3
    assert lake.engine.value("SELECT count(*) FROM q") == 3


def test_lost_rows_stop_it(lake: Lake, store: Any, make_event: Any) -> None:
    """When a file holds fewer rows than the log says, nothing is replaced."""
    store(*(make_event(f"a{i}", i) for i in range(50)))
    (file,) = lake.events_view().files
    lake.engine.command(
        f"COPY (SELECT * FROM read_parquet('{file}', hive_partitioning = false) LIMIT 49)"
        f" TO '{file}' (FORMAT parquet)"
    )
    with pytest.raises(DamagedLake, match="gridtrail verify"):
        lake.compact()
    assert lake.events_view().files == (file,)
    assert len(list((lake.home / "events").rglob("*.parquet"))) == 1


def test_vacuum_spares_what_is_young(lake: Lake, store: Any, make_event: Any) -> None:
    """Replaced files stay for the retention time, then go; files of the table always stay."""
    fill(store, make_event)
    before = everything(lake)
    lake.compact()
    assert lake.vacuum() == []
    assert len(lake.vacuum(retention_hours=0)) == 24
    assert everything(lake) == before
    assert len(list((lake.home / "events").rglob("part-*.parquet"))) == 0
    assert Lake(lake.home / "none", lake.engine).vacuum() == []


def file(name: str, first: int, last: int, rows: int = 200_000) -> DataFile:
    return DataFile(f"org=A/day=2026-09-22/{name}", 1, rows, {}, first, last)


def test_full_sorted_files_are_left_alone() -> None:
    """Only new files, sorted ones that overlap them, and a small one before them are rewritten."""
    done = [file("sorted-1", 0, 9), file("sorted-2", 10, 19), file("sorted-3", 20, 29)]
    assert to_rewrite(done) == []
    new = file("part-1", 30, 35, 10)
    assert to_rewrite([*done, new]) == [new]
    small = file("sorted-4", 30, 31, 10)
    later = file("part-2", 32, 35, 10)
    assert to_rewrite([*done, small, later]) == [later, small]
    across = file("part-3", 15, 21, 10)
    assert to_rewrite([*done, across]) == [across, done[1], done[2]]
    assert EVENTS_TABLE.order == "date_create"
