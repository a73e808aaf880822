"""What went out: every message and target is told, and a dead letter is sent again by who may."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gridtrail.forward.position import Position
from gridtrail.forward.record import Refusal
from gridtrail.forward.store import ForwardStore
from gridtrail.lake.query import EventFilter
from gridtrail.notify.store import Outbox, put
from gridtrail.respond.trail import Trail
from gridtrail.settings_forward import ForwardSettings
from gridtrail.settings_notify import ChannelSettings, NotifySettings

FINDING = {"id": "F0123456789abcdef", "title": "Matt <b> is being scraped"}


@pytest.fixture(scope="module")
def told(desk: Any, serving: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The desk with a channel that failed and a target that is behind."""
    url = SecretStr("https://example.com")
    channels = [ChannelSettings(name="pager", kind="webhook", url=url, secret=SecretStr("s" * 32))]
    files = tmp_path_factory.mktemp("files")
    forward = [ForwardSettings(name="siem", to="files", directory=Path(files))]
    more = {"notify": NotifySettings(channels=channels), "forward": forward}
    settings = desk.settings.model_copy(update=more)
    with Outbox(settings.state, time.time) as outbox:
        _fill(outbox)
    with ForwardStore(settings.state) as store:
        store.begin("siem", Position(0))
        store.advance("siem", Position(0), sent=7, refusals=[Refusal("E0ACME", "bad <b>", "no")])
        store.failing("siem", "It does not answer <b>.")
    with serving(settings) as client:
        yield replace(desk, client=client, settings=settings)


def _fill(outbox: Outbox) -> None:
    body = {"findings": [FINDING], "news": {FINDING["id"]: "created"}}
    failing = {"title": "A <b> fails"}
    with outbox.writing().begin() as connection:
        put(connection, "pager", "created", body, now=outbox.now, finding_ids=[FINDING["id"]])
        put(connection, "pager", "work", failing, now=outbox.now)
        put(connection, "pager", "test", {"title": "A test"}, now=outbox.now)
    for one in outbox.select(state="waiting"):
        if one.kind != "test":
            outbox.gave_up(one, f"HTTP 500 of {one.kind} <b>")


def test_everything_is_told_with_its_reason(told: Any) -> None:
    """Messages by their finding or title, why they failed, how far the target is, what it did not
    get; what strangers wrote is text."""
    page = told.get("/outgoing", "audit_logs_admin").text
    for words in (
        "new finding", "Matt &lt;b&gt; is being scraped", "Gridtrail itself: ", "A &lt;b&gt; fails",
        "HTTP 500 of work &lt;b&gt;", "It does not answer &lt;b&gt;.", "bad &lt;b&gt;", "failing",
        f'href="/findings/{FINDING["id"]}"',
    ):  # fmt: skip
        assert words in page, words
    assert "Send again" not in page
    assert told.get("/outgoing", "viewer").status_code == 403


def test_filters_stand_in_the_address(told: Any) -> None:
    """A state shows its messages alone; there is no other state."""
    page = told.get("/outgoing?state=waiting&channel=pager").text
    assert ("A test" in page, "A &lt;b&gt; fails" in page) == (True, False)
    assert "None that fits." in told.get("/outgoing?state=sent").text
    assert told.get("/outgoing?state=lost").status_code == 400


def test_a_dead_letter_is_sent_again_once(told: Any) -> None:
    """Who may tune lets one wait again, then all; the trail says who; a second click changes
    nothing."""
    cookie = told.sign_in("admin")
    with Outbox(told.settings.state, time.time) as outbox:
        dead = [one.id for one in outbox.select(state="dead")]
        form = {"message": dead[0]}
        refused = told.post("/outgoing", form, cookie=told.sign_in("audit_logs_admin"))
        assert refused.status_code == 403
        assert told.post("/outgoing", {**form, "csrf": "x"}, cookie=cookie).status_code == 403
        assert told.post("/outgoing", {}, cookie=cookie).status_code == 400
        assert len(outbox.select(state="dead")) == len(dead)
        sent = told.post("/outgoing", form, cookie=cookie)
        assert sent.status_code == 303
        page = told.get(sent.headers["location"], "admin").text
        assert "1 message to be sent again. This server sends none" in page
        assert told.post("/outgoing", form, cookie=cookie).status_code == 409
        assert told.post("/outgoing", {"message": "all"}, cookie=cookie).status_code == 303
        assert outbox.select(state="dead") == []
    with Trail(told.settings.state) as trail:
        trail.move(told.data.lake)
    wanted = EventFilter(actions=("gridtrail_notifications_resent",), org="E0ACME")
    rows = told.data.lake.newest(wanted, 10).to_pylist()
    assert [row["actor_email"] for row in rows] == ["admin@acme.example"] * 2


def test_without_channels_the_page_says_so(slack: Any) -> None:
    """Nobody is told anything, and nothing is sent on: both are said."""
    page = slack.desk.get("/outgoing").text
    assert "nobody is told anything" in page
    assert "nothing is sent on" in page
