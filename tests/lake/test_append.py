"""Appending events exactly once."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.append import Appended
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import Checkpoint
from gridtrail.lake.quarantine import quarantine_id
from gridtrail.lake.schema import EVENTS, QUARANTINE_TABLE

DAY = 86_400


def stored(lake: Lake) -> list[dict[str, Any]]:
    lake.events_view("all_events")
    rows: list[dict[str, Any]] = lake.engine.rows(
        "SELECT * FROM all_events ORDER BY org, id, date_create"
    ).to_pylist()
    return rows


def quarantined(lake: Lake) -> list[dict[str, Any]]:
    lake.view(QUARANTINE_TABLE, "all_quarantined")
    rows: list[dict[str, Any]] = lake.engine.rows(
        "SELECT * FROM all_quarantined ORDER BY id"
    ).to_pylist()
    return rows


def test_rows_come_back(lake: Lake, store: Any, make_event: Any) -> None:
    """Every column of an appended event is read back as it was given."""
    rows = [
        make_event("a", 5, reasons=["asn", "ip_address"], details="{}", ua="curl/8", ip="::1"),
        make_event("b", DAY + 7, session_id="12177102026566", source="slack", org="E0OTHER"),
    ]
    assert store(*rows) == Appended(stored=2, already_there=0, conflicts=0, version=1)
    assert stored(lake) == rows


def test_columns_are_in_order(lake: Lake, store: Any, make_event: Any) -> None:
    """The view has exactly the columns of EVENTS, types included, with and without files."""
    for _ in range(2):
        lake.events_view("seen")
        schema = lake.engine.rows("SELECT * FROM seen").schema
        assert (schema.names, schema.types) == (EVENTS.names, EVENTS.types)
        store(make_event("a"))


def test_repeated_batch_stores_nothing(lake: Lake, store: Any, make_event: Any) -> None:
    """A batch that was stored before is known as duplicates, and makes no commit."""
    rows = [make_event(f"e{i}", i) for i in range(10)]
    first = store(*rows)
    again = store(*rows)
    assert (again.stored, again.already_there, again.conflicts) == (0, 10, 0)
    assert again.version == first.version
    assert len(stored(lake)) == 10


def test_duplicates_inside_a_batch(lake: Lake, store: Any, make_event: Any) -> None:
    """Of equal ids in a batch the earliest, then smallest raw text is stored."""
    got = store(
        make_event("a", 5, raw='{"z":1}'),
        make_event("a", 5, raw='{"b":1}'),
        make_event("a", 5, raw='{"c":1}'),
        make_event("a", 5, raw='{"b":1}'),
    )
    assert (got.stored, got.already_there, got.conflicts) == (1, 3, 0)
    assert [row["raw"] for row in stored(lake)] == ['{"b":1}']


def test_conflict_goes_to_quarantine(lake: Lake, store: Any, make_event: Any) -> None:
    """An id that returns with another time or action is quarantined whole, whichever came first."""
    store(make_event("a", 5), make_event("c", 100))
    other = make_event("a", 9, raw='{"other":"é"}')
    got = store(other, make_event("c", 100, action="user_logout"), make_event("d", 0))
    assert (got.stored, got.already_there, got.conflicts) == (1, 0, 2)
    inside = store(make_event("x", 50), make_event("x", 49), make_event("y", 51))
    assert (inside.stored, inside.already_there, inside.conflicts) == (2, 0, 1)
    assert {(row["id"], row["date_create"] % DAY) for row in stored(lake)} == {
        ("a", 5), ("c", 100), ("d", 0), ("x", 49), ("y", 51),
    }  # fmt: skip
    kept = {row["id"]: row for row in quarantined(lake)}
    assert len(kept) == 3
    row = kept[quarantine_id("E0ACME", "id_conflict", '{"other":"é"}'.encode())]
    assert row["raw"].decode() == other["raw"]
    assert (row["reason"], row["position"], row["raw_bytes"]) == ("id_conflict", "event a", 14)
    assert "user_login" in row["message"]


def test_same_id_in_another_organization(lake: Lake, store: Any, make_event: Any) -> None:
    """Ids are the organization's own: the same id elsewhere is another event."""
    store(make_event("a", org="E0ACME"))
    assert store(make_event("a", org="E0OTHER")).stored == 1
    assert len(stored(lake)) == 2


def test_checkpoint_lands_with_the_rows(lake: Lake, store: Any, make_event: Any) -> None:
    """The checkpoint is in the commit of its rows, and an empty batch commits its checkpoint."""
    assert lake.checkpoint("file.ndjson") is None
    got = store(make_event("a"), checkpoint=Checkpoint("file.ndjson", 17), notes={"file": "x'y"})
    assert lake.checkpoint("file.ndjson") == 17
    empty = store(checkpoint=Checkpoint("file.ndjson", 18))
    assert empty == Appended(0, 0, 0, got.version + 1)
    assert lake.checkpoint("file.ndjson") == 18
    assert lake.checkpoint("another") is None
    assert store() == Appended(0, 0, 0, empty.version)


def test_files_are_sorted(lake: Lake, store: Any, make_event: Any) -> None:
    """Rows in a file stand by date_create, then id."""
    times = random.Random(0).choices(range(9 * DAY), k=400)
    store(*(make_event(str(i), t) for i, t in enumerate(times)))
    files = lake.events_view().files
    assert len(files) == 9
    for file in files:
        rows = lake.engine.rows(
            f"SELECT date_create, id FROM read_parquet('{file}', file_row_number = true)"
            " ORDER BY file_row_number"
        ).to_pylist()
        keys = [(row["date_create"], row["id"]) for row in rows]
        assert keys == sorted(keys)


def test_a_shared_batch_is_written_by_both_cores(lake: Lake, make_event: Any) -> None:
    """Many rows of one day in a shared table become two sorted files apart in time, nothing is
    lost; a second time they are all known."""
    rows = pa.Table.from_pylist([make_event("x", 5)], schema=EVENTS)
    lake.engine.register("_one", rows)
    lake.engine.command(
        "CREATE TABLE shared_batch AS SELECT * REPLACE (range::VARCHAR AS id, "
        "(date_create + (range * 7919) % 80000)::BIGINT AS date_create) FROM _one, range(30000)"
    )
    assert lake.append_events("shared_batch").stored == 30_000
    seen = lake.events_view("halves")
    assert len(seen.files) == 2
    ends = []
    for file in seen.files:
        times = lake.engine.rows(f"SELECT date_create AS t FROM read_parquet('{file}')")
        found = times["t"].to_pylist()
        assert found == sorted(found)
        ends.append((found[0], found[-1]))
    (_, last), (first, _) = sorted(ends)
    assert last < first
    assert lake.engine.value("SELECT count(DISTINCT id) FROM halves") == 30_000
    assert lake.append_events("shared_batch").already_there == 30_000


def test_a_batch_over_many_days(lake: Lake, store: Any, make_event: Any) -> None:
    """A batch over many days is stored whole, each day in a file of its own, and known again."""
    rows = [make_event(f"{i:03}", i * 9_000) for i in range(200)]
    assert store(*rows).stored == 200
    assert stored(lake) == rows
    seen = lake.events_view()
    assert (len(seen.files), seen.rows) == (21, 200)
    assert store(*rows[50:]).already_there == 150


@pytest.mark.parametrize("org", ["", "a/b", "..", "a=b", "é", "x" * 65, "a b", "%41", "a'b"])
def test_organization_must_be_a_plain_name(
    lake: Lake, store: Any, make_event: Any, org: str
) -> None:
    """An organization that could shape a path is refused, and nothing is written."""
    with pytest.raises(WrongUse):
        store(make_event("a", org=org))
    assert not lake.home.exists()


def test_wrong_rows_are_refused(lake: Lake, store: Any, make_event: Any) -> None:
    """A row whose day is not its time's, or that lacks its raw text, stops the batch."""
    with pytest.raises(WrongUse, match="day"):
        store(make_event("a") | {"day": datetime.date(2020, 1, 1)})
    lake.engine.keep("broken", "SELECT * REPLACE (NULL::VARCHAR AS raw) FROM given")
    with pytest.raises(WrongUse, match="raw"):
        lake.append_events("broken")
    assert stored(lake) == []


HOSTILE = [
    "'; DROP TABLE events; --",
    '"quoted" \\ back',
    "line\nfeed\r\t\x01\x1b[31m\x7f",
    "\u202etxt.exe 𝕌nïcode 🦀 \ufeff",
    "=1+1",
    "<script>alert(1)</script>",
    "%s %d {0} ${x}",
    "../../etc/passwd",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(lake: Lake, store: Any, make_event: Any, text: str) -> None:
    """Whatever a text column holds comes back unchanged, also through the duplicate check."""
    free = [f.name for f in EVENTS if f.name != "org" and str(f.type) == "string"]
    row = make_event("x", reasons=[text, text]) | dict.fromkeys(free, text)
    assert store(row).stored == 1
    assert store(row, row).already_there == 2
    assert store(row | {"action": text + "!"}).conflicts == 1
    assert stored(lake) == [row]


events = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.sampled_from([0, 1, 5, DAY + 2, 3 * DAY]),
        st.sampled_from(["user_login", "user_logout"]),
    ),
    max_size=12,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(events, min_size=1, max_size=3))
def test_nothing_is_lost_and_nothing_twice(
    batches: list[list[tuple[str, int, str]]],
    tmp_path_factory: pytest.TempPathFactory,
    make_event: Callable[..., dict[str, Any]],
    make_table: Any,
) -> None:
    """Over any batches, each record given is stored, a duplicate of a stored one, or quarantined.

    The same batches once more store nothing.
    """
    held: set[tuple[str, int, str]] = set()
    engine = DuckDB(threads=1)
    lake = Lake(Path(tmp_path_factory.mktemp("lake")), engine)
    for batch in [*batches, *batches]:
        before = len(stored(lake))
        rows = [make_event(i, second, action=action) for i, second, action in batch]
        engine.register("given", make_table(rows))
        got = lake.append_events("given")
        assert got.stored + got.already_there + got.conflicts == len(rows)
        assert got.stored == len(stored(lake)) - before
        held = {(r["id"], r["date_create"], r["action"]) for r in stored(lake)}
        apart = {r["raw"].decode() for r in quarantined(lake)}
        for row in rows:
            event = (row["id"], row["date_create"], row["action"])
            assert event in held or row["raw"] in apart
    assert len(stored(lake)) == len(held)
    engine.close()
