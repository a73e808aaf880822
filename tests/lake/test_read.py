"""Looking events up."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.log import DataFile
from gridtrail.lake.query import EventFilter, is_slack_id
from gridtrail.lake.read import time_clusters, windows
from gridtrail.lake.schema import EVENTS

DAY = 86_400
MIDNIGHT = 1_790_035_200

ACTORS = [("W0MATTHEW1", "Matt", "matt@acme.example"), ("W0ANNA0002", "Ännä", "anna@acme.example")]
ENTITIES = [("F0GLENGARRY1", "Glengarry-Leads.xlsx"), ("C0GENERAL1", "General"), (None, None)]


def holds(row: dict[str, Any], wanted: EventFilter) -> bool:
    """The meaning of a filter, said once more in plain Python."""

    def party(value: str | None, key: str, names: list[str | None]) -> bool:
        if value is None or row[key] == value:
            return True
        known = [name.lower() for name in names if name is not None]
        return not is_slack_id(value) and value.lower() in known

    called = wanted.actor_called
    equal = {"ip": "ip", "session": "session_id", "app": "app_id", "source": "source", "id": "id"}
    exact = {column: getattr(wanted, name) for name, column in (equal | {"org": "org"}).items()}
    return (
        all(value is None or row[column] == value for column, value in exact.items())
        and (not wanted.actions or row["action"] in wanted.actions)
        and party(wanted.actor, "actor_id", [row["actor_name"], row["actor_email"]])
        and called in (None, row["actor_email" if "@" in (called or "") else "actor_name"])
        and party(wanted.entity, "entity_id", [row["entity_name"]])
        and (wanted.reason is None or wanted.reason in (row["reasons"] or []))
        and (wanted.ua is None or wanted.ua.lower() in (row["ua"] or "").lower())
        and (wanted.text is None or wanted.text.lower() in row["raw"].lower())
        and (wanted.oldest is None or row["date_create"] >= wanted.oldest)
        and (wanted.latest is None or row["date_create"] <= wanted.latest)
    )


@pytest.fixture(scope="module")
def history(
    tmp_path_factory: pytest.TempPathFactory,
    make_event: Callable[..., dict[str, Any]],
    make_table: Any,
) -> Any:
    """A lake with 400 events over five days in two organizations, half of it compacted, and the
    same events as a list."""
    lake = Lake(tmp_path_factory.mktemp("history"), DuckDB(threads=2))
    rows = []
    for i in range(400):
        actor, entity = ACTORS[i % 2], ENTITIES[i // 2 % 3]
        rows.append(
            make_event(
                f"e{i:03}",
                i * 37 % 100 * (5 * DAY // 100),
                org=("E0ACME", "E0OTHER")[i % 7 == 0],
                action=("user_login", "file_downloaded", "anomaly")[i % 3],
                actor_id=actor[0],
                actor_name=actor[1],
                actor_email=actor[2],
                entity_id=entity[0],
                entity_name=entity[1],
                ip=("203.0.113.7", "::1", None)[i % 5 % 3],
                session_id=(None, "12177102026566", "s'1")[i % 4 % 3],
                ua=("Mozilla/5.0 Chrome", "Scrapers Inc", "curl/8 %_", None)[i // 3 % 4],
                app_id=("A0APP00001", None)[i % 11 > 0],
                reasons=["asn", "ip_address"] if i % 3 == 2 else None,
                source=("slack", "import")[i % 2],
            )
        )
    for part in (rows[:200], rows[200:]):
        lake.engine.register("given", make_table(part))
        lake.append_events("given")
        if part[0] is rows[0]:
            lake.compact()
    yield lake, rows
    lake.engine.close()


def maybe(*values: Any) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), st.sampled_from(values))


seconds = st.one_of(st.none(), st.integers(MIDNIGHT - DAY, MIDNIGHT + 6 * DAY))
filters = st.builds(
    EventFilter,
    actions=st.sampled_from([(), (), ("anomaly",), ("user_login", "anomaly"), ("x'",)]),
    actor=maybe("W0MATTHEW1", "matt", "ANNA@acme.example", "ÄNNÄ", "W0NOBODY01", "' OR 1=1"),
    actor_called=maybe("Matt", "matt", "matt@acme.example", "Matt@acme.example", "' OR 1=1"),
    entity=maybe("F0GLENGARRY1", "glengarry-leads.xlsx", "general", ""),
    ip=maybe("203.0.113.7", "::1", "203.0.113.%"),
    session=maybe("12177102026566", "s'1"),
    ua=maybe("scrapers", "mozilla/5.0", "%_", "%"),
    app=maybe("A0APP00001"),
    reason=maybe("asn", "user_agent"),
    source=maybe("slack", "import"),
    text=maybe('"ID":"E1', "file_downloaded", "%"),
    id=maybe("e007", "e399", "nope"),
    org=maybe("E0ACME", "E0OTHER", "E0NONE"),
    oldest=seconds,
    latest=seconds,
)


@settings(max_examples=60, deadline=None)
@given(wanted=filters, limit=st.integers(1, 500), newest_first=st.booleans())
def test_look_ups_are_what_a_plain_filter_finds(
    history: tuple[Lake, list[dict[str, Any]]],
    wanted: EventFilter,
    limit: int,
    newest_first: bool,
) -> None:
    """`newest` and `matching` give the rows, and the order, of a plain filter over all rows."""
    lake, rows = history
    expected = sorted(
        (row for row in rows if holds(row, wanted)), key=lambda r: (r["date_create"], r["id"])
    )
    assert lake.newest(wanted, limit).to_pylist() == expected[::-1][:limit]
    pieces = lake.matching(wanted, newest_first=newest_first, columns=["id", "raw"])
    streamed = [row["id"] for piece in pieces for row in piece.to_pylist()]
    assert streamed == [row["id"] for row in (expected[::-1] if newest_first else expected)]


def test_each_field_of_a_filter_matters(history: tuple[Lake, list[dict[str, Any]]]) -> None:
    """Every field alone takes some events and leaves others."""
    lake, rows = history
    values: dict[str, Any] = {
        "actions": ("anomaly",), "actor": "matt",
        "actor_called": "matt@acme.example", "entity": "general", "ip": "::1",
        "session": "s'1", "ua": "scrapers", "app": "A0APP00001", "reason": "asn",
        "source": "slack", "text": "e1", "id": "e007", "org": "E0OTHER",
        "oldest": MIDNIGHT + DAY, "latest": MIDNIGHT + DAY,
    }  # fmt: skip
    assert set(values) == {field.name for field in dataclasses.fields(EventFilter)}
    for name, value in values.items():
        wanted = EventFilter(**{name: value})
        found = lake.newest(wanted, 1000).num_rows
        assert found == sum(holds(row, wanted) for row in rows)
        assert 0 < found < len(rows), name


def test_one_event(history: tuple[Lake, list[dict[str, Any]]]) -> None:
    """An event is found by id, in its organization only, and an unknown id is None."""
    lake, rows = history
    assert lake.event("e008") == rows[8]
    assert lake.event("e008", org="E0ACME") == rows[8]
    assert lake.event("e008", org="E0OTHER") is None
    assert lake.event("nope") is None


def test_surroundings(lake: Lake, store: Any, make_event: Any) -> None:
    """Around an event are those of its actor, session or address in its time and organization."""
    common = {"ip": "192.0.2.1", "session_id": "77"}
    store(
        make_event("centre", 1000, **common),
        make_event("actor", 990),
        make_event("session", 1010, actor_id="W0X", session_id="77"),
        make_event("address", 1005, actor_id=None, ip="192.0.2.1"),
        make_event("stranger", 1000, actor_id="W0X", ip="192.0.2.2", session_id="78"),
        make_event("too late", 1011, **common),
        make_event("too early", 989, **common),
        make_event("elsewhere", 1000, org="E0OTHER", **common),
        make_event("alone", 5000, actor_id=None),
        make_event("beside", 5000, actor_id=None),
    )
    near = lake.surroundings("centre", 10)
    assert near["id"].to_pylist() == ["actor", "centre", "address", "session"]
    assert lake.surroundings("centre", 10, limit=2)["id"].to_pylist() == ["centre", "address"]
    assert lake.surroundings("alone", 10)["id"].to_pylist() == ["alone"]
    assert lake.surroundings("nope", 10).num_rows == 0


def test_view_bounds(history: tuple[Lake, list[dict[str, Any]]]) -> None:
    """A bounded view holds exactly the events of its organization and time, from fewer files."""
    lake, rows = history
    whole = lake.events_view("whole")
    oldest, latest = MIDNIGHT + DAY, MIDNIGHT + 2 * DAY - 1
    part = lake.events_view("part", org="E0ACME", oldest=oldest, latest=latest)
    assert len(part.files) < len(whole.files)
    assert whole.rows == len(rows)
    wanted = EventFilter(org="E0ACME", oldest=oldest, latest=latest)
    expected = sorted(row["id"] for row in rows if holds(row, wanted))
    assert sorted(lake.engine.rows("SELECT id FROM part")["id"].to_pylist()) == expected


def test_day_counts(history: tuple[Lake, list[dict[str, Any]]]) -> None:
    """The log alone tells the number of events a day."""
    lake, rows = history
    counts = lake.day_counts("E0ACME")
    assert sum(counts.values()) == sum(row["org"] == "E0ACME" for row in rows)
    assert sum(lake.day_counts().values()) == 400
    assert list(counts) == [datetime.date(2026, 9, 22 + i) for i in range(5)]


def test_organizations(history: tuple[Lake, list[dict[str, Any]]]) -> None:
    """The log alone tells which organizations have events."""
    lake, rows = history
    assert lake.organizations() == sorted({row["org"] for row in rows})


def test_empty_lake(lake: Lake) -> None:
    """Every look-up in an empty lake finds nothing, with the right columns."""
    assert lake.newest(EventFilter(), 10).schema.names == EVENTS.names
    assert list(lake.matching(EventFilter())) == []
    assert lake.event("x") is None
    assert lake.surroundings("x", 5).schema.names == EVENTS.names
    assert lake.day_counts() == {}
    assert lake.organizations() == []


def test_unknown_column_is_refused(lake: Lake) -> None:
    """A column that events do not have is refused with the list of those they have."""
    with pytest.raises(WrongUse, match="date_create"):
        lake.newest(EventFilter(), columns=["raw", "x; --"])


def test_stream_keeps_its_version(lake: Lake, store: Any, make_event: Any) -> None:
    """What is appended or looked up while a stream runs does not change the stream."""
    store(*(make_event(f"d{day}", day * DAY) for day in range(4)))
    seen = []
    for piece in lake.matching(EventFilter()):
        seen += piece["id"].to_pylist()
        store(make_event(f"new{len(seen)}", len(seen) * DAY + 5))
        assert lake.newest(EventFilter(), 1).num_rows == 1
    assert seen == ["d0", "d1", "d2", "d3"]


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8), st.integers(0, 400_000)))


@given(spans=spans)
def test_windows_never_share_a_second(spans: list[tuple[int, int, int]]) -> None:
    """Clusters and windows hold each file once, newest first, and share no second."""
    files = [DataFile(str(i), 1, n, {}, t, t + w) for i, (t, w, n) in enumerate(spans)]
    for groups in (time_clusters(files), list(windows(files))):
        assert sorted(f.path for group in groups for f in group) == sorted(f.path for f in files)
        for newer, older in itertools.pairwise(groups):
            assert min(f.first or 0 for f in newer) > max(f.last or 0 for f in older)


def test_windows_widen() -> None:
    """Files apart in time are read in windows of growing numbers of rows, the newest first."""
    files = [DataFile(str(i), 1, 100_000, {}, i * 10, i * 10 + 9) for i in range(20)]
    assert len(time_clusters(files)) == 20
    assert [len(window) for window in windows(files)] == [3, 10, 7]
    assert next(windows(files))[0].path == "19"


def test_many_pieces(tmp_path: Path, make_event: Any) -> None:
    """A day of more rows than one piece is streamed in several, in order and complete."""
    lake = Lake(tmp_path, DuckDB(threads=2))
    lake.engine.keep(
        "many",
        "SELECT 'E0ACME' AS org, lpad(i::VARCHAR, 7, '0') AS id,"
        " 1790035200 + i // 4 AS date_create, DATE '2026-09-22' AS \"day\","
        " 'x' AS action, '{}' AS raw, 'import' AS source,"
        " TIMESTAMPTZ '2026-10-01 00:00:00Z' AS ingested_at, "
        + ", ".join(f"NULL::{'VARCHAR[]' if f.name == 'reasons' else 'VARCHAR'} AS {f.name}"
                    for f in EVENTS if f.nullable)
        + " FROM range(250000) r(i)",
    )  # fmt: skip
    lake.append_events("many")
    pieces = [piece["id"].to_pylist() for piece in lake.matching(EventFilter(), columns=["id"])]
    assert 3 <= len(pieces) <= 4  # two cores write two files, each cut in two
    ids = [name for piece in pieces for name in piece]
    assert ids == sorted(ids)
    assert len(ids) == 250_000
    lake.engine.close()
