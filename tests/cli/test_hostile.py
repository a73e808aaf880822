"""Every string in an event is a stranger's: no output may be shaped by one."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from gridtrail.export.cells import is_dangerous, restored

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]
Store = Callable[..., None]

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x07click\x1b]8;;\x07",
    "\x9b31m\x9d0;title\x9c",
    "[red]markup[/red] [link=http://evil.example]x[/link]",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "@SUM(A1)",
    "\t=1",
    "line one\r\nline two\u2028three",
    "invoice\u202efdp.exe \u2066x\u2069",
    "zero\u200bwidth\ufeff\u00ad",
    "tags\U000e0041\U000e0042",
    "a\u0301\u0301\u0301\u0301\u0301\u0301",
    '",";DROP TABLE events;--',
    "'; rm -rf ~; $(id) `id`",
    "\x00nul\x7fdel",
    "漢字 żółw 😀",
]
UNRULY = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.fixture
def hostile(event: Make, store: Store) -> list[dict[str, Any]]:
    """One event for each hostile string, which stands in every field that takes any text."""
    events = []
    for number, text in enumerate(HOSTILE):
        person = {"id": text, "name": text, "email": text, "team": text}
        events.append(
            event(
                number,
                action="anomaly" if number % 2 else "file_downloaded",
                actor={"type": "user", "user": person},
                entity={"type": "file", "file": {"id": text, "name": text}},
                context={
                    "ua": text,
                    "ip_address": text,
                    "session_id": text,
                    "location": {"type": text, "id": text, "domain": text},
                    "app": {"id": text},
                },
                details={"reason": [text], text: text, "gridtrail": {"words": text}},
            )
        )
    store(events)
    return events


def assert_calm(result: Any) -> None:
    """Nothing in stdout or stderr moves, hides, reorders or styles anything."""
    assert result.code in (0, 1)
    for line in (result.text + result.err).split("\n"):
        assert not [c for c in line if unicodedata.category(c) in UNRULY], repr(line)


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    "command",
    [
        ["logs"],
        ["logs", "--action", "anomaly"],
        ["show", "event-0000", "--context", "1h"],
        ["show", "event-0001", "--context", "1h"],
        ["sql", "select * exclude (raw) from events"],
        ["sql", "select * from anomalies"],
        ["sql", 'select actor_name as "\x1b[31m=x" from events'],
        ["verify"],
    ],
)
def test_tables_are_calm(gridtrail: Run, command: list[str]) -> None:
    """Tables and pages for people hold one line a row and no unruly character."""
    result = gridtrail(*command)
    assert_calm(result)
    assert len(result.text) > 100


def test_table_has_one_line_a_row(gridtrail: Run, hostile: list[dict[str, Any]]) -> None:
    """Line breaks in an event make no line of the table."""
    result = gridtrail("sql", "select actor_name from events")
    assert len(result.text.splitlines()) == len(hostile) + 1


@pytest.mark.usefixtures("hostile")
def test_json_of_listings_is_exact(gridtrail: Run) -> None:
    """Programs get every hostile string back exactly."""
    for command in (["logs"], ["sql", "select * from events order by date_create desc"]):
        rows = gridtrail(*command, "-f", "json").json
        assert [row["actor_name"] for row in rows] == HOSTILE[::-1]
        assert gridtrail(*command, "-f", "ndjson").rows == rows


@pytest.mark.usefixtures("hostile")
def test_csv_is_exact_and_harmless(gridtrail: Run) -> None:
    """CSV gives every hostile string back and none of its cells is a formula."""
    outputs = [
        gridtrail("logs", "-f", "csv").text,
        gridtrail("sql", "select * from events order by date_create desc", "-f", "csv").text,
        gridtrail("export", "-f", "csv", "-o", "-").text,
    ]
    for text in outputs:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        names = [restored(row["actor_name"]) for row in rows]
        assert names in (HOSTILE, HOSTILE[::-1])
        cells = [cell for row in rows for cell in row.values()]
        assert not [cell for cell in cells if cell[:1] in {*"=+-@\t\r\n"} and is_dangerous(cell)]


def test_raw_and_export_are_byte_for_byte(gridtrail: Run, hostile: list[dict[str, Any]]) -> None:
    """Raw events come out as they went in."""
    lines = [json.dumps(one, ensure_ascii=False) for one in hostile]
    assert gridtrail("export", "-o", "-").text.split("\n") == [*lines, ""]
    assert gridtrail("logs", "--raw").text.split("\n") == [*lines[::-1], ""]


@pytest.mark.usefixtures("hostile")
def test_show_json_is_exact(gridtrail: Run) -> None:
    """The JSON of one event holds it, and what was around it, exactly."""
    for number, text in enumerate(HOSTILE):
        found = gridtrail("show", f"event-{number:04}", "--context", "1h", "-f", "json").json
        assert found["event"]["actor"]["user"]["name"] == text
        assert text in [row["actor_name"] for row in found["around"]]


def test_suggested_commands_are_quoted(gridtrail: Run, event: Make, store: Store) -> None:
    """An event's id in a suggested command cannot run anything when it is pasted."""
    store([event(1, id="x; $(touch pwned) `id` '")])
    said = gridtrail("logs").err
    assert """show 'x; $(touch pwned) `id` '"'"'' --context""" in said


def test_filters_are_values_not_sql(gridtrail: Run, hostile: list[dict[str, Any]]) -> None:
    """A filter finds the event that holds exactly that hostile string."""
    for number, text in enumerate(HOSTILE):
        for option in ("--session", "--ip", "--app"):
            if text.startswith("-"):
                continue
            rows = gridtrail("logs", option, text, "-f", "ndjson").rows
            assert [row["id"] for row in rows] == [hostile[number]["id"]], (option, text)


def test_number_of_thousands_of_digits(gridtrail: Run, store: Store) -> None:
    """A number that Python would refuse to read is shown, not a crash."""
    store(['{"id":"e1","action":"x","date_create":1790000000,"details":{"n":' + "9" * 6000 + "}}"])
    assert_calm(gridtrail("show", "e1"))
    assert_calm(gridtrail("logs"))
