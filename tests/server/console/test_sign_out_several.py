"""Signing several people out of Slack at once: each named, the excluded spared, one call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

PATH = "/slack/signout/several"


@pytest.fixture(scope="module")
def careful(slack: Any, serving: Any) -> Iterator[Any]:
    """A desk over the same Slack that must never sign the seventh of its people out, and where a
    second person has to approve."""
    settings = slack.desk.settings
    never = [slack.people()[7].id]
    respond = settings.respond.model_copy(update={"four_eyes": True, "never": never})
    with serving(settings.model_copy(update={"respond": respond})) as client:
        yield replace(slack.desk, client=client)


def chosen(slack: Any, first: int) -> list[str]:
    """Three people with active sessions, from that one on."""
    found = (one.id for one in slack.people()[first:])
    return [one for _, one in zip(range(3), filter(slack.session_ids, found), strict=False)]


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the form that does it."""
    form = page.partition(f'method="post" action="{PATH}"')[2].partition("</form>")[0]
    found = re.findall(r'type="hidden" name="([a-z]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def confirmed(desk: Any, people: list[str], **more: str) -> str:
    """The page that says what will happen."""
    query = urlencode({"user": people, "choice": "all", "reason": "a wave <b>"} | more, doseq=True)
    answer = desk.get(f"{PATH}/confirm?{query}", "admin")
    assert answer.status_code == 200, answer.text
    text: str = answer.text
    return text


def test_several_people_go_in_one_call(slack: Any) -> None:
    """All are named, asked for once however often the form is sent, and the list of the call
    refreshes itself until Slack's own event confirms each."""
    desk, people = slack.desk, chosen(slack, 12)
    began = slack.state.clock.now()
    first = desk.get(f"{PATH}?{urlencode({'user': people}, doseq=True)}", "admin").text
    assert [f'value="{one}" checked' in first for one in people] == [True] * 3
    page = confirmed(desk, people[:2], more=f" {people[2]}, {people[0]}")
    assert all(one in page for one in people)
    assert "Sign 3 people out of Slack on all devices" in page
    assert "a wave &lt;b&gt;" in page
    assert all(slack.session_ids(one) for one in people)
    form = hidden(page)
    answers = [desk.post(PATH, form, cookie=desk.cookies["admin"]) for _ in range(2)]
    places = {one.headers["location"] for one in answers}
    assert [one.status_code for one in answers] == [303, 303]
    (place,) = places
    listed = desk.get(place).text
    assert listed.count('class="state-of sent"') == 3
    refresh = re.search(r'hx-get="(/responses/list[^"]*)"', listed)
    assert refresh is not None
    assert desk.get(unescape(refresh[1])).status_code == 204
    slack.state.clock.advance(60)
    events = slack.events(began, actions=("bulk_session_reset_by_admin",))
    assert len(events) == 1
    slack.collect(began)
    piece = desk.get(unescape(refresh[1])).text
    assert piece.count('class="state-of confirmed"') == 3
    assert "hx-get" not in piece
    assert [slack.session_ids(one) for one in people] == [[], [], []]


def test_the_excluded_are_spared_and_a_second_person_approves_all(slack: Any, careful: Any) -> None:
    """Who must never be signed out is shown with the reason and left alone; nothing happens before
    the approval, which says how many it is for."""
    spared = slack.people()[7].id
    people = [*[one for one in chosen(slack, 8) if one != spared][:2], spared]
    shown = careful.get(f"{PATH}?{urlencode({'user': people}, doseq=True)}", "admin").text
    assert "is listed in respond.never" in shown
    assert f'value="{spared}"' not in shown
    page = confirmed(careful, people)
    assert "Sign 2 people out" in page
    assert "Not signed out:" in page
    assert "A second person has to approve it" in page
    place = careful.post(PATH, hidden(page), cookie=careful.cookies["admin"]).headers["location"]
    (one, *_) = re.findall(r'href="(/responses/[0-9a-f]{12})"', careful.get(place).text)
    waiting = careful.get(one).text
    assert "Approve and sign out all 2" in waiting
    assert all(slack.session_ids(one) for one in people[:2])
    careful.post(one, {"decision": "approve"}, cookie=careful.cookies["owner"])
    slack.state.clock.advance(60)
    slack.events(slack.state.clock.now() - 1)
    assert [bool(slack.session_ids(one)) for one in people] == [False, False, True]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"user": ""}, "Nobody is chosen"),
        ({"choice": "session:1"}, "Nothing is chosen"),
        ({"reason": "x" * 1_001}, "A reason has at most"),
        ({"user": ",".join(f"W0NOBODY{n}" for n in range(101))}, "At most 100 people"),
    ],
)
def test_what_cannot_be_is_refused(slack: Any, wrong: dict[str, str], said: str) -> None:
    """The page says what is missing, and nothing is asked for."""
    given = {"user": "W0NOBODY1", "choice": "all", "reason": "", "finding": ""} | wrong
    answer = slack.desk.get(f"{PATH}/confirm?{urlencode(given)}", "admin")
    assert answer.status_code == 409
    assert said in answer.text
    assert not hidden(answer.text)
    form = {"key": "0" * 32, **given}
    sent = slack.desk.post(PATH, form, cookie=slack.desk.cookies["admin"])
    assert (sent.status_code, said in sent.text) == (409, True)


def test_only_who_may_respond_gets_there(slack: Any, desk: Any) -> None:
    """A role without the permission, a form of another session and a form without a key are
    refused; without a token the page says what is missing."""
    assert "set respond.token" in desk.get(f"{PATH}?user=W0NOBODY1").text
    desk = slack.desk
    assert desk.get(f"{PATH}?user=W1", "audit_logs_admin").status_code == 403
    cookie = desk.cookies["admin"]
    assert desk.post(PATH, {"csrf": "x", "key": "0" * 32}, cookie=cookie).status_code == 403
    assert desk.post(PATH, {"key": "x"}, cookie=cookie).status_code == 400
    assert "acts in E0ACME alone" in desk.get(f"{PATH}?user=W0NOBODY1&org=E0OTHER").text
