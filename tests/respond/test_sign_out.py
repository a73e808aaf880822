"""Signing out of a simulated Slack: it has effect, is done once, spares who is excluded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gridtrail.errors import WrongUse
from gridtrail.respond.people import Person
from gridtrail.respond.responses import ResponseStore
from gridtrail.respond.sign_out import Order, SigningOut
from gridtrail.respond.slack_admin import SlackAdmin
from gridtrail.respond.slack_errors import NotReached, Refused, RefusedSettings, Unclear
from gridtrail.respond.watch import watch
from gridtrail.sandbox.slack_state import CallFaults

RESET = "admin.users.session.reset"


@pytest.fixture
def store(tmp_path: Path, far: Any) -> Iterator[ResponseStore]:
    """An empty record, on Slack's clock."""
    with ResponseStore(tmp_path / "state.db", clock=far.state.clock.now) as made:
        yield made


def signing(far: Any, store: ResponseStore, token: str = "owner", **more: Any) -> SigningOut:
    """Signing out with the token of that name."""
    settings = far.settings(token, **more)
    return SigningOut(SlackAdmin(settings, sleep=far.waits.append), store, settings, "E0ACME")


def person(one: Any) -> Person:
    """Somebody of the far side."""
    return Person(one.id, one.name, one.email)


def with_session(far: Any) -> list[Person]:
    """Members with active sessions."""
    slack = SlackAdmin(far.settings())
    return [person(one) for one in far.people()[5:] if slack.sessions(one.id)]


def test_signing_matt_out_ends_his_downloads(far: Any, store: ResponseStore, log: Any) -> None:
    """The scraping stops with the reset, and Slack's own event confirms it."""
    planted = far.plant("matt")
    far.advance(600)
    matt = far.state.organization.people[planted.actors[0]]
    scraping = [e for e in far.log(actor=matt.id) if "Scrapers" in e["context"]["ua"]]
    assert len(scraping) > 5
    out = signing(far, store)
    shown = out.preview(Order((person(matt),), reason="scraping", finding_id="F1"))
    assert shown.sentence == (
        f"Sign out of Slack on all devices: {matt.name} ({matt.id}, {matt.email})."
    )
    assert shown.sessions[matt.id]
    assert far.calls[RESET] == 0
    now = far.state.clock.now()
    (asked,) = out.ask(shown, "ann")
    assert (asked.state, asked.asked_by, asked.reason) == ("requested", "ann", "scraping")
    (sent,) = out.carry_out(asked.batch)
    assert (sent.state, sent.said, sent.called_at) == ("sent", "Slack did it.", now)
    assert watch(log.lake, store, confirm_seconds=900, clock=far.state.clock.now) == []
    far.advance(86_400)
    after = far.log(oldest=now + 1, actor=matt.id)
    assert not [e for e in after if "Scrapers" in e["context"]["ua"] and e["action"] != "anomaly"]
    log.collect(far, now)
    (confirmed,) = watch(log.lake, store, confirm_seconds=900, clock=far.state.clock.now)
    assert confirmed.state == "confirmed"
    assert confirmed.event_id in {e["id"] for e in far.log(oldest=now)}
    assert watch(log.lake, store, confirm_seconds=900, clock=far.state.clock.now) == []


@pytest.mark.parametrize("devices", ["mobile", "web"])
def test_only_some_devices(far: Any, store: ResponseStore, log: Any, devices: Any) -> None:
    """What is asked of Slack is limited to them, and only such an event confirms it."""
    now = far.state.clock.now()
    out, user = signing(far, store), with_session(far)[0]
    (asked,) = out.ask(out.preview(Order((user,), devices)), "ann")
    out.carry_out(asked.batch)
    (event,) = [
        e for e in far.log(oldest=now, entity=user.id) if e["action"].endswith("reset_by_admin")
    ][:1]
    assert event["details"]["mobile_only"] is (devices == "mobile")
    assert event["details"]["web_only"] is (devices == "web")
    log.put([{**event, "id": "all", "details": {"mobile_only": False, "web_only": False}}])
    assert watch(log.lake, store, confirm_seconds=900, clock=far.state.clock.now) == []
    log.put([event])
    (seen,) = watch(log.lake, store, confirm_seconds=900, clock=far.state.clock.now)
    assert seen.event_id == event["id"]


def test_a_single_session_is_ended(far: Any, store: ResponseStore, log: Any) -> None:
    """The others stay; a session that the person does not have is refused before any call."""
    now = far.state.clock.now()
    out, slack = signing(far, store), SlackAdmin(far.settings())
    user = with_session(far)[0]
    with pytest.raises(WrongUse, match="no active session '1'"):
        out.preview(Order((user,), session_id="1"))
    session = slack.sessions(user.id)[0].session_id
    shown = out.preview(Order((user,), session_id=session))
    assert shown.sentence.startswith(f"End session {session} of {user.words}: ")
    (asked,) = out.ask(shown, "ann")
    out.carry_out(asked.batch)
    assert session not in [one.session_id for one in slack.sessions(user.id)]
    log.collect(far, now)
    seen = watch(log.lake, store, confirm_seconds=900, clock=far.state.clock.now)
    assert [(one.id, one.state) for one in seen] == [(asked.id, "confirmed")]


def test_several_people_go_in_one_call(far: Any, store: ResponseStore, log: Any) -> None:
    """One bulk call; the log says for each whether it succeeded (not for the primary owner)."""
    now = far.state.clock.now()
    people = [person(far.state.organization.primary_owner), *with_session(far)[:2]]
    out = signing(far, store)
    asked = out.ask(out.preview(Order(tuple(people))), "ann")
    assert {one.method for one in asked} == {"reset_bulk"}
    sent = out.carry_out(asked[0].batch)
    assert {one.said for one in sent} == {"Slack queued it."}
    far.advance(30)
    log.collect(far, now)
    seen = watch(log.lake, store, confirm_seconds=900, clock=far.state.clock.now)
    states = {one.user_id: one.state for one in seen}
    assert states == dict(
        zip([one.id for one in people], ["failed", "confirmed", "confirmed"], strict=True)
    )
    assert far.calls["admin.users.session.resetBulk"] == 1


def test_who_is_excluded_is_spared(far: Any, store: ResponseStore) -> None:
    """Primary owners, bots and those of the settings are left out and named with the reason."""
    users = with_session(far)[:3]
    owner = person(far.state.organization.primary_owner)
    bot = Person("W0BOT00001", "bot", "botuser-T0-A0@slack-bots.example")
    out = signing(far, store, never=[users[0].email.upper()], primary_owners=[owner.id])
    shown = out.preview(Order((users[0], owner, bot, users[1])))
    assert shown.people == (users[1],)
    assert [one.id for one, _ in shown.excluded] == [users[0].id, owner.id, bot.id]
    with pytest.raises(WrongUse, match=r"respond.never: nobody"):
        out.preview(Order((users[0],)))
    assert far.calls[RESET] == 0


@pytest.mark.parametrize(
    ("token", "user", "error", "said"),
    [
        ("xoxp-unknown", 6, RefusedSettings, "does not know the token"),
        ("reader", 6, RefusedSettings, "lacks the scope"),
        ("owner", 1, Refused, "primary owner"),
    ],
)
def test_what_slack_refuses_is_recorded(
    far: Any, store: ResponseStore, token: str, user: int, error: Any, said: str
) -> None:
    """The record fails with what Slack said, and the call is not made again."""
    owner_out, out = signing(far, store), signing(far, store, token)
    (asked,) = owner_out.ask(owner_out.preview(Order((person(far.people()[user]),))), "ann")
    with pytest.raises(error, match=said):
        out.carry_out(asked.batch)
    kept = store.get(asked.id)
    assert (kept.state, said in kept.said) == ("failed", True)
    with pytest.raises(WrongUse, match="done before"):
        out.carry_out(asked.batch)
    assert far.calls[RESET] == 1


def test_a_cut_connection_is_watched_and_never_repeated(
    far: Any, store: ResponseStore, log: Any
) -> None:
    """Slack did it, nobody was told: it is not asked twice, and Slack's event settles it."""
    now, out = far.state.clock.now(), signing(far, store)
    user = with_session(far)[0]
    (asked,) = out.ask(out.preview(Order((user,))), "ann")
    far.cut = 1
    with pytest.raises(Unclear):
        out.carry_out(asked.batch)
    assert store.get(asked.id).state == "requested"
    with pytest.raises(WrongUse, match="done before"):
        out.carry_out(asked.batch)
    with pytest.raises(WrongUse, match="is requested"):
        out.ask(out.preview(Order((user,))), "bob")
    assert far.calls[RESET] == 1
    log.collect(far, now)
    (seen,) = watch(log.lake, store, confirm_seconds=900, clock=far.state.clock.now)
    assert seen.state == "confirmed"
    assert len(out.ask(out.preview(Order((user,))), "bob")) == 1


def test_a_failing_slack_ends_unconfirmed(far: Any, store: ResponseStore, log: Any) -> None:
    """Nothing was done: without an event in time it is unconfirmed, and one may ask anew."""
    out, user = signing(far, store), with_session(far)[0]
    (asked,) = out.ask(out.preview(Order((user,))), "ann")
    far.state.faults = CallFaults(fail=1, status=500)
    with pytest.raises(Unclear, match="HTTP 500"):
        out.carry_out(asked.batch)
    far.advance(100)
    assert watch(log.lake, store, confirm_seconds=100, clock=far.state.clock.now) == []
    far.advance(1)
    (seen,) = watch(log.lake, store, confirm_seconds=100, clock=far.state.clock.now)
    assert seen.state == "unconfirmed"
    assert out.ask(out.preview(Order((user,))), "ann")[0].state == "requested"


def test_nothing_is_watched_that_never_left(far: Any, store: ResponseStore, log: Any) -> None:
    """A Slack that is not reached fails at once; the same may be asked again."""
    good, out = signing(far, store), signing(far, store, base_url="http://127.0.0.1:9/")
    user = with_session(far)[0]
    (asked,) = good.ask(good.preview(Order((user,))), "ann")
    with pytest.raises(NotReached):
        out.carry_out(asked.batch)
    assert store.get(asked.id).state == "failed"
    assert good.ask(good.preview(Order((user,))), "ann")


def test_four_eyes(far: Any, store: ResponseStore) -> None:
    """Nothing is called before another person approves, and what was refused never is."""
    out = signing(far, store, four_eyes=True)
    one, two = with_session(far)[:2]
    (asked,) = out.ask(out.preview(Order((one,))), "ann")
    assert asked.state == "waiting"
    for approver, words in ((None, "waits for a second person"), ("Ann", "somebody else")):
        with pytest.raises(WrongUse, match=words):
            out.carry_out(asked.batch, approved_by=approver)
    assert far.calls[RESET] == 0
    (sent,) = out.carry_out(asked.batch, approved_by="bob")
    assert (sent.state, sent.approved_by) == ("sent", "bob")
    (refused,) = out.ask(out.preview(Order((two,))), "ann")
    assert store.refuse(refused.batch, "bob")[0].state == "failed"
    with pytest.raises(WrongUse):
        out.carry_out(refused.batch, approved_by="bob")
    assert far.calls[RESET] == 1


def test_an_approval_has_its_time(far: Any, store: ResponseStore) -> None:
    """What nobody approved in time ends, and may be asked anew; until then it may not."""
    out = signing(far, store, four_eyes=True, approval_hours=2)
    (user,) = with_session(far)[:1]
    (asked,) = out.ask(out.preview(Order((user,))), "ann@acme.example")
    far.advance(7_200)
    with pytest.raises(WrongUse, match="is waiting"):
        out.ask(out.preview(Order((user,))), "bob")
    far.advance(1)
    with pytest.raises(WrongUse, match="done before"):
        out.carry_out(asked.batch, approved_by="bob")
    ended = store.get(asked.id)
    assert (ended.state, ended.said) == ("failed", "Nobody approved it in time: ask anew.")
    (again,) = out.ask(out.preview(Order((user,))), "ann@acme.example")
    with pytest.raises(WrongUse, match="somebody else"):
        out.carry_out(again.batch, approved_by="ann")
    with pytest.raises(WrongUse, match="somebody else"):
        out.carry_out(again.batch, approved_by="ANN@acme.example")
    assert far.calls[RESET] == 0
    assert out.carry_out(again.batch, approved_by="ann@other.example")[0].state == "sent"


def test_the_same_key_asks_once(far: Any, store: ResponseStore) -> None:
    """Whoever sends a form again gets what it made the first time; nothing is called again."""
    out = signing(far, store)
    (user,) = with_session(far)[:1]
    shown = out.preview(Order((user,)))
    (first,) = out.ask(shown, "ann", key="k" * 32)
    out.carry_out(first.batch)
    (second,) = out.ask(shown, "ann", key="k" * 32)
    assert (second.id, second.state) == (first.id, "sent")
    with pytest.raises(WrongUse, match="done before"):
        out.carry_out(second.batch)
    assert far.calls[RESET] == 1
