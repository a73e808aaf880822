"""Verification finds each planted damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gridtrail.lake.lake import Lake

DAY = 86_400


@pytest.fixture
def whole(lake: Lake, store: Any, make_event: Any) -> Lake:
    """A lake of three days and two organizations without fault."""
    store(*(make_event(f"e{i:03}", i * 2_000, ua="x" * i) for i in range(120)))
    store(make_event("other", 100, org="E0OTHER"))
    return lake


def first_file(lake: Lake) -> Path:
    return Path(min(lake.events_view("seen", org="E0ACME").files))


def rewrite(lake: Lake, select: str) -> None:
    """Replace the rows of the first file, and make the log say the new size."""
    file = first_file(lake)
    size = file.stat().st_size
    lake.engine.keep("rows", f"SELECT * FROM read_parquet('{file}', hive_partitioning = false)")
    lake.engine.command(f"COPY ({select}) TO '{file}' (FORMAT parquet)")
    for entry in (lake.home / "events" / "_delta_log").glob("*.json"):
        lines = [json.loads(line) for line in entry.read_text().splitlines()]
        for line in lines:
            if line.get("add", {}).get("size") == size:
                line["add"]["size"] = file.stat().st_size
        entry.write_text("\n".join(json.dumps(line) for line in lines))


def again(lake: Lake) -> Any:
    return Lake(lake.home, lake.engine).verify()


def test_whole_lake(whole: Lake) -> None:
    """A lake without fault is ok, and its numbers are told by organization."""
    seen = whole.verify()
    assert (seen.ok, seen.problems, seen.remarks) == (True, (), ())
    acme, other = seen.organizations
    assert (acme.org, acme.events, acme.duplicated, acme.disagreeing) == ("E0ACME", 120, 0, 0)
    assert (acme.first, acme.last) == (1_790_035_200, 1_790_035_200 + 119 * 2_000)
    assert acme.days == whole.day_counts("E0ACME")
    assert (other.org, other.events) == ("E0OTHER", 1)


def test_empty_lake_is_ok(lake: Lake) -> None:
    """A lake that was never written is whole."""
    assert lake.verify().ok


def test_missing_file(whole: Lake) -> None:
    """A file that the log names and the disk lacks is named."""
    first_file(whole).unlink()
    seen = again(whole)
    assert len(seen.missing_files) == 1
    assert "missing" in seen.problems[0]


def test_cut_file(whole: Lake) -> None:
    """A file of another size than was written is named."""
    file = first_file(whole)
    file.write_bytes(file.read_bytes()[:-10])
    seen = again(whole)
    assert len(seen.wrong_size_files) == 1
    assert not seen.ok


@pytest.mark.parametrize("where", [4, -40])
def test_unreadable_file(whole: Lake, where: int) -> None:
    """A file whose bytes were overwritten, in its data or its footer, is named."""
    file = first_file(whole)
    data = bytearray(file.read_bytes())
    start = where % len(data)
    data[start : start + 30] = b"\xff" * 30
    file.write_bytes(data)
    seen = again(whole)
    assert len(seen.unreadable_files) == 1
    assert not seen.ok


def test_orphan_file(whole: Lake) -> None:
    """A file that never got into the log is remarked on; it does no harm."""
    file = first_file(whole)
    file.with_name("part-lost.parquet").write_bytes(file.read_bytes())
    seen = again(whole)
    assert [Path(path).name for path in seen.orphan_files] == ["part-lost.parquet"]
    assert seen.ok
    assert len(seen.remarks) == 1


def test_replaced_files_are_no_orphans(whole: Lake) -> None:
    """Files that compaction replaced and vacuum has not yet taken are nobody's fault."""
    whole.compact()
    seen = whole.verify()
    assert (seen.ok, seen.orphan_files) == (True, ())


@pytest.mark.parametrize(
    "change",
    [
        "* REPLACE (id || 'x' AS id)",
        "* REPLACE (date_create + 1 AS date_create)",
        "* REPLACE ('x' AS action)",
        "* REPLACE ('{' AS raw)",
        "* REPLACE ('[]' AS raw)",
    ],
)
def test_columns_against_raw(whole: Lake, change: str) -> None:
    """Rows whose id, time or action is not what their raw bytes say are counted."""
    rewrite(whole, f"SELECT * FROM rows WHERE id <> 'e000' UNION ALL SELECT {change} FROM rows"
                   " WHERE id = 'e000'")  # fmt: skip
    seen = again(whole)
    assert seen.organizations[0].disagreeing == 1
    assert any("raw bytes" in problem for problem in seen.problems)


def test_duplicated_id(whole: Lake) -> None:
    """An id that stands twice is counted and shown."""
    rewrite(whole, "SELECT * FROM rows WHERE id <> 'e003' UNION ALL SELECT * FROM rows"
                   " WHERE id = 'e002'")  # fmt: skip
    seen = again(whole)
    acme = seen.organizations[0]
    assert (acme.duplicated, acme.duplicated_ids) == (1, ("e002",))
    assert any("another event has too" in problem for problem in seen.problems)


def test_lost_rows(whole: Lake) -> None:
    """A file with fewer rows, or other times, than the log says is named."""
    rewrite(whole, "SELECT * FROM rows WHERE id <> 'e000'")
    problems = "\n".join(again(whole).problems)
    assert "the log says 44" in problems
    assert "otherwise" in problems


def test_gap(lake: Lake, store: Any, make_event: Any) -> None:
    """A silent hour among busy ones is said with its time."""
    lost = 10 * DAY + 15 * 3600
    times = [t for t in range(0, 20 * DAY, 300) if not lost <= t < lost + 3600]
    store(*(make_event(f"e{t}", t) for t in times))
    seen = lake.verify()
    assert "2026-10-02 15:00:00 to 2026-10-02 15:59:59" in seen.problems[0]
    assert len(seen.organizations[0].gaps) == 1


def test_broken_log(whole: Lake) -> None:
    """A log that cannot be read is a problem in one sentence, not a crash."""
    (whole.home / "events" / "_delta_log" / f"{1:020}.json").write_text("{broken")
    seen = again(whole)
    assert not seen.ok
    assert "log" in seen.problems[0]


def test_quarantine_is_counted(whole: Lake, store: Any, make_event: Any) -> None:
    """Quarantined records are counted by reason and remarked on."""
    store(make_event("e000", 0), make_event("e000", 9))
    seen = whole.verify()
    assert seen.quarantine == {"id_conflict": 1}
    assert seen.ok
    assert "1 records are in the quarantine" in seen.remarks[0]
