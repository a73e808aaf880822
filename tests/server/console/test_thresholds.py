"""Another threshold is put in force on its detector's page, is shown there, and is taken back."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from gridtrail.detect.nominal import nominals
from gridtrail.detectors.ip_address import DETECTOR
from gridtrail.lake.query import EventFilter
from gridtrail.respond.thresholds import ThresholdStore, changes, draft, tomorrow
from gridtrail.respond.trail import Trail
from gridtrail.settings import DetectSettings

ORG = "E0THRESHOLD"
PAGE = f"/detectors/ip_address?org={ORG}"
HOSTILE = "<script>alert(1)</script>'\"\u202e"


def put(desk: Any, number: str, reason: str = "asked the team", role: str = "admin") -> Any:
    """Send the form that puts a number in force."""
    form = {"nominal": number, "reason": reason}
    address = f"/detectors/ip_address/threshold?org={ORG}"
    return desk.post(address, form, cookie=desk.sign_in(role))


def card(desk: Any, role: str = "admin") -> str:
    """The card of thresholds of the page, in one line."""
    page = desk.get(PAGE, role).text
    found = re.search(r'id="threshold">(.*?)<h3>Try another', page, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", found[1])


def test_put_in_force_shown_and_back_to_default(desk: Any) -> None:
    """Who put which number in force, when and why stands on the page, strangers' text escaped;
    another one takes its place; what is taken back is the share again. All of it is on the
    trail, and detection judges by it from the next day on."""
    assert "which is its share of the budget" in card(desk)
    assert put(desk, "0.5", HOSTILE).status_code == 303
    shown = card(desk)
    assert "&lt;script&gt;" in shown
    assert "<script>" not in shown
    assert "<b>0.5</b>" in shown
    assert "admin@" in shown
    assert put(desk, "0.25").status_code == 303
    day = tomorrow(time.time())
    found = nominals([DETECTOR], DetectSettings(), changes(desk.settings.state), ORG, day)
    assert found["ip_address"].per_1000_users_day == 0.25
    assert card(desk).count("Back to 1.25") == 1

    form = {"change": found["ip_address"].set_by}
    address = f"/detectors/ip_address/threshold/end?org={ORG}"
    assert desk.post(address, form, cookie=desk.sign_in("owner")).status_code == 303
    shown = card(desk)
    assert "Back to" not in shown
    assert shown.count("Ended by") == 2
    day = tomorrow(time.time())  # midnight may have passed
    found = nominals([DETECTOR], DetectSettings(), changes(desk.settings.state), ORG, day)
    assert found["ip_address"].set_by == "default"
    assert desk.post(address, form, cookie=desk.sign_in("owner")).status_code == 404
    with Trail(desk.settings.state) as trail:
        trail.move(desk.data.lake)
    rows = desk.data.lake.newest(EventFilter(org=ORG, source="gridtrail"), 1_000).to_pylist()
    actions = sorted(row["action"] for row in rows if row["entity_type"] == "threshold")
    assert actions == [
        "gridtrail_threshold_set", "gridtrail_threshold_set", "gridtrail_threshold_taken_back",
    ]  # fmt: skip


def test_what_holds_is_told_with_who_said_so(desk: Any) -> None:
    """A number in force today is named with its author; one for all organizations says so. Who
    may not tune sees it, and has no form."""
    made = draft(
        "user_agent", 0.1, names=["user_agent"], org=None, since=0, by="ann@acme.example",
        reason="r", origin="console", now=0,
    )  # fmt: skip
    with ThresholdStore(desk.settings.state) as kept:
        kept.put(made)
    page = desk.get("/detectors/user_agent", "audit_logs_admin").text
    assert "<b>0.1</b>" in page
    assert "<bdi>ann@acme.example</bdi> put in force" in page
    assert "in every organization here" in page
    assert "/threshold" not in page
    assert "Back to 0.375" in desk.get("/detectors/user_agent", "admin").text


@pytest.mark.parametrize(
    ("name", "form", "status", "says"),
    [
        ("ip_address", {"nominal": "0", "reason": "x"}, 400, "0.001 to 100"),
        ("ip_address", {"nominal": "nan", "reason": "x"}, 400, "0.001 to 100"),
        ("ip_address", {"nominal": "many", "reason": "x"}, 400, "which number"),
        ("ip_address", {"nominal": "1", "reason": " "}, 400, "Say why"),
        ("tor", {"nominal": "1", "reason": "x"}, 400, "no threshold"),
        ("unexpected_scraping", {"nominal": "1", "reason": "x"}, 400, "follow from a budget"),
        ("nonsense", {"nominal": "1", "reason": "x"}, 404, "no detector"),
    ],
)
def test_what_cannot_be_is_refused(
    desk: Any, name: str, form: dict[str, str], status: int, says: str
) -> None:
    """A page says what to do; nothing is kept."""
    before = changes(desk.settings.state)
    answer = desk.post(f"/detectors/{name}/threshold", form, cookie=desk.sign_in("admin"))
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    assert changes(desk.settings.state) == before


def test_a_form_of_another_site_does_nothing(desk: Any) -> None:
    """Without the session's token nothing is put in force."""
    before = changes(desk.settings.state)
    form = {"nominal": "0.7", "reason": "x", "csrf": "forged"}
    answer = desk.post("/detectors/ip_address/threshold", form, cookie=desk.sign_in("admin"))
    assert answer.status_code in (400, 403)
    assert changes(desk.settings.state) == before


def test_nobody_takes_back_what_is_not_theirs(desk: Any) -> None:
    """A change of another organization, or of another detector, is not here."""
    made = draft(
        "asn_of_others", 0.1, names=["asn_of_others"], org="E0OTHERS", since=0, by="x", reason="r",
        origin="API", now=0,
    )  # fmt: skip
    with ThresholdStore(desk.settings.state) as kept:
        kept.put(made)
    for name in ("asn_of_others", "ip_address"):
        address = f"/detectors/{name}/threshold/end"
        answer = desk.post(address, {"change": made.id}, cookie=desk.sign_in("owner"))
        assert answer.status_code == 404
    assert "r</bdi>" not in desk.get("/detectors/ip_address").text
