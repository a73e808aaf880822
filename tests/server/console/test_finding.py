"""A finding's page tells the story, and keeps what people decide."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import Trail
from gridtrail.triage.store import FindingStore

PATH = "/findings/F0123456789abcdef"


@pytest.fixture
def undecided(desk: Any) -> Any:
    """The desk; the finding is open again afterwards."""
    yield desk
    with FindingStore(desk.settings.state) as store:
        store.decide("F0123456789abcdef", status="open")


def test_the_page_has_the_evidence_of_each_anomaly(desk: Any) -> None:
    """Ours and Slack's anomalies are told apart; ours stands beside what is usual."""
    page = desk.get(PATH).text
    assert page.count('class="anomaly"') == 2
    assert 'raiser ours">Gridtrail' in page
    assert 'raiser slack">Slack' in page
    assert page.index("This time") < page.index("Usual for this person")
    assert "none before" in page
    assert "Too many file downloads" in page


def test_a_viewer_reads_the_story_without_ways_into_the_logs(desk: Any) -> None:
    """No link of a viewer's page leads to what a viewer may not read, and there is no form."""
    page = desk.get(PATH, "viewer").text
    for place in ("/logs", "/event", "/person", "/address", "/session?", "/file", "/detections"):
        assert f'href="{place}' not in page
    assert 'name="verdict"' not in page
    assert 'class="anomaly"' in page


def test_verdicts_and_notes_are_kept_with_their_author(undecided: Any) -> None:
    """The store has them, the page shows them, and the trail says who it was."""
    desk, cookie = undecided, undecided.sign_in("audit_logs_admin")
    form = {"verdict": "expected", "note": "Agreed with <b>Blake</b>."}
    assert desk.post(PATH, form, cookie=cookie).headers["location"] == PATH
    page = desk.get(PATH).text
    assert "Agreed with &lt;b&gt;Blake&lt;/b&gt;." in page
    assert "audit_logs_admin@acme.example" in page
    with FindingStore(desk.settings.state) as store:
        assert store.get("F0123456789abcdef").verdict == "expected"
    with Trail(desk.settings.state) as trail:
        trail.move(desk.data.lake)
    wanted = EventFilter(actions=("gridtrail_finding_decided",), org="E0ACME")
    (kept,) = desk.data.lake.newest(wanted).to_pylist()
    assert kept["actor_name"] == "A audit_logs_admin"
    assert kept["entity_id"] == "F0123456789abcdef"
    assert '"verdict":"expected"' in kept["details"]
    assert '"previous_status":"open"' in kept["details"]


@pytest.mark.parametrize("form", [{"verdict": "maybe"}, {"status": "gone"}, {"note": "x" * 10_001}])
def test_what_cannot_be_decided_is_refused(desk: Any, form: dict[str, str]) -> None:
    """An unknown word or an endless note changes nothing."""
    answer = desk.post(PATH, form, cookie=desk.sign_in("owner"))
    assert answer.status_code == 400
    assert 'status open">open' in desk.get(PATH).text


def test_the_list_filters_by_its_address_and_says_when_nothing_changed(desk: Any) -> None:
    """Each filter stands in the address; the open page gets nothing while nothing changes."""
    assert "is being scraped" in desk.get("/findings?severity=high&reason=user_agent").text
    for query in (
        "severity=low",
        "reason=tor",
        "actor=W0OTHER",
        "status=closed",
        "latest=2020-01-01",
    ):
        assert "Nothing to look at" in desk.get(f"/findings?{query}").text, query
    page = desk.get("/findings").text
    stamp = page.partition("stamp=")[2].partition('"')[0]
    same = desk.get(f"/findings/list?stamp={stamp}", hx_request="true")
    assert (same.status_code, same.text) == (204, "")
    other = desk.get("/findings/list?stamp=older", hx_request="true")
    assert other.text.startswith('<div id="list"')
    assert desk.get("/findings?status=nonsense").status_code == 200
    assert desk.get("/findings?oldest=nonsense").status_code == 400
