"""A finding's page tells the story, and keeps what people decide."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from gridtrail.lake.query import EventFilter
from gridtrail.respond.responses import Asked, ResponseStore
from gridtrail.respond.trail import Trail
from gridtrail.triage.store import FindingStore

PATH = "/findings/F0123456789abcdef"


@pytest.fixture
def undecided(desk: Any) -> Any:
    """The desk; the finding is open again afterwards."""
    yield desk
    with FindingStore(desk.settings.state) as store:
        store.decide("F0123456789abcdef", status="open")
        store.assign("F0123456789abcdef", None)


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


def test_the_page_says_how_seldom_it_is_and_why_it_has_its_score(desk: Any) -> None:
    """Counts against all before in words, the parts of the score, impact and policy."""
    page = desk.get(PATH).text
    assert "the first time that anyone had four in a day" in page
    assert "<td>1 in 20,408</td><td>25%</td>" in page
    assert "by the rate of this person and organization 7.2" in page
    assert "the pattern scraping tool holds the severity" in page
    assert "policy leavers" in page


def test_the_picture_joins_what_appears_together(desk: Any, tags_of: Any) -> None:
    """Person, session, address, client and file of the log are boxes that lead to their pages."""
    page = desk.get(PATH).text
    picture = page.partition('<svg class="picture"')[2].partition("</svg>")[0]
    assert re.findall(r'class="node[^"]*"><title>([^<]*), 30 events', picture) == [
        "Matt (W0MATTHEW1)", "12177102026566", "203.0.113.7", "Scrapers Inc/1.0",
        "Glengarry-Leads.xlsx (F0GLENGARRY)",
    ]  # fmt: skip
    assert picture.count("<path ") == 4
    assert 'href="/address?ip=203.0.113.7"' in picture
    viewers = desk.get(PATH, "viewer").text.partition('<svg class="picture"')[2]
    assert "<a " not in viewers.partition("</svg>")[0]


def test_a_finding_is_given_to_somebody_with_an_account(undecided: Any) -> None:
    """To oneself, to another who gives verdicts, to nobody; strangers and viewers are refused."""
    desk, cookie = undecided, undecided.cookies["audit_logs_admin"]
    for assign, said in (
        ("me", "audit_logs_admin@acme.example"),
        ("admin@acme.example", "admin@acme.example"),
        ("nobody", None),
    ):
        assert desk.post(PATH, {"assign": assign}, cookie=cookie).status_code == 303
        with FindingStore(desk.settings.state) as store:
            assert store.get("F0123456789abcdef").assignee == said
    for wrong in ("viewer@acme.example", "eve@evil.example"):
        assert desk.post(PATH, {"assign": wrong}, cookie=cookie).status_code == 400


def test_a_finding_has_its_own_trail(undecided: Any) -> None:
    """Who did what because of it, before and after it is moved to the lake, each once."""
    desk, cookie = undecided, undecided.cookies["audit_logs_admin"]
    desk.post(PATH, {"verdict": "expected", "reason": "the <i>yearly</i> audit"}, cookie=cookie)
    desk.post(PATH, {"assign": "me"}, cookie=cookie)
    parts = [desk.get(f"{PATH}/trail", "viewer").text]
    with Trail(desk.settings.state) as trail:
        trail.move(desk.data.lake)
    parts.append(desk.get(f"{PATH}/trail", "viewer").text)
    assert parts[0] == parts[1]
    assert parts[0].count("the &lt;i&gt;yearly&lt;/i&gt; audit") == 1
    assert "A audit_logs_admin</bdi></b> gave it to: <bdi>audit_logs_admin@acme" in parts[0]
    assert f'hx-get="{PATH}/trail"' in desk.get(PATH).text


def test_one_decides_in_the_list(undecided: Any) -> None:
    """The form answers with the list by its filters, or leads back to it without a script."""
    desk, cookie = undecided, undecided.cookies["admin"]
    form = f'hx-post="{PATH}/triage?severity=high"'
    assert form in desk.get("/findings?severity=high").text
    assert "triage" not in desk.get("/findings", "viewer").text
    address = f"{PATH}/triage?severity=high"
    taken = desk.post(address, {"assign": "me"}, cookie=cookie, hx_request="true")
    assert taken.text.startswith('<div id="list"')
    assert "admin@acme.example looks after it" in taken.text
    mine = desk.get("/findings?assignee=admin%40acme.example").text
    assert "is being scraped" in mine
    assert "Nothing to look at" in desk.get("/findings?assignee=owner%40acme.example").text
    plain = desk.post(address, {"status": "investigating"}, cookie=cookie)
    assert plain.headers["location"] == "/findings?severity=high"
    gone = desk.post(address, {"verdict": "expected"}, cookie=cookie, hx_request="true")
    assert "Nothing to look at" in gone.text
    with FindingStore(desk.settings.state) as store:
        found = store.get("F0123456789abcdef")
    assert (found.verdict, found.assignee) == ("expected", "admin@acme.example")


def test_an_open_page_learns_how_a_response_went(desk: Any) -> None:
    """It asks again while one is under way: 204 while nothing is new, then the piece; whoever may
    not read the logs sees the outcome without a way there."""

    def asks(text: str) -> str | None:
        found = re.search(rf'hx-get="({PATH}/responses[^"]*)"', text)
        return None if found is None else html.unescape(found[1])

    with ResponseStore(desk.settings.state) as store:
        finding_id = PATH.rpartition("/")[2]
        people = (("W0ASKED1", "Ann <b>"),)
        asked = Asked("E0ACME", "reset", people, "all", None, "eve@x", "", finding_id, key="k" * 32)
        store.ask(asked, approval=False)
        store.begin("k" * 32)
        first = asks(desk.get(PATH).text)
        assert first is not None
        assert desk.get(first).status_code == 204
        store.answered("k" * 32, "failed", "Slack said no.")
    piece = desk.get(first, "viewer").text
    assert "Ann &lt;b&gt;" in piece
    assert "Slack said no." in piece
    assert "/responses/" not in piece
    assert 'href="/responses/' in desk.get(first).text
    assert asks(desk.get(PATH).text) is None
