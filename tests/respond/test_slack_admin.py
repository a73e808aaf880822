"""Calls of Slack's admin methods: what is done, what is refused, and what is never done twice."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gridtrail.errors import BadSettings
from gridtrail.respond.slack_admin import SlackAdmin, SlackAllowed
from gridtrail.respond.slack_errors import NotReached, Refused, RefusedSettings, Unclear
from gridtrail.sandbox.slack_state import CallFaults
from gridtrail.settings_respond import RespondSettings

RESET = "admin.users.session.reset"


def admin(far: Any, token: str = "owner", **more: Any) -> SlackAdmin:
    """The methods for a token; what would be waited for is noted."""
    return SlackAdmin(far.settings(token, **more), sleep=far.waits.append)


def resets(far: Any, since: int) -> int:
    """How many signings out Slack has logged since that second."""
    actions = frozenset({"user_session_reset_by_admin"})
    return len(far.log(oldest=since, actions=actions))


def person_with_session(far: Any) -> str:
    """A member with an active session."""
    slack = admin(far)
    ids: list[str] = [one.id for one in far.people()[5:]]
    return next(one for one in ids if slack.sessions(one))


def test_sessions_are_listed_and_ended(far: Any) -> None:
    """A session has a device and an address; ended alone it is gone, after a reset all are."""
    slack, user = admin(far), person_with_session(far)
    sessions = slack.sessions(user)
    assert all(one.user_id == user and one.session_id.isdecimal() for one in sessions)
    last = sessions[0].recent or sessions[0].created
    assert sessions[0].words.endswith(f" from {last['ip']}")
    slack.invalidate(user, sessions[0].session_id)
    left = slack.sessions(user)
    assert sessions[0].session_id not in [one.session_id for one in left]
    slack.reset(user)
    assert slack.sessions(user) == []
    with pytest.raises(Refused) as refused:
        slack.invalidate(user, sessions[0].session_id)
    assert refused.value.code == "session_not_found"


@pytest.mark.parametrize(
    ("token", "code", "words"),
    [
        ("xoxp-unknown", "invalid_auth", "new token"),
        ("reader", "missing_scope", "lacks the scope admin.users:write"),
        ("member", "not_an_admin", "Org Owner or Admin"),
        ("workspace", "feature_not_enabled", "install the app on the Enterprise"),
    ],
)
def test_a_token_without_the_right_is_a_matter_of_settings(
    far: Any, token: str, code: str, words: str
) -> None:
    """The sentence says what the token lacks; the call is made once and nothing is done."""
    since = far.state.clock.now()
    before = resets(far, since)
    with pytest.raises(RefusedSettings, match=words) as refused:
        admin(far, token).reset(far.people()[6].id)
    assert (refused.value.code, refused.value.exit_code) == (code, 2)
    assert (far.calls[RESET], resets(far, since)) == (1, before)


def test_people_who_cannot_be_signed_out(far: Any) -> None:
    """Slack's refusals of a stranger, the primary owner and a bot are sentences of their own."""
    slack, bot = admin(far), sorted(far.state.organization.bots)[0]
    people = {"W0NOBODY99": "user_not_found", bot: "cannot_reset_bot"}
    people[far.state.organization.primary_owner.id] = "cannot_reset_primary_owner"
    for user, code in people.items():
        with pytest.raises(Refused) as refused:
            slack.reset(user)
        assert refused.value.code == code
    assert far.calls[RESET] == 3


def test_a_full_minute_is_waited_for(far: Any) -> None:
    """On 429 one waits as long as Slack says, and no longer than the settings allow."""
    far.state.faults = CallFaults(fail=2, status=429)
    since = far.state.clock.now()
    before = resets(far, since)
    admin(far).reset(person_with_session(far))
    far.state.faults = CallFaults(fail=2, status=429)
    admin(far).reset(far.people()[7].id)
    assert far.waits[-2:] == [1, 1]
    assert resets(far, since) == before + 2
    far.state.faults = CallFaults(fail=9, status=429)
    with pytest.raises(NotReached, match="no more calls"):
        admin(far, longest_wait_seconds=1).reset(far.people()[7].id)
    assert resets(far, since) == before + 2


@pytest.mark.parametrize("fault", ["500", "503", "cut"])
def test_what_may_have_been_done_is_not_done_twice(far: Any, fault: str) -> None:
    """A failing Slack or a cut connection is an unclear outcome; the call is not repeated."""
    since = far.state.clock.now()
    before = resets(far, since)
    if fault == "cut":
        far.cut = 1
    else:
        far.state.faults = CallFaults(fail=1, status=int(fault))
    with pytest.raises(Unclear, match="may have"):
        admin(far).reset(far.people()[8].id)
    assert far.calls[RESET] == 1
    assert far.waits == []
    assert resets(far, since) == before + (fault == "cut")


def test_reading_is_tried_again(far: Any) -> None:
    """What only reads survives a cut connection and a failing Slack."""
    far.cut = 1
    assert admin(far).allowed() == SlackAllowed((), ())
    far.state.faults = CallFaults(fail=1, status=502)
    assert admin(far).allowed() == SlackAllowed((), ())
    assert len(far.waits) == 2


def test_nobody_there_is_not_reached(far: Any) -> None:
    """A closed port is told from a cut: nothing can have been done."""
    with pytest.raises(NotReached, match="not reached"):
        admin(far, base_url="http://127.0.0.1:9/").reset("W0ANYBODY9")


def test_the_allow_list_is_read_and_written_in_both_spellings(far: Any) -> None:
    """Both pairs of keys reach Slack; the answer is read whichever it has."""
    slack = admin(far)
    for spelling, asn in (("first", 64500), ("other", 64501)):
        wanted = SlackAllowed(("192.0.2.0/24",), (asn,))
        slack.allow(wanted, spelling=spelling)  # type: ignore[arg-type]
        assert slack.allowed() == wanted


def test_answers_that_are_none(far: Any) -> None:
    """Slack's own internal errors are unclear; an unknown code is said with the method."""
    codes = iter(["fatal_error", "brand_new_code"])

    def rewrite(_method: str, _body: bytes) -> bytes:
        return orjson.dumps({"error": next(codes)})

    far.rewrite = rewrite
    slack = admin(far)
    with pytest.raises(Unclear, match="fatal_error"):
        slack._call("api.test", {})
    with pytest.raises(Refused, match=r"refuses api.test with 'brand_new_code'"):
        slack._call("api.test", {})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"token": " "},
        {"token": "xoxp-1", "base_url": "file:///etc/passwd"},
        {"token": "xoxp-1", "base_url": "http://slack.example/api/"},
    ],
)
def test_settings_that_cannot_be(given: dict[str, str]) -> None:
    """Without a token, or with an address that anybody can listen to, nothing is begun."""
    with pytest.raises(BadSettings, match="respond"):
        SlackAdmin(RespondSettings(**given))  # type: ignore[arg-type]
