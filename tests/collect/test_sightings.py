"""Sightings of other systems: read from their files, folded, kept once."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.collect.sightings import PRESETS, SIGHTINGS, import_sightings
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake

NOON = 1_790_078_400  # 2026-09-22 12:00:00 UTC
ROW = {"person": "Matt@Acme.example", "ip": "203.0.113.7", "device": "laptop", "time": NOON}


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDB]:
    session = DuckDB(threads=1)
    yield session
    session.close()


@pytest.fixture
def lake(tmp_path: Path, engine: DuckDB) -> Lake:
    return Lake(tmp_path / "lake", engine)


def stored(lake: Lake) -> list[dict[str, Any]]:
    lake.view(SIGHTINGS, "seen")
    rows: list[dict[str, Any]] = lake.engine.rows(
        "SELECT person, ip, device, system, first_seen, last_seen FROM seen ORDER BY ALL"
    ).to_pylist()
    return rows


def ndjson(*rows: Any) -> io.BytesIO:
    return io.BytesIO(b"\n".join(json.dumps(row).encode() for row in rows))


def test_a_day_is_folded_and_read_twice_changes_nothing(lake: Lake) -> None:
    """One row a day for each person, address, device and system, whatever is read how often."""
    rows = [{**ROW, "time": NOON + n} for n in (60, 0, 30)] + [{**ROW, "time": NOON + 86_400}]
    report = import_sightings([ndjson(*rows)], lake, lake.engine, org="E0", system="vpn")
    assert (report.read, report.stored) == (4, 2)
    again = import_sightings([ndjson(*rows[:2])], lake, lake.engine, org="E0", system="vpn")
    assert again.stored == 0
    wider = import_sightings(
        [ndjson({**ROW, "time": NOON + 90})], lake, lake.engine, org="E0", system="vpn"
    )
    assert wider.stored == 1
    assert stored(lake) == [
        {"person": "matt@acme.example", "ip": "203.0.113.7", "device": "laptop", "system": "vpn"}
        | {"first_seen": first, "last_seen": last}
        for first, last in ((NOON, NOON + 90), (NOON + 86_400, NOON + 86_400))
    ]


@pytest.mark.parametrize(
    ("kind", "row", "system"),
    [
        (
            "okta",
            {
                "actor": {"alternateId": "matt@acme.example"},
                "client": {"ipAddress": "203.0.113.7", "userAgent": {"rawUserAgent": "laptop"}},
                "published": "2026-09-22T12:00:00.000Z",
            },
            "okta",
        ),
        (
            "entra",
            {
                "userPrincipalName": "MATT@acme.example",
                "ipAddress": "203.0.113.7",
                "deviceDetail": {"displayName": "laptop"},
                "createdDateTime": "2026-09-22T12:00:00Z",
            },
            "entra",
        ),
        (
            "osquery",
            {
                "columns": {"email": "matt@acme.example", "address": "::ffff:203.0.113.7"},
                "hostIdentifier": "laptop",
                "unixTime": NOON,
            },
            "osquery",
        ),
        ("plain", {**ROW, "time": str(NOON * 1000)}, "plain"),
    ],
)
def test_the_presets_read_their_systems(
    lake: Lake, kind: str, row: dict[str, Any], system: str
) -> None:
    """Each kind of file gives the same sighting."""
    import_sightings([ndjson(row)], lake, lake.engine, org="E0", kind=kind)
    (one,) = stored(lake)
    assert one["person"] == "matt@acme.example"
    assert (one["ip"], one["device"], one["system"]) == ("203.0.113.7", "laptop", system)
    assert one["first_seen"] == one["last_seen"] == NOON


def test_every_file_format_says_the_same(lake: Lake, tmp_path: Path) -> None:
    """CSV with a byte order mark, Parquet, a JSON array and NDJSON, with a mapping of one's own."""
    row = {"who": "matt@acme.example", "from": "203.0.113.7", "at": "2026-09-22 12:00:00"}
    table = tmp_path / "seen.csv"
    table.write_text("who,from,at\n" + ",".join(row.values()) + "\n", encoding="utf-8-sig")
    parquet = tmp_path / "seen.parquet"
    pq.write_table(pa.Table.from_pylist([row]), parquet)
    array = tmp_path / "seen.json"
    array.write_text(json.dumps([row], indent=2))
    lines = tmp_path / "seen.ndjson"
    lines.write_text(json.dumps(row) + "\n\n")
    mapping = {"person": "who", "ip": "from", "time": "at"}
    for file in (table, parquet, array, lines):
        report = import_sightings([file], lake, lake.engine, org="E0", mapping=mapping)
        assert (report.read, dict(report.skipped)) == (1, {}), file.name
    assert len(stored(lake)) == 1


def test_a_bad_row_is_told_with_its_place(lake: Lake) -> None:
    """What lacks person, address or time, or is no object, is counted; the rest is stored."""
    rows = [ROW, {**ROW, "person": 7}, {**ROW, "ip": "nowhere"}, {**ROW, "time": "soon"}, [1], None]
    report = import_sightings([ndjson(*rows)], lake, lake.engine, org="E0")
    assert report.skipped == {"no_person": 1, "no_address": 1, "no_time": 1, "not_an_object": 2}
    assert report.problems[0].startswith("stdin, row 2: ")
    assert len(stored(lake)) == 1


def test_wrong_use_is_said(lake: Lake, tmp_path: Path) -> None:
    """An unknown kind or field and an unreadable file are one sentence."""
    broken = tmp_path / "seen.parquet"
    broken.write_bytes(b"PAR1 not really")
    with pytest.raises(WrongUse, match="okta"):
        import_sightings([], lake, lake.engine, org="E0", kind="duo")
    with pytest.raises(WrongUse, match="no field 'who'"):
        import_sightings([], lake, lake.engine, org="E0", mapping={"who": "x"})
    for file in (broken, tmp_path / "absent.csv"):
        with pytest.raises(WrongUse, match="cannot be read"):
            import_sightings([file], lake, lake.engine, org="E0")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(PRESETS["plain"])), json_values))
def test_whatever_a_row_holds_it_is_stored_or_counted(
    tmp_path_factory: pytest.TempPathFactory, engine: DuckDB, row: dict[str, Any]
) -> None:
    """Every row read is either a sighting or has its reason."""
    lake = Lake(tmp_path_factory.mktemp("fuzz") / "lake", engine)
    report = import_sightings([ndjson(row)], lake, engine, org="E0")
    assert report.read == report.stored + sum(report.skipped.values()) == 1
