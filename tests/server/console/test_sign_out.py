"""Signing out of Slack by the console's forms: shown, confirmed, done once, with effect."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gridtrail.lake.query import EventFilter
from gridtrail.respond.trail import Trail
from gridtrail.sandbox.plan import Story


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's form that does it."""
    form = page.partition('action="/slack/signout"')[2].partition("</form>")[0]
    found = re.findall(r'type="hidden" name="([a-z]+)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def confirmed(slack: Any, user: str, role: str = "admin", **more: str) -> dict[str, str]:
    """The form of the page that says what will happen."""
    query = urlencode({"user": user, "choice": "all"} | more)
    answer = slack.desk.get(f"/slack/signout/confirm?{query}", role)
    assert answer.status_code == 200, answer.text
    return hidden(answer.text)


def sent(slack: Any, form: dict[str, str], role: str = "admin") -> httpx.Response:
    """The form, sent."""
    answer: httpx.Response = slack.desk.post(
        "/slack/signout", form, cookie=slack.desk.cookies[role]
    )
    return answer


def calls(slack: Any, user: str, since: int) -> int:
    """How often the sessions of this person were ended."""
    ended = ("user_session_reset_by_admin", "user_session_invalidated")
    return sum(one["action"] in ended for one in slack.events(since, entity=user))


def told(slack: Any, user: str) -> list[str]:
    """What the trail says of signing this person out."""
    with Trail(slack.desk.settings.state) as trail:
        trail.move(slack.desk.data.lake)
    wanted = EventFilter(entity=user, source="gridtrail", org="E0ACME")
    rows = slack.desk.data.lake.newest(wanted, 1_000).to_pylist()
    return sorted(row["action"] for row in rows if "sign_out" in row["action"])


@pytest.fixture
def somebody(slack: Any) -> Any:
    """A member with active sessions."""
    return next(one for one in slack.people()[6:] if slack.session_ids(one.id))


def test_signing_matt_out_ends_his_sessions(slack: Any) -> None:
    """From his page to Slack's own event: shown, named, asked, done, confirmed, in the trail."""
    state, desk = slack.state, slack.desk
    with state.lock:
        planted = state.organization.plant(Story("matt"), state.catch_up())
    state.clock.advance(600)
    matt = state.organization.people[planted.actors[0]]
    began = state.clock.now()
    slack.collect(began - 600)
    sessions = slack.session_ids(matt.id)
    assert sessions
    button = f'href="/slack/signout?user={matt.id}">Sign out of Slack'
    assert button in desk.get(f"/person?id={matt.id}", "admin").text
    shown = desk.get(f"/slack/signout?user={matt.id}&session={sessions[0]}", "admin").text
    assert all(f'value="session:{one}"' in shown for one in sessions)
    assert '<span class="chip">this one</span>' in shown
    assert slack.session_ids(matt.id) == sessions
    form = confirmed(slack, matt.id, reason="scraping <b>")
    page = desk.get(f"/slack/signout/confirm?user={matt.id}&choice=all", "admin").text
    assert f"Sign out of Slack on all devices: {matt.name} ({matt.id}, {matt.email})." in page
    answer = sent(slack, form)
    assert (answer.status_code, slack.session_ids(matt.id)) == (303, [])
    response = answer.headers["location"]
    waits = desk.get(response, "audit_logs_admin").text
    assert "Slack said yes; its own event is awaited" in waits
    assert "scraping &lt;b&gt;" in waits
    state.clock.advance(86_400)
    after = slack.events(began + 1, actor=matt.id)
    assert not [e for e in after if "Scrapers" in e["context"]["ua"] and e["action"] != "anomaly"]
    slack.collect(began)
    done = desk.get(response, "audit_logs_admin").text
    assert "confirmed by Slack&#39;s own event" in done
    assert "Slack&#39;s own event says that it was done." in done
    assert 'class="state-of confirmed"' in desk.get(f"/person?id={matt.id}", "admin").text
    assert 'class="state-of confirmed"' in desk.get(f"/responses?user={matt.id}", "admin").text
    assert told(slack, matt.id) == ["gridtrail_sign_out_done", "gridtrail_sign_out_requested"]


def test_a_form_sent_twice_signs_out_once(slack: Any, somebody: Any) -> None:
    """A double click and a reload lead to the same response; another form is told to wait."""
    now = slack.state.clock.now()
    form, other = confirmed(slack, somebody.id), confirmed(slack, somebody.id)
    first, second = sent(slack, form), sent(slack, form)
    assert first.headers["location"] == second.headers["location"]
    refused = sent(slack, other)
    assert refused.status_code == 409
    assert "The same was asked for" in refused.text
    assert calls(slack, somebody.id, now) == 1


def test_a_single_session_ends_alone(slack: Any, somebody: Any) -> None:
    """The others stay; one that is not there is refused before anything is asked."""
    sessions = slack.session_ids(somebody.id)
    form = confirmed(slack, somebody.id, choice=f"session:{sessions[0]}")
    first, again = sent(slack, form), sent(slack, form)
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    assert slack.session_ids(somebody.id) == sessions[1:]
    gone = {"user": somebody.id, "choice": f"session:{sessions[0]}"}
    answer = slack.desk.get(f"/slack/signout/confirm?{urlencode(gone)}", "admin")
    assert answer.status_code == 409
    assert "has no active session" in answer.text
    assert not hidden(answer.text)


@pytest.mark.parametrize("choice", ["mobile", "web"])
def test_only_some_devices_are_asked_for(slack: Any, somebody: Any, choice: str) -> None:
    """What is chosen is what Slack is asked for."""
    now = slack.state.clock.now()
    form = confirmed(slack, somebody.id, choice=choice)
    assert sent(slack, form).status_code == 303
    (event,) = slack.events(now, entity=somebody.id, actions=("user_session_reset_by_admin",))[:1]
    assert event["details"][f"{choice}_only"] is True


def test_who_is_excluded_is_refused_with_the_reason(slack: Any) -> None:
    """Slack's own refusal of the primary owner is a sentence; a bot is not even asked for."""
    owner = slack.state.organization.primary_owner
    answer = sent(slack, confirmed(slack, owner.id))
    page = slack.desk.get(answer.headers["location"]).text
    assert 'class="state-of failed"' in page
    assert "ask the primary owner to do so" in page
    assert told(slack, owner.id) == ["gridtrail_sign_out_failed", "gridtrail_sign_out_requested"]
    shown = slack.desk.get("/slack/signout?user=USLACKBOT").text
    assert "is Slack itself, not a person" in shown
    assert "<form" not in shown.partition("<main")[2]


def test_what_cannot_be_is_refused_before_anything_is_done(slack: Any, somebody: Any) -> None:
    """No key, no choice, no such finding, no role: nothing is asked of Slack."""
    now = slack.state.clock.now()
    form = confirmed(slack, somebody.id)
    for wrong in ({"key": ""}, {"key": "x" * 32}):
        assert sent(slack, {**form, **wrong}).status_code == 400
    for wrong in ({"choice": "everything"}, {"finding": "F0NONE"}, {"user": "nobody at all"}):
        assert sent(slack, {**form, **wrong}).status_code in (400, 409), wrong
    assert sent(slack, form, "audit_logs_admin").status_code == 403
    answer = slack.desk.post(
        "/slack/signout", {**form, "csrf": "x"}, cookie=slack.desk.cookies["admin"]
    )
    assert answer.status_code == 403
    assert calls(slack, somebody.id, now) == 0


def test_clicks_at_the_same_moment_sign_out_once(slack: Any, somebody: Any) -> None:
    """Four requests with one form at once: one call, and all lead to its response."""
    now = slack.state.clock.now()
    form = confirmed(slack, somebody.id)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: sent(slack, form), range(4)))
    assert len({one.headers["location"] for one in answers}) == 1
    assert calls(slack, somebody.id, now) == 1


def test_without_a_token_the_page_says_what_is_missing(desk: Any) -> None:
    """The sentence names the setting, and there is nothing to send."""
    page = desk.get("/slack/signout?user=W0MATTHEW1").text
    assert "set respond.token" in page
    assert "<form" not in page.partition("<main")[2]
    assert "acts in E0ACME alone" in desk.get("/slack/signout?user=W0MATTHEW1&org=E0OTHER").text
