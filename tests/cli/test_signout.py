"""`gridtrail signout` and `gridtrail responses`, against a simulated Slack over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest

from gridtrail.sandbox.ledger import Search
from gridtrail.sandbox.slack_state import SlackState


def logged(state: SlackState, user: str) -> list[dict[str, Any]]:
    """Slack's events of signing this user out."""
    with state.lock:
        state.catch_up()
        wanted = Search(actions=frozenset({"user_session_reset_by_admin"}), entity=user)
        return [orjson.loads(one) for one in state.organization.ledger.page(wanted, 100_000).events]


def someone(state: SlackState) -> str:
    """A member with an active session."""
    with state.lock:
        now = state.catch_up()
        people = state.organization.world.people[5:]
        return next(one.id for one in people if state.organization.active_sessions(one, now))


def test_signing_out_is_shown_done_once_and_confirmed(
    gridtrail: Any, slack: SlackState, store: Callable[..., None]
) -> None:
    """The dry run does nothing; nobody to ask means no; then it is done, listed and confirmed."""
    user = someone(slack)
    dry = gridtrail("signout", user, "--dry-run", "--format", "json")
    assert dry.code == 0
    assert {row["user_id"] for row in dry.json} == {user}
    assert f"Sign out of Slack on all devices: {user}." in dry.err
    refused = gridtrail("signout", user)
    assert refused.code == 2
    assert "give --yes" in refused.err
    assert logged(slack, user) == []
    done = gridtrail("signout", user, "--yes", "--reason", "scraping", "--format", "json")
    assert done.code == 0, done.err
    (row,) = done.json
    assert (row["state"], row["reason"], row["said"]) == ("sent", "scraping", "Slack did it.")
    assert len(logged(slack, user)) == 1
    again = gridtrail("signout", user, "--yes")
    assert again.code == 2
    assert "is sent" in again.err
    assert f"{user} has no active session now." in again.err
    assert "responses" in done.err.splitlines()[-1]
    store(logged(slack, user))
    (listed,) = gridtrail("responses", "--format", "json").json
    assert (listed["id"], listed["state"]) == (row["id"], "confirmed")
    assert len(logged(slack, user)) == 1


def test_a_second_person_has_to_approve(
    gridtrail: Any, slack: SlackState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With four eyes the command records only; whoever asked cannot approve, another can."""
    monkeypatch.setenv("GRIDTRAIL_RESPOND__FOUR_EYES", "true")
    user = someone(slack)
    before = len(logged(slack, user))
    monkeypatch.setenv("LOGNAME", "ann")
    (row,) = gridtrail("signout", user, "--yes", "--format", "json").json
    assert (row["state"], row["asked_by"]) == ("waiting", "ann")
    assert gridtrail("responses", "approve", row["id"]).code == 2
    assert len(logged(slack, user)) == before
    monkeypatch.setenv("LOGNAME", "bob")
    assert gridtrail("responses", "approve", row["id"]).code == 0
    assert len(logged(slack, user)) == before + 1
    assert gridtrail("responses", "refuse", row["id"]).code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["W0NOBODY99", "--mobile-only", "--web-only"], "exclude each other"),
        (["W0NOBODY99"], "no such user"),
        (["nobody@kestrel.example"], "knows nobody"),
    ],
)
def test_wrong_use_is_said(
    gridtrail: Any, slack: SlackState, arguments: list[str], words: str
) -> None:
    """Who or what cannot be signed out is refused with a sentence and exit code 2."""
    result = gridtrail("signout", *arguments, "--yes")
    assert result.code == 2
    assert words in result.err


def test_without_a_token_the_next_step_is_said(gridtrail: Any) -> None:
    """Nothing is called without a token."""
    result = gridtrail("signout", "W0NOBODY99", "--yes")
    assert result.code == 2
    assert "GRIDTRAIL_RESPOND__TOKEN" in result.err


def test_waiting_ends_with_slacks_own_event(
    gridtrail: Any, slack: SlackState, store: Callable[..., None]
) -> None:
    """`--wait` goes on until the event is collected, by whomever; without one, until its end."""
    user = someone(slack)
    known = {one["id"] for one in logged(slack, user)}

    def collect() -> None:
        until = time.monotonic() + 240
        while time.monotonic() < until:
            if new := [one for one in logged(slack, user) if one["id"] not in known]:
                store(new)
                return
            time.sleep(0.05)

    collector = threading.Thread(target=collect)
    collector.start()
    (row,) = gridtrail("signout", user, "--yes", "--wait", "5m", "--format", "json").json
    collector.join()
    assert row["state"] == "confirmed"
    other = someone(slack)
    (row,) = gridtrail("signout", other, "--yes", "--wait", "1s", "--format", "json").json
    assert row["state"] == "sent"


def on_trail(gridtrail: Any, user: str) -> dict[str, dict[str, Any]]:
    """What the trail says of signing this user out, by action."""
    rows = gridtrail("logs", "--entity", user, "--format", "json").json
    found = [one for one in rows if one["action"].startswith("gridtrail_sign_out")]
    return {one["action"]: orjson.loads(one["details"]) for one in found}


class HalfSlack(BaseHTTPRequestHandler):
    """Answers what reads; hangs up on what signs out, after having read it."""

    def do_POST(self) -> None:
        """One call."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("session.reset"):
            self.close_connection = True
            return
        said = b'{"ok": true, "enterprise_id": "E0KESTREL", "active_sessions": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_what_slack_refuses_is_on_the_trail(gridtrail: Any, slack: SlackState) -> None:
    """What failed is there as failed, with what Slack said, and not as done."""
    owner = slack.organization.world.people[1].id
    refused = gridtrail("signout", owner, "--yes", "--reason", "a drill")
    assert refused.code == 2
    found = on_trail(gridtrail, owner)
    assert set(found) == {"gridtrail_sign_out_requested", "gridtrail_sign_out_failed"}
    details = found["gridtrail_sign_out_failed"]
    assert (details["state"], details["reason"]) == ("failed", "a drill")
    assert details["said"] in refused.err


@pytest.mark.parametrize("four_eyes", [False, True])
def test_what_is_unclear_is_on_the_trail(
    four_eyes: bool, gridtrail: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call whose answer was cut is there as unclear, alone or approved by somebody."""
    half = HTTPServer(("127.0.0.1", 0), HalfSlack)
    serving = threading.Thread(target=half.serve_forever, args=(0.05,))
    serving.start()
    monkeypatch.setenv("GRIDTRAIL_RESPOND__BASE_URL", f"http://127.0.0.1:{half.server_port}/")
    monkeypatch.setenv("GRIDTRAIL_RESPOND__TOKEN", "xoxp-some-token")
    monkeypatch.setenv("GRIDTRAIL_RESPOND__FOUR_EYES", str(four_eyes).lower())
    monkeypatch.setenv("LOGNAME", "ann")
    asked = gridtrail("signout", "W0SOMEBODY9", "--yes", "--format", "json")
    if four_eyes:
        monkeypatch.setenv("LOGNAME", "bob")
        asked = gridtrail("responses", "approve", asked.json[0]["id"])
    half.shutdown()
    half.server_close()
    serving.join()
    assert asked.code == 3
    found = on_trail(gridtrail, "W0SOMEBODY9")
    approved = {"gridtrail_sign_out_approved"} if four_eyes else set()
    called = {"gridtrail_sign_out_requested", "gridtrail_sign_out_unclear"}
    assert set(found) == called | approved
    assert "may have been done" in found["gridtrail_sign_out_unclear"]["said"]


def test_what_was_done_is_on_the_trail(gridtrail: Any, slack: SlackState) -> None:
    """Asking and doing, with who, whom, why and what Slack said."""
    user = someone(slack)
    assert gridtrail("signout", user, "--yes", "--reason", "a drill").code == 0
    done = on_trail(gridtrail, user)
    assert set(done) == {"gridtrail_sign_out_requested", "gridtrail_sign_out_done"}
    details = done["gridtrail_sign_out_done"]
    assert (details["reason"], details["said"]) == ("a drill", "Slack did it.")
