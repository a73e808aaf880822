"""`gridtrail logs`."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Store = Callable[..., None]


def ids(result: Any) -> list[str]:
    return [row["id"] for row in result.rows]


@pytest.fixture
def filled(event: Make, store: Store) -> None:
    store(
        [
            *[event(number) for number in range(3)],
            event(10, "user_login", context__ip_address="198.51.100.7"),
            event(11, "user_logout", actor__user__id="W0OTHER001", actor__user__name="Ann Ott"),
            event(12, "anomaly", details={"reason": ["tor", "ip_address"]}),
            event(13, "app_installed", context__app={"id": "A0SYNCAPP1"}, context__session_id="x9"),
        ]
    )


@pytest.mark.usefixtures("filled")
def test_newest_first(gridtrail: Run) -> None:
    """The newest event stands on top and the limit is kept."""
    assert ids(gridtrail("logs", "-f", "ndjson", "--limit", "2")) == ["event-0013", "event-0012"]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--action", "user_login"], ["event-0010"]),
        (["--action", "user_login,user_logout"], ["event-0011", "event-0010"]),
        (["--action", "user_login", "--action", "user_logout"], ["event-0011", "event-0010"]),
        (["--actor", "ann ott"], ["event-0011"]),
        (["--actor", "W0OTHER001"], ["event-0011"]),
        (["--entity", "leads-1.xlsx"], ["event-0001"]),
        (["--ip", "198.51.100.7"], ["event-0010"]),
        (["--session", "x9"], ["event-0013"]),
        (["--ua", "mozilla", "--action", "user_login"], ["event-0010"]),
        (["--app", "A0SYNCAPP1"], ["event-0013"]),
        (["--reason", "tor"], ["event-0012"]),
        (["--text", "LEADS-2"], ["event-0002"]),
        (["--oldest", "1790000012"], ["event-0013", "event-0012"]),
        (["--latest", "2026-09-21T14:13:21Z"], ["event-0001", "event-0000"]),
        (["--oldest", "2026-09-21", "--latest", "2026-09-21", "--limit", "1"], ["event-0013"]),
        (["--org", "E0KESTREL", "--limit", "1"], ["event-0013"]),
        (["--org", "nobody"], []),
    ],
)
def test_filters(gridtrail: Run, filters: list[str], expected: list[str]) -> None:
    """Every filter finds what it names and nothing else."""
    result = gridtrail("logs", "-f", "ndjson", *filters)
    assert result.code == 0
    assert ids(result) == expected


@pytest.mark.usefixtures("filled")
def test_formats_say_the_same(gridtrail: Run) -> None:
    """JSON, NDJSON and CSV hold the same rows."""
    rows = gridtrail("logs", "-f", "ndjson").rows
    assert gridtrail("logs", "-f", "json").json == rows
    cells = list(csv.DictReader(io.StringIO(gridtrail("logs", "-f", "csv").text, newline="")))
    assert [cell["id"] for cell in cells] == [row["id"] for row in rows]
    assert list(cells[0]) == list(rows[0])
    assert cells[1]["reasons"] == '["tor","ip_address"]'


@pytest.mark.usefixtures("filled")
def test_table(gridtrail: Run) -> None:
    """The table has a line an event; an anomaly shows its reasons; the next step is said."""
    result = gridtrail("logs")
    assert len(result.text.splitlines()) == 8
    assert "tor, ip_address" in result.text
    assert "2026-09-21T14:13:33Z  app_installed" in result.text
    assert "show event-0013 --context 30m" in result.err


def test_raw_is_byte_for_byte(gridtrail: Run, store: Store) -> None:
    """--raw prints what came, key order, spaces and numbers included."""
    raw = '{"b": 1.10, "action": "x_y",  "id":"e1","date_create":1790000000,"é":"\u202e\\u0041"}'
    store([raw])
    assert gridtrail("logs", "--raw").out == raw.encode() + b"\n"


@pytest.mark.usefixtures("filled")
def test_unknown_action_is_a_warning_with_suggestions(gridtrail: Run) -> None:
    """An action that the catalogue does not know is looked for all the same."""
    result = gridtrail("logs", "--action", "file_downloded")
    assert result.code == 0
    assert "did you mean file_downloaded" in result.err
    assert "No event matches" in result.err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--oldest", "soon"],
        ["--oldest", "2026-10-02", "--latest", "2026-10-01"],
        ["--limit", "0"],
        ["--limit", "many"],
        ["--format", "xml"],
        ["--nonsense"],
        ["surplus"],
    ],
)
def test_wrong_use(gridtrail: Run, wrong: list[str]) -> None:
    """Wrong use is one sentence on stderr and exit code 2."""
    result = gridtrail("logs", *wrong)
    assert result.code == 2
    assert result.out == b""
    assert result.err.startswith("gridtrail: ")
    assert len(result.err.splitlines()) == 1


def test_empty_lake(gridtrail: Run) -> None:
    """Before anything is imported the listing is empty, not an error."""
    result = gridtrail("logs", "-f", "json")
    assert (result.code, result.json) == (0, [])
