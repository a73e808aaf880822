"""The pages of detectors say which work and which do not, and try other thresholds."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pyarrow as pa
import pytest

from gridtrail.detect.state import DETECTOR_STATES, SILENCED
from gridtrail.detectors import all_detectors
from gridtrail.server.console.detector_facts import overview, paragraphs
from gridtrail.server.console.per_file import FileCounts

ORG = "E0STATES"


@pytest.fixture(scope="module")
def watched(desk: Any, make_event: Any, noon: int) -> Any:
    """The desk with an organization of which detection left its traces."""
    ours = {"reason": ["tor"], "gridtrail": {"detector": "tor"}}
    found = make_event("ours", 60, action="anomaly") | {"details": ours}
    desk.data.fill([make_event("plain", 0), found], ORG)
    states = [("tor", "working", ""), ("asn", "blind", "the setting names <no> list")]
    states += [
        ("ip_address", "learning", "3 days of log, 14 are needed"),
        ("gone.py", "failed", "x"),
    ]
    rows = [
        {"org": ORG, "detector": name, "state": state, "why": why, "decided_to": noon}
        for name, state, why in states
    ]
    table = pa.Table.from_pylist(rows, schema=DETECTOR_STATES.schema)
    desk.data.lake.write(DETECTOR_STATES, table, replace={"org": ORG})
    held: dict[str, Any] = {
        "org": ORG,
        "detector": "tor",
        "subject": "W1",
        "event_id": "e",
        "words": "w",
    }
    held |= {"score_millinats": 1, "at": noon, "day": dt.date(2023, 11, 15)}
    silenced = [held | {"why": why} for why in ("repeated", "allowed: Office", "allowed: VPN")]
    silenced.append(held | {"why": "budget", "day": dt.date(2022, 1, 1)})
    desk.data.lake.write(SILENCED, pa.Table.from_pylist(silenced, schema=SILENCED.schema))
    return desk


def test_every_detector_is_told_with_its_state(watched: Any) -> None:
    """Built-in ones and those that cannot be loaded; what did not run yet is not at peace."""
    found = overview(watched.data.lake, watched.settings, FileCounts(), ORG)
    states = {one.name: one.state for one in found.detectors}
    assert set(states) == {one.name for one in all_detectors()} | {"gone.py"}
    assert states["tor"] == "working"
    assert states["asn"] == "blind"
    assert states["user_agent"] == "never"
    assert found.detectors[0].name == "gone.py"
    tor = next(one for one in found.detectors if one.name == "tor")
    assert tor.silenced == {"allowed": 2, "repeated": 1}
    assert tor.share is None


def test_the_list_shows_blindness_and_leads_to_the_anomalies(watched: Any) -> None:
    """Why a detector is blind stands beside it, strangers' text escaped."""
    page = watched.get(f"/detectors?org={ORG}").text
    assert "the setting names &lt;no&gt; list" in page
    assert "1 blind" in page
    assert "no peace" in page
    assert "3 days of log" in page
    assert 'class="dot failed"' in page


def test_imported_evidence_names_no_detector_of_ours(watched: Any) -> None:
    """An anomaly that somebody posted counts as theirs, whatever it says."""
    found = overview(watched.data.lake, watched.settings, FileCounts(), ORG)
    assert found.others == {"tor": 1}
    assert all(one.total == 0 for one in found.detectors)


def test_the_page_of_a_detector_tells_what_it_judges(watched: Any) -> None:
    """Words, needs, chart and the form for another threshold; an unknown one is not here."""
    page = watched.get(f"/detectors/excessive_downloads?org={ORG}", "admin").text
    assert "More distinct files than this person" in page
    assert 'name="nominal" value="1.2"' in page
    assert "Never ran" in page
    assert 'name="nominal"' not in watched.get("/detectors/tor").text
    fixed = watched.get("/detectors/unexpected_scraping").text
    assert "A fixed threshold" in fixed
    assert 'name="nominal"' not in fixed
    assert (
        'name="nominal"'
        not in watched.get("/detectors/excessive_downloads", "audit_logs_admin").text
    )
    assert watched.get("/detectors/nonsense").status_code == 404


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("excessive_downloads", {"nominal": "0"}, "such as 0.5"),
        ("excessive_downloads", {"nominal": "1e9"}, "such as 0.5"),
        ("excessive_downloads", {"nominal": "1", "from": "yesterday"}, "both days"),
        ("excessive_downloads", {"nominal": "1", "from": "2023-11-16"}, "end before"),
        ("excessive_downloads", {"nominal": "1", "from": "2023-01-01"}, "62 days"),
        ("tor", {"nominal": "1"}, "has no threshold"),
        ("unexpected_scraping", {"nominal": "1"}, "does not follow from a budget"),
        ("nonsense", {"nominal": "1"}, "cannot run"),
    ],
)
def test_what_cannot_be_tried_is_said_in_the_page(
    watched: Any, name: str, form: dict[str, str], said: str
) -> None:
    """The answer is a part of the page, so that the form shows it."""
    period = {"from": "2023-11-14", "to": "2023-11-15"}
    cookie = watched.sign_in("admin")
    answer = watched.post(f"/detectors/{name}/preview", {**period, **form}, cookie=cookie)
    assert answer.status_code == 200
    assert said in answer.text
    assert answer.text.lstrip().startswith('<div id="preview"')


def test_trying_writes_nothing(watched: Any) -> None:
    """Detection runs with both thresholds; the lake holds as many events as before."""
    before = watched.data.lake.day_counts(ORG)
    form = {"nominal": "5", "from": "2023-11-14", "to": "2023-11-15"}
    answer = watched.post(
        f"/detectors/excessive_downloads/preview?org={ORG}", form, cookie=watched.sign_in("admin")
    )
    assert "<b>0</b> in force, <b>0</b> tried" in answer.text
    assert "[detect.budgets] excessive_downloads = 5" in answer.text
    assert 'name="nominal" value="5"' in answer.text
    assert f"/detectors/excessive_downloads/threshold?org={ORG}" in answer.text
    assert watched.data.lake.day_counts(ORG) == before


@pytest.mark.parametrize("detector", all_detectors(), ids=lambda one: one.name)
def test_the_words_are_for_readers(detector: Any) -> None:
    """No notes of the source code stand in what is shown."""
    words = " ".join(paragraphs(detector))
    assert words[0].isupper()
    assert "SCIENCE" not in words
    assert "api.md" not in words


def test_forms_that_take_long_cannot_be_sent_twice(watched: Any) -> None:
    """While it is tried the button is off: the attributes are those of the htmx that is served."""
    script = watched.get("/assets/htmx.js").text
    for path in (f"/detectors/excessive_downloads?org={ORG}", "/rules/slack_account_reactivated"):
        page = watched.get(path).text
        used = set(re.findall(r"\b(hx-[a-z-]+)=", page))
        assert {"hx-post", "hx-disable", "hx-indicator", "hx-target"} <= used
        assert all(name in script or name.removeprefix("hx-") in script for name in used)
