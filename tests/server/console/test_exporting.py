"""An export holds the whole selection, as it is on the page and no other."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

import gridtrail.server.console.exporting as room


def test_json_is_as_slacks_api_answers(desk: Any, hostile_events: list[dict[str, Any]]) -> None:
    """Each event is as it came, newest first."""
    answer = desk.get("/logs/export?format=json&source=post")
    assert answer.headers["content-disposition"].startswith("attachment;")
    entries = answer.json()["entries"]
    assert len(entries) == 30 + len(hostile_events)
    assert hostile_events[0] in entries
    times = [one["date_create"] for one in entries]
    assert times == sorted(times, reverse=True)


def test_csv_has_a_line_for_each_event_and_runs_nothing(desk: Any, make_event: Any) -> None:
    """The selection's filters hold, and a cell that a spreadsheet would run is made harmless."""
    desk.data.fill(
        [make_event("formula", 900, action="=cmd|calc", entity="F0FORMULA", actor="W0SHEET")]
    )
    answer = desk.get("/logs/export?format=csv&entity=F0FORMULA")
    heading, row = csv.reader(io.StringIO(answer.text))
    assert heading == list(room.COLUMNS)
    assert row[heading.index("action")] == "'=cmd|calc"
    assert row[heading.index("actor_name")] == "Matt"


def test_an_export_is_written_in_pieces_that_join(desk: Any) -> None:
    """A selection larger than a piece is whole."""
    raw = b"".join(desk.get("/logs/export?format=json&actor=W0MATTHEW1&text=plain-").iter_bytes())
    assert raw.count(b'"id": "plain-') == 30


def test_detections_export_anomalies_alone(desk: Any) -> None:
    """The export of that page has what the page has."""
    entries = desk.get("/logs/export?format=json&for=detections").json()["entries"]
    assert {one["id"] for one in entries} == {"anomaly-ours", "anomaly-slack"}


@pytest.mark.parametrize("query", ["", "format=exe", "format=csv&oldest=never"])
def test_what_cannot_be_exported_is_refused(desk: Any, query: str) -> None:
    """Another format or a wrong time is refused with a page."""
    assert desk.get(f"/logs/export?{query}").status_code == 400
