"""`gridtrail detect`, `gridtrail findings` and `gridtrail finding`, on Slack's own anomalies."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.cli.main import main

Run = Callable[..., Any]
Make = Callable[..., dict[str, Any]]

HOSTILE = "\x1b[31m[red]=cmd|' /C calc'!A0\r\n\u202exslx"


def anomaly(make: Make, number: int, *reasons: str, **changes: Any) -> dict[str, Any]:
    return make(number, "anomaly", details={"reason": list(reasons)}, **changes)


@pytest.fixture(scope="module")
def detected(event: Make, fill: Callable[..., None], tmp_path_factory: Any) -> Path:
    """A lake with downloads and two findings: a scraping one, and a Tor one of Ann."""
    place: Path = tmp_path_factory.mktemp("detected") / "data"
    ann = {"type": "user", "user": {"id": "W0OTHER001", "name": HOSTILE, "email": HOSTILE}}
    scraper = {"ua": HOSTILE, "ip_address": "203.0.113.140", "session_id": 5}
    file = {"type": "file", "file": {"id": "F0HOSTILE1", "name": HOSTILE}}
    fill(
        place,
        [
            *[event(number) for number in range(20)],
            *[event(100 + number, context=scraper) for number in range(30)],
            event(140, context=scraper, entity=file),
            anomaly(event, 150, "unexpected_scraping", "user_agent", context=scraper),
            anomaly(event, 160, "excessive_downloads", context=scraper),
            event(200, "user_login", actor=ann),
            anomaly(event, 210, "tor", actor=ann),
        ],
    )
    assert main(["--data", str(place), "detect"]) == 0
    return place


@pytest.fixture
def found(detected: Path, data: Path) -> None:
    """A copy of that lake."""
    shutil.copytree(detected, data)


@pytest.mark.usefixtures("found")
def test_detect_tells_how_each_detector_is(gridtrail: Run) -> None:
    """Detection prints the state of every detector and says the next step."""
    found = gridtrail("detect", "-f", "json")
    assert found.code == 0
    assert {row["state"] for row in found.json} <= {"working", "learning", "blind"}
    assert {row["org"] for row in found.json} == {"E0KESTREL"}
    assert "2 findings" in found.err
    assert "gridtrail" in found.err.splitlines()[-1]
    assert "findings" in found.err.splitlines()[-1]


@pytest.mark.usefixtures("found")
def test_ranked_list(gridtrail: Run) -> None:
    """Findings stand worst first in every format, with the contract's fields."""
    rows = gridtrail("findings", "-f", "json").json
    assert len(rows) == 2
    assert "unexpected_scraping" in rows[0]["reasons"]
    assert [row["id"] for row in gridtrail("findings", "-f", "ndjson").rows] == [
        row["id"] for row in rows
    ]
    text = gridtrail("findings", "-f", "csv").text
    cells = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(cells[0]) == list(rows[0])
    assert json.loads(cells[0]["context"]) == rows[0]["context"]
    table = gridtrail("findings")
    assert len(table.text.splitlines()) == 3
    assert f"finding {rows[0]['id']}" in table.err


@pytest.mark.usefixtures("found")
@pytest.mark.parametrize(
    ("filters", "count"),
    [
        (["--reason", "tor"], 1),
        (["--actor", "W0OTHER001"], 1),
        (["--status", "closed"], 0),
        (["--status", "open"], 2),
        (["--limit", "1"], 1),
        (["--latest", "2026-09-20"], 0),
        (["--org", "nobody"], 0),
    ],
)
def test_filters(gridtrail: Run, filters: list[str], count: int) -> None:
    """Filters choose findings."""
    assert len(gridtrail("findings", "-f", "json", *filters).json) == count


@pytest.mark.parametrize("wrong", [["--severity", "awful"], ["--status", "x"], ["--oldest", "x"]])
def test_unknown_words(gridtrail: Run, wrong: list[str]) -> None:
    """An unknown severity, status or time is wrong use."""
    assert gridtrail("findings", *wrong).code == 2


@pytest.mark.usefixtures("found")
def test_whole_story(gridtrail: Run) -> None:
    """The page has every part of the story; nothing in it is shaped by a stranger."""
    worst = gridtrail("findings", "-f", "json").json[0]
    result = gridtrail("finding", worst["id"])
    assert result.code == 0
    for heading in ("Why", "How unusual", "Files: ", "Timeline", "What to do"):
        assert f"\n{heading}" in result.text
    for label in ("who", "from", "client", "session"):
        assert re.search(f"^  {label} ", result.text, re.MULTILINE)
    assert "Mira Quinn (mira@kestrel.example, W0MIRAQ7X1)" in result.text
    assert "unexpected_scraping, user_agent: flagged by Slack" in result.text
    assert re.search(r"leads-\d+\.xlsx", result.text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", result.text)
    assert max(len(line) for line in result.text.splitlines()) <= 140
    assert f"show {worst['event_ids'][0]} --context 30m" in result.err


@pytest.mark.usefixtures("found")
def test_story_as_json_is_the_contract(gridtrail: Run) -> None:
    """--format json gives the finding's contract object; a prefix of the id is enough."""
    worst = gridtrail("findings", "-f", "json").json[0]
    assert gridtrail("finding", worst["id"][:9], "-f", "json").json == worst
    assert gridtrail("finding", worst["id"], "-f", "ndjson").rows == [worst]


@pytest.mark.usefixtures("found")
def test_decision_and_note(gridtrail: Run) -> None:
    """A verdict closes the finding, and the note is shown with it."""
    worst = gridtrail("findings", "-f", "json").json[0]["id"]
    result = gridtrail("finding", worst, "--verdict", "expected", "--note", "Asked \x1b[31mMatt.")
    assert "closed, expected" in result.text
    assert "Asked \\x1b[31mMatt." in result.text
    assert len(gridtrail("findings", "-f", "json", "--status", "open").json) == 1
    assert gridtrail("finding", worst, "--verdict", "perhaps").code == 2


@pytest.mark.usefixtures("found")
def test_who_looks_after_it_and_why_it_was_decided(gridtrail: Run) -> None:
    """An assignee and the reason of a verdict are kept, shown and found."""
    worst = gridtrail("findings", "-f", "json").json[0]["id"]
    options = ("--assign", "da\x1bna", "--verdict", "true_positive", "--reason", "he said so")
    result = gridtrail("finding", worst, *options)
    assert "da\\x1bna looks after it" in result.text
    assert "Decided because: he said so" in result.text
    one = gridtrail("findings", "-f", "json", "--assignee", "da\x1bna", "--all").json
    assert [(row["id"], row["verdict_reason"]) for row in one] == [(worst, "he said so")]
    assert gridtrail("finding", worst, "--assign", "", "-f", "json").json["assignee"] is None


@pytest.mark.usefixtures("found")
def test_why_says_the_parts_of_the_score(gridtrail: Run) -> None:
    """The parts add up to the sum; counts can be had for a window of any length."""
    worst = gridtrail("findings", "-f", "json").json[0]
    told = gridtrail("findings", "--why", worst["id"][:9], "--window", "30", "-f", "json").json
    assert sum(part["nats"] for part in told["parts"]) == pytest.approx(told["nats"])
    assert {row["days"] for row in told["counts"]} == {30}
    assert {row["reason"] for row in told["counts"]} == set(worst["reasons"])
    page = gridtrail("findings", "--why", worst["id"])
    assert "Parts of the score" in page.text
    assert "It would have been lower with" in page.text
    assert gridtrail("findings", "--window", "3").code == 2
    assert gridtrail("findings", "--why", worst["id"], "--window", "0").code == 2


@pytest.mark.usefixtures("found")
def test_dry_run_writes_nothing(gridtrail: Run) -> None:
    """A dry run lists anomalies and leaves the log as it was."""
    before = gridtrail("export", "-o", "-").out
    result = gridtrail("detect", "--dry-run", "--from", "2026-09-21", "-f", "json")
    assert result.code == 0
    assert isinstance(result.json, list)
    assert "Nothing was written" in result.err
    assert gridtrail("export", "-o", "-").out == before


def test_nothing_to_detect(gridtrail: Run) -> None:
    """Without events the error says how to get some."""
    result = gridtrail("detect")
    assert result.code == 2
    assert "import FILE" in result.err


def test_no_findings_yet(gridtrail: Run) -> None:
    """Without findings the listing is empty and the next step is said."""
    result = gridtrail("findings", "-f", "json")
    assert (result.code, result.json) == (0, [])
    assert "gridtrail detect" in result.err
