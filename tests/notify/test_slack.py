"""A Slack conversation, against its methods over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridtrail.notify.message import Message, told_of
from gridtrail.notify.outcomes import Again, Delivered, Outcome, Refused
from gridtrail.notify.slack import SlackWay
from gridtrail.notify.text import Links
from gridtrail.settings_notify import ChannelSettings

Make = Callable[..., Any]


@pytest.fixture
def send(tmp_path: Path, bot: Make, far: Any, finding: Make) -> Callable[..., Outcome]:
    """Sends a message about a finding; with a reference it is an update of what stands there."""

    def send(reference: str | None = None, **more: Any) -> Outcome:
        channel = ChannelSettings(**bot(far.url, **more))
        way = SlackWay(channel, tmp_path, Links("https://g.example", "E0ACME"))
        kind: Any = "updated" if reference else "created"
        body = {"findings": [told_of(finding(1), None, whole=False)], "news": {"F0001": kind}}
        about = "m0" if reference else None
        message = Message(
            "m1", 1, "soc", kind, "waiting", None, about, ("F0001",), 2, body, 1, 1, 1, None, "",
            reference,
        )  # fmt: skip
        return way.send(message)

    return send


def test_a_message_is_posted_and_changed_in_place(send: Make, far: Any) -> None:
    """The first has blocks, a link to the finding and the id; the second replaces it."""
    posted = send()
    assert isinstance(posted, Delivered)
    assert posted.reference == "C0SOC 1795000000.000100"
    given = far.got[0].json
    assert far.got[0].headers["authorization"] == "Bearer xoxb-1"
    assert given["channel"] == "C0SOC"
    assert given["metadata"]["event_payload"] == {"id": "m1"}
    assert (given["unfurl_links"], given["link_names"], given["parse"]) == (False, False, "none")
    buttons = next(one for one in given["blocks"] if one["type"] == "actions")["elements"]
    assert buttons[0]["url"] == "https://g.example/findings/F0001"
    assert send(posted.reference) == Delivered(posted.reference)
    assert far.got[1].path == "/api/chat.update"
    assert (far.got[1].json["channel"], far.got[1].json["ts"]) == tuple(posted.reference.split())


@pytest.mark.parametrize(
    ("mood", "outcome"),
    [
        ("429 9", Again("Slack takes no more messages for now (429).", 9)),
        ("500", Again("Slack answered with HTTP 500.")),
        ("error invalid_blocks", Refused("Slack does not take the message (invalid_blocks).")),
        (
            "error not_in_channel",
            Again("Slack refuses (not_in_channel): the bot is not in the conversation: invite it."),
        ),
        ("error new_thing", Again("Slack refuses (new_thing): see its documentation.")),
    ],
)
def test_what_slack_says(mood: str, outcome: object, send: Make, far: Any) -> None:
    """Only what the message is to blame for is given up; the rest is said with the next step."""
    far.moods = [mood]
    assert send() == outcome


def test_an_answer_that_is_cut_or_does_not_come_is_tried_again(send: Make, far: Any) -> None:
    """Whatever happens on the way: it may not be there."""
    far.moods = ["cut", "hang"]
    for patience in (60, 1):
        outcome = send(timeout_seconds=patience)
        assert isinstance(outcome, Again)
        assert outcome.why.startswith("Slack was not reached, or did not answer")
    assert isinstance(send(base_url="http://127.0.0.1:9/api/"), Again)


def test_a_message_that_somebody_took_away_is_left_away(send: Make, far: Any) -> None:
    """An update of it is done with; where Slack does not let change it, a reply says it."""
    far.moods = ["error message_not_found"]
    assert send("C0SOC 1.5") == Delivered("C0SOC 1.5")
    assert far.shown == {}
    far.moods = ["error edit_window_closed"]
    assert send("C0SOC 1.5") == Delivered("C0SOC 1.5")
    assert far.got[-1].path == "/api/chat.postMessage"
    assert far.got[-1].json["thread_ts"] == "1.5"


def test_without_a_token_the_reason_is_said(send: Make, far: Any) -> None:
    """A file that is not there is no message that is lost."""
    outcome = send(token=None, token_file="none")
    assert isinstance(outcome, Again)
    assert "token_file of the channel soc cannot be read" in outcome.why
    assert far.got == []
