"""Allowing something in the console: tried first, risky asked twice, prefilled from an anomaly."""

from __future__ import annotations

import re
import time
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gridtrail.respond.allow_list import AllowList, StoredEntry

GIVEN = {"user": "W0MATTHEW1", "owner": "net", "reason": "backup", "expires": "30d"}


def held(desk: Any) -> list[StoredEntry]:
    """The entries that hold."""
    with AllowList(desk.settings.state) as kept:
        return [one for one in kept.all() if one.state(time.time()) == "active"]


def tried(desk: Any, given: dict[str, str]) -> httpx.Response:
    """The form, tried."""
    answer: httpx.Response = desk.get(f"/allow/new?{urlencode({**given, 'tried': '1'})}")
    return answer


def fields(page: str) -> dict[str, str]:
    """The hidden fields of the form that adds."""
    form = page.partition('action="/allow"')[2].partition("</form>")[0]
    found = re.findall(r'type="hidden" name="([a-z]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found if name != "csrf"}


def sent(desk: Any, form: dict[str, str], role: str = "admin") -> httpx.Response:
    """The form that adds, sent."""
    answer: httpx.Response = desk.post("/allow", form, cookie=desk.cookies[role])
    return answer


@pytest.fixture(autouse=True)
def _emptied(desk: Any) -> Any:
    _empty(desk)  # of what other tests left
    yield
    _empty(desk)


def _empty(desk: Any) -> None:
    with AllowList(desk.settings.state) as kept:
        kept.end([one.id for one in held(desk)], "test")


def test_the_form_says_what_it_would_have_silenced_and_adds_nothing(desk: Any) -> None:
    """Then it is added, once, with its owner, reason and end."""
    page = tried(desk, {**GIVEN, "days": "365"}).text
    assert "What it would have silenced" in page
    assert "of 0, in 0 findings" in page  # the anomalies are older than a year
    assert held(desk) == []
    form = fields(page)
    assert form["user"] == "W0MATTHEW1"
    answer = sent(desk, form)
    (entry,) = held(desk)
    assert answer.headers["location"] == f"/allow/{entry.id}"
    assert (entry.words, entry.owner, entry.reason) == ("user W0MATTHEW1", "net", "backup")
    assert entry.expires_at is not None
    assert 29 * 86_400 < entry.expires_at - time.time() <= 30 * 86_400
    again = sent(desk, form)
    assert again.status_code == 409
    assert "is allowed already" in again.text


def test_an_entry_may_be_for_one_organization(desk: Any) -> None:
    """It is so by default where another organization is looked at, which alone sees it."""
    given = {**GIVEN, "user": "W0ELSEWHERE", "tried": "1", "org": "E0OTHER"}
    form = fields(desk.get(f"/allow/new?{urlencode(given)}").text.replace("?org=E0OTHER", ""))
    assert form["scope"] == "this"
    desk.post("/allow?org=E0OTHER", form, cookie=desk.cookies["admin"])
    (entry,) = held(desk)
    assert entry.org == "E0OTHER"
    assert entry.id in desk.get("/allow?org=E0OTHER").text
    assert entry.id not in desk.get("/allow").text
    assert desk.get(f"/allow/{entry.id}").status_code == 404
    assert desk.post(f"/allow/{entry.id}", {}, cookie=desk.cookies["admin"]).status_code == 404


def test_what_is_risky_is_asked_about_twice(desk: Any) -> None:
    """The first yes leads to a second question; nothing is added before it."""
    page = tried(desk, {**GIVEN, "user": "", "cidr": "10.1.2.3/8"}).text
    assert "the whole range 10.0.0.0/8 is meant" in page
    assert "Risky: 10.0.0.0/8 has 16,777,216 addresses." in page
    second = sent(desk, fields(page))
    assert second.status_code == 200
    assert "are you sure?" in second.text
    assert held(desk) == []
    form = fields(second.text)
    assert form["sure"] == "yes"
    assert sent(desk, form).status_code == 303
    assert [one.words for one in held(desk)] == ["cidr 10.0.0.0/8"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"cidr": "far away"}, "no range of addresses"),
        ({"asn": "many"}, "no ASN"),
        ({"expires": "2020-01-01"}, "would end before it begins"),
        ({"for": "nonsense"}, "no reason"),
        ({"reason": "x" * 1_001}, "at most 1,000"),
    ],
)
def test_what_cannot_be_is_said_in_the_form(desk: Any, wrong: dict[str, str], said: str) -> None:
    """The sentence stands over the form, which keeps what was given; nothing is added."""
    page = tried(desk, GIVEN | wrong)
    assert (page.status_code, said in page.text) == (200, True)
    refused = sent(desk, GIVEN | wrong)
    assert (refused.status_code, said in refused.text) == (409, True)
    assert held(desk) == []


def test_an_entry_needs_its_reason(desk: Any) -> None:
    """It may be tried without one, and not be added."""
    page = tried(desk, {"user": "W0MATTHEW1"}).text
    assert "What it would have silenced" in page
    assert fields(page) == {}
    assert "needs an owner and a reason" in sent(desk, {"user": "W0MATTHEW1", "owner": "x"}).text


def test_an_anomaly_leads_to_the_form_with_its_values(desk: Any) -> None:
    """Only those who may tune are led there: the person, the agent, and the reason."""
    where = 'href="(/allow/new[^"]*)">Allow this'
    page = desk.get("/findings/F0123456789abcdef").text
    links = [unescape(one) for one in re.findall(where, page)]
    assert any("user=W0MATTHEW1" in one and "ua=" in one for one in links)
    assert all("finding=F0123456789abcdef" in one for one in links)
    form = desk.get(links[0]).text
    assert form.count(" checked>") == 1
    assert 'name="owner" value="owner@acme.example"' in form
    assert not re.search(where, desk.get("/findings/F0123456789abcdef", "audit_logs_admin").text)
