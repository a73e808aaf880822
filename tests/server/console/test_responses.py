"""Responses in the console: what waits for a second person, how each went."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gridtrail.respond.responses import Asked, ResponseStore
from gridtrail.sandbox.slack_state import CallFaults


@pytest.fixture(scope="module")
def strict(slack: Any, serving: Any) -> Iterator[Any]:
    """A desk over the same Slack where a second person has to approve."""
    settings = slack.desk.settings
    respond = settings.respond.model_copy(update={"four_eyes": True})
    with serving(settings.model_copy(update={"respond": respond})) as client:
        yield replace(slack.desk, client=client)


@pytest.fixture
def waiting(slack: Any, strict: Any) -> tuple[str, str]:
    """The person and the response's address of what an admin asked for."""
    with ResponseStore(slack.desk.settings.state) as store:
        asked = {one.user_id for one in store.select()}
    there = (one.id for one in slack.people()[6:] if one.id not in asked)
    user = next(one for one in there if slack.session_ids(one))
    page = strict.get(f"/slack/signout/confirm?user={user}&choice=all", "admin").text
    assert "A second person has to approve it" in page
    key = re.search(r'name="key" value="([0-9a-f]{32})"', page)
    assert key is not None
    form = {"key": key[1], "user": user, "choice": "all"}
    answer = strict.post("/slack/signout", form, cookie=strict.cookies["admin"])
    return user, answer.headers["location"]


def decided(desk: Any, address: str, decision: str, role: str = "owner") -> httpx.Response:
    """The answer to somebody's decision."""
    answer: httpx.Response = desk.post(address, {"decision": decision}, cookie=desk.cookies[role])
    return answer


def test_a_second_person_approves(slack: Any, strict: Any, waiting: tuple[str, str]) -> None:
    """Nothing is done before; who asked cannot approve; afterwards the sessions have ended."""
    user, address = waiting
    assert slack.session_ids(user)
    own = strict.get(address, "admin").text
    assert "Take it back" in own
    assert 'value="approve"' not in own
    refused = decided(strict, address, "approve", "admin")
    assert refused.status_code == 409
    assert "somebody else has to approve it" in refused.text
    assert decided(strict, address, "approve", "audit_logs_admin").status_code == 403
    assert 'value="approve"' not in strict.get(address, "audit_logs_admin").text
    assert slack.session_ids(user)
    assert decided(strict, address, "approve").headers["location"] == address
    assert slack.session_ids(user) == []
    page = strict.get(address).text
    assert "owner@acme.example" in page
    assert "approved it" in page
    assert decided(strict, address, "approve").status_code == 303  # sent again: nothing more
    assert decided(strict, address, "nothing").status_code == 400


def test_what_was_refused_is_never_done(slack: Any, strict: Any, waiting: tuple[str, str]) -> None:
    """Who asked may take it back, too."""
    user, address = waiting
    assert decided(strict, address, "refuse", "admin").status_code == 303
    assert "said no: nothing is done" in strict.get(address).text
    assert decided(strict, address, "approve").status_code == 303
    assert slack.session_ids(user)


def test_an_unclear_answer_is_said_and_not_repeated(
    slack: Any, strict: Any, waiting: tuple[str, str]
) -> None:
    """Slack fails inside: it is not known whether it was done, and no reload asks again."""
    user, address = waiting
    slack.state.faults = CallFaults(fail=1)
    assert decided(strict, address, "approve").status_code == 303
    page = strict.get(address).text
    assert "no answer from Slack yet" in page
    assert "may have done it all the same" in page
    assert decided(strict, address, "approve").status_code == 303
    assert slack.session_ids(user)


def test_the_list_filters_by_state_and_person(slack: Any, strict: Any) -> None:
    """Each filter stands in the address; an unknown state is refused, another's is not shown."""
    with ResponseStore(slack.desk.settings.state) as store:
        asked = Asked("E0OTHER", "reset", (("W0FAR", "Far <b>"),), "all", None, "eve@x", "no", None)
        (far,) = store.ask(asked, approval=False)
        asked = replace(asked, org="E0ACME", people=(("W0NEAR", "Near <b>"),))
        (near,) = store.ask(asked, approval=False)
    assert "Near &lt;b&gt;" in strict.get("/responses?user=W0NEAR").text
    assert "W0FAR" not in strict.get("/responses").text
    assert near.id in strict.get("/responses?state=requested").text
    assert near.id not in strict.get("/responses?state=confirmed").text
    assert strict.get("/responses?state=gone").status_code == 400
    assert strict.get(f"/responses/{far.id}").status_code == 404
    assert "not sent to Slack" in strict.get(f"/responses/{near.id}").text
    assert "eve@x" in strict.get(f"/responses/{near.id}").text


def test_an_open_page_learns_what_happens(
    slack: Any, strict: Any, waiting: tuple[str, str]
) -> None:
    """The page asks again while something is to come: nothing new is 204, news come as a piece with
    its steps, and the last state asks no more."""
    _user, address = waiting

    def asks(text: str) -> str | None:
        found = re.search(rf'hx-get="({address}/now[^"]*)"', text)
        return None if found is None else html.unescape(found[1])

    first = asks(strict.get(address).text)
    assert first is not None
    assert strict.get(first).status_code == 204
    assert strict.get(first, "viewer").status_code == 403
    assert decided(strict, address, "approve").status_code == 303
    piece = strict.get(first)
    assert "<html" not in piece.text
    assert re.findall("asked for it|approved it|Slack was asked|Slack did it", piece.text) == [
        "asked for it", "approved it", "Slack was asked", "Slack did it",
    ]  # fmt: skip
    second = asks(piece.text)
    assert second is not None
    assert strict.get(second).status_code == 204
    slack.collect(slack.state.clock.now() - 1)
    last = strict.get(second).text
    assert "Slack&#39;s own event says that it was done" in last
    assert asks(last) is None
    assert asks(strict.get(address).text) is None
