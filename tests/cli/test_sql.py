"""`gridtrail sql`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Store = Callable[..., None]


@pytest.fixture
def filled(event: Make, store: Store) -> None:
    evidence = {
        "detector": "tor",
        "score_millinats": 12_345,
        "p_value": "4.4e-06",
        "words": "A Tor exit was used.",
        "deciding_events": ["event-0000"],
        "observed": {"hours": 2},
    }
    details = {"reason": ["tor"], "gridtrail": evidence}
    store([*[event(number) for number in range(5)], event(9, "anomaly", details=details)])


@pytest.mark.usefixtures("filled")
def test_events(gridtrail: Run) -> None:
    """The events are a table with a readable time beside the columns of the lake."""
    query = "select id, time, session_id from events order by id limit 1"
    assert gridtrail("sql", query, "-f", "json").json == [
        {"id": "event-0000", "time": "2026-09-21T14:13:20Z", "session_id": "847288190092"}
    ]


@pytest.mark.usefixtures("filled")
def test_anomalies_have_their_evidence_in_columns(gridtrail: Run) -> None:
    """The anomalies are a table of their own, with the evidence unpacked."""
    query = "select id, detector, score, p_value, words, deciding_events, observed from anomalies"
    assert gridtrail("sql", query, "-f", "json").json == [
        {
            "id": "event-0009",
            "detector": "tor",
            "score": 12.345,
            "p_value": "4.4e-06",
            "words": "A Tor exit was used.",
            "deciding_events": ["event-0000"],
            "observed": '{"hours":2}',
        }
    ]


def test_evidence_of_strangers_breaks_nothing(gridtrail: Run, event: Make, store: Store) -> None:
    """Imported anomalies may hold anything where the evidence should be."""
    odd: list[Any] = [None, "text", [1], {"score_millinats": "many", "deciding_events": "x"}]
    store(
        [
            event(number, "anomaly", details={"reason": ["tor"], "gridtrail": value})
            for number, value in enumerate(odd)
        ]
    )
    result = gridtrail("sql", "select * from anomalies", "-f", "json")
    assert result.code == 0
    assert [row["score"] for row in result.json] == [None] * 4


@pytest.mark.usefixtures("filled")
def test_order_and_limit(gridtrail: Run) -> None:
    """The rows come in the order asked for; what is cut off is said."""
    result = gridtrail("sql", "select id from events order by id desc", "-f", "ndjson", "--limit=2")
    assert [row["id"] for row in result.rows] == ["event-0009", "event-0004"]
    assert "Only the first 2 rows" in result.err
    assert len(gridtrail("sql", "select id from events", "-f", "ndjson", "--limit=0").rows) == 6


@pytest.mark.usefixtures("filled")
def test_comments_and_semicolons(gridtrail: Run) -> None:
    """A comment or a semicolon at the end does no harm."""
    for query in ("select 1 as a;", "select 1 as a -- one", "select 1 as a; -- one"):
        assert gridtrail("sql", query, "-f", "ndjson").rows == [{"a": 1}]


def test_values_of_every_kind(gridtrail: Run) -> None:
    """Whatever a query gives can be printed in every format."""
    query = (
        "select 1::hugeint as big, 0.1::decimal(9, 4) as dec, 'NaN'::double as nan, "
        "'x\\xFF'::blob as blob, interval 90 minute as span, [1, 2] as list, {'a': 1} as obj, "
        "map {'k': 1} as map, uuid() as id, true as yes, null as none, date '2026-10-01' as day, "
        "time '08:15' as clock, 1 as a, 2 as a"
    )
    row = gridtrail("sql", query, "-f", "json").json[0]
    assert row.pop("id")
    assert row == {
        "big": 1,
        "dec": 0.1,
        "nan": "nan",
        "blob": {"base64": "eP8="},
        "span": "P0M0DT5400S",
        "list": [1, 2],
        "obj": {"a": 1},
        "map": [["k", 1]],
        "yes": True,
        "none": None,
        "day": "2026-10-01",
        "clock": "08:15:00",
        "a": 1,
        "a_1": 2,
    }
    assert gridtrail("sql", query).code == 0
    cells = next(csv.DictReader(io.StringIO(gridtrail("sql", query, "-f", "csv").text)))
    assert (cells["list"], cells["yes"], cells["a_1"]) == ("[1,2]", "true", "2")


def test_value_beyond_every_calendar(gridtrail: Run) -> None:
    """A date that cannot be printed is one sentence, not a crash."""
    result = gridtrail("sql", "select date '20000-01-01' as d")
    assert result.code == 2
    assert "cast it to VARCHAR" in result.err


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * from evnts", "There is no table 'evnts': query events, anomalies, quarantine"),
        ("select actr from events", "The columns are: org, id, date_create"),
        ("selec 1", "cannot be read"),
        ("select 1; select 2", "Give one SELECT"),
        ("drop view events", "Only SELECT"),
        ("select * from '/etc/passwd'", "There is no table '/etc/passwd'"),
        ("select 1/0 + 'x'", "failed"),
        ("select * from read_text('/etc/passwd')", "cannot stand for a table"),
    ],
)
def test_errors_are_one_sentence_with_a_hint(gridtrail: Run, query: str, said: str) -> None:
    """A wrong query is exit code 2 and one line that says what there is."""
    result = gridtrail("sql", query)
    assert result.code == 2
    assert result.out == b""
    assert said in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.usefixtures("filled")
def test_lakes_own_files_cannot_be_named(gridtrail: Run, data: Path) -> None:
    """Not even the files of the lake can be read by name."""
    file = next((data / "lake" / "events").rglob("*.parquet"))
    assert gridtrail("sql", f"select * from '{file}'").code == 2
    assert gridtrail("sql", f"select * from read_parquet('{file}')").code == 2


@pytest.mark.usefixtures("filled")
def test_nothing_is_written(gridtrail: Run, data: Path) -> None:
    """A query leaves the data directory as it was."""
    before = sorted(path for path in data.rglob("*") if path.is_file())
    gridtrail("sql", "select * from events")
    gridtrail("sql", f"copy events to '{data}/out.csv'")
    assert sorted(path for path in data.rglob("*") if path.is_file()) == before


def test_tables(gridtrail: Run) -> None:
    """--tables lists every table with its columns, and each can be queried."""
    rows = gridtrail("sql", "--tables", "-f", "json").json
    tables = list(dict.fromkeys(row["table"] for row in rows))
    assert tables == [
        "events",
        "anomalies",
        "quarantine",
        "anomaly_counts",
        "rule_hits",
        "silenced",
        "detector_states",
        "sightings",
        "addresses",
        "clients",
    ]
    for table in tables:
        assert gridtrail("sql", f"select count(*) as n from {table}", "-f", "json").json == [
            {"n": 0}
        ]


def test_no_query(gridtrail: Run) -> None:
    """Without a query the error shows one."""
    result = gridtrail("sql")
    assert result.code == 2
    assert "select count(*) from events" in result.err
