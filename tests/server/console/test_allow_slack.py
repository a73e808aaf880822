"""Slack's own allow list in the console: the difference, and bringing it over as it was shown."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gridtrail.respond.allow_list import AllowList, draft


@pytest.fixture
def kept(slack: Any) -> Iterator[AllowList]:
    """Our list; Slack's begins with one network of somebody else."""
    slack.state.organization.detection.allowed.write(["198.51.100.0/24"], [])
    with AllowList(slack.desk.settings.state) as store:
        yield store
        store.end([one.id for one in store.all()], "test")
    slack.state.organization.detection.allowed.write([], [])


def sent(slack: Any, page: str, direction: str) -> httpx.Response:
    """The form of the page, sent."""
    mark = re.search(r'name="mark" value="([0-9a-f]{32})"', page)
    assert mark is not None
    form = {"mark": mark[1], "direction": direction}
    answer: httpx.Response = slack.desk.post(
        "/allow/slack", form, cookie=slack.desk.cookies["admin"]
    )
    return answer


def test_both_sides_get_what_the_other_has(slack: Any, kept: AllowList) -> None:
    """Shown first; a pull takes over what Slack has, a push keeps it and adds ours."""
    now = int(time.time())
    kept.add(draft(owner="net", reason="office", now=now, since=now, asn=64500)[0])
    page = slack.desk.get("/allow/slack", "admin").text
    assert "198.51.100.0/24" in page.partition("To Slack")[0]
    assert "asn 64500" in page.partition("To Slack")[2]
    allowed = slack.state.organization.detection.allowed
    assert sent(slack, page, "pull").headers["location"] == "/allow/slack?done=pull"
    assert list(allowed.asns) == []
    assert "198.51.100.0/24" in [one.cidr for one in kept.all()]
    page = slack.desk.get("/allow/slack", "admin").text
    assert sent(slack, page, "push").status_code == 303
    assert (list(allowed.cidrs), list(allowed.asns)) == (["198.51.100.0/24"], [64500])
    page = slack.desk.get("/allow/slack?done=push", "admin").text
    assert "list is written" in page
    assert "has all that it can have" in page


def test_what_was_not_shown_is_not_done(slack: Any, kept: AllowList) -> None:
    """Somebody wrote Slack's list since: nothing is written, and the new difference is shown."""
    now = int(time.time())
    kept.add(draft(owner="net", reason="office", now=now, since=now, asn=64501)[0])
    page = slack.desk.get("/allow/slack", "admin").text
    allowed = slack.state.organization.detection.allowed
    allowed.write(["198.51.100.0/24", "192.0.2.0/24"], [])
    answer = sent(slack, page, "push")
    assert (answer.status_code, "changed meanwhile" in answer.text) == (409, True)
    assert "192.0.2.0/24" in answer.text
    assert list(allowed.asns) == []


def test_without_a_token_the_page_says_what_is_missing(desk: Any) -> None:
    """The sentence names the setting; there is nothing to send."""
    page = desk.get("/allow/slack").text
    assert "set respond.token" in page
    assert 'name="mark"' not in page
