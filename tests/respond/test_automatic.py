"""The automatic response, against a simulated Slack: what it does, once, and what it leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from gridtrail.errors import BadSettings
from gridtrail.lake.query import EventFilter
from gridtrail.respond.automatic import Ran
from gridtrail.respond.decisions import Decision, DecisionStore, decisions_since
from gridtrail.respond.responses import ResponseStore
from gridtrail.respond.trail import Doer, Trail
from gridtrail.settings_respond import AutomaticRule
from gridtrail.triage.store import FindingStore

RESET = "admin.users.session.reset"
INVALIDATE = "admin.users.session.invalidate"
SCRAPING = AutomaticRule(name="scraping", reasons=["unexpected_scraping"])


def scraped(far: Any, actor: str, oldest: int) -> list[Any]:
    """What that person's scraping tool did since then."""
    found = [e for e in far.log(oldest=oldest, actor=actor) if e["action"] != "anomaly"]
    return [e for e in found if "Scrapers" in e["context"]["ua"]]


@pytest.fixture
def matt(desk: Any) -> str:
    """Matt's id, when his tool has been at work for an hour and the finding is there."""
    now = desk.far.state.clock.now()
    planted = desk.far.plant("matt")
    desk.far.advance(3_600)
    desk.look(now)
    return str(planted.actors[0])


def of(found: list[Decision], person: str) -> list[Decision]:
    """Those of that person."""
    return [one for one in found if one.person == person]


def states(ran: Ran) -> list[str]:
    """The states of what was decided, in order."""
    return [one.state for one in ran.decided]


def test_matts_downloads_end_once(desk: Any, matt: str) -> None:
    """A rule signs him out, his tool stops, the record says why; no later run does it again."""
    now = desk.far.state.clock.now()
    assert scraped(desk.far, matt, now - 3_600)
    (done,) = of(desk.run().decided, matt)
    assert (done.state, done.rule, done.mode) == ("done", "scraping", "act")
    assert "scraping_tool" in done.why
    assert "Slack did it." in done.why
    desk.far.advance(86_400)
    assert scraped(desk.far, matt, now + 1) == []
    desk.look(now - 3_600)
    for again in (desk.automatic(), desk.automatic()):
        assert of(again.run().decided, matt) == []
        assert of(again.run().decided, matt) == []
    log = desk.far.log(oldest=now, entity=matt)
    assert len([e for e in log if e["action"] == "user_session_reset_by_admin"]) == 1


def test_the_finding_and_the_trail_say_what_was_done(desk: Any) -> None:
    """A note stands on the finding, a response names it, and the trail holds the decision."""
    (person,) = desk.active(1)
    now = desk.far.state.clock.now()
    desk.put(desk.flagged(person, now, "unexpected_scraping"))
    (done,) = desk.run().decided
    with FindingStore(desk.place) as findings, ResponseStore(desk.place) as responses:
        (note,) = findings.notes(done.finding_id)
        (response,) = responses.select()
    assert note.text.startswith(f"Signed out automatically: {person.name} ({person.id}), sign_out.")
    assert (response.finding_id, response.asked_by) == (done.finding_id, "Gridtrail")
    assert response.batch == done.batches[0]
    with Trail(desk.place) as trail:
        assert trail.move(desk.log.lake) == 1
    rows = desk.log.lake.newest(EventFilter(source="gridtrail"), columns=("action", "details"))
    (row,) = rows.to_pylist()
    assert row["action"] == "gridtrail_automatic_response_decided"
    assert orjson.loads(row["details"])["state"] == "done"


def test_off_does_nothing_and_a_dry_run_only_says_so(desk: Any) -> None:
    """What a dry run wrote down is not done later either; what comes afterwards is."""
    (person,) = desk.active(1)
    now = desk.far.state.clock.now()
    desk.put(desk.flagged(person, now - 900, "unexpected_scraping"))
    assert desk.run(automatic_mode="off") == Ran()
    assert states(desk.run(automatic_mode="record")) == ["recorded"]
    assert states(desk.run()) == []
    assert not desk.far.calls
    desk.put(desk.flagged(person, now, "unexpected_scraping"))
    silent = SCRAPING.model_copy(update={"mode": "record", "name": "trying"})
    assert states(desk.run(automatic=[silent])) == ["answered"]  # as if it had been done
    assert states(desk.run()) == ["done"]
    assert desk.far.calls[RESET] == 1


_RULES: list[tuple[dict[str, Any], bool]] = [
    ({"reasons": ["tor", "excessive_downloads"]}, False),
    ({"reasons": ["unexpected_scraping"], "severity": "critical"}, False),
    ({"reasons": ["unexpected_scraping"], "patterns": ["stolen_session"]}, False),
    ({"rules": ["no such rule"]}, False),
    ({"severity": "low"}, True),
    ({"patterns": ["plain", "scraping_tool"]}, True),
    ({"reasons": ["tor", "unexpected_scraping"], "severity": "low"}, True),
]


def test_all_that_a_rule_names_must_fit(desk: Any) -> None:
    """Of each list one is enough; the first rule that fits decides alone."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
    rules = [AutomaticRule(name=f"r{n}", do="notify", **one) for n, (one, _) in enumerate(_RULES)]
    fit = [len(desk.run(automatic=[rule]).decided) == 1 for rule in rules]
    assert fit == [fits for _, fits in _RULES]
    again = [rule.model_copy(update={"name": f"again {rule.name}"}) for rule in rules]
    assert [one.rule for one in desk.run(automatic=again).decided] == ["again r4"]


def test_a_pattern_that_there_is_not_is_refused(desk: Any) -> None:
    """Such a rule would be silent for ever."""
    with pytest.raises(BadSettings, match="stolen_cookie"):
        desk.run(automatic=[AutomaticRule(name="r", patterns=["stolen_cookie"])])


def test_who_is_spared(desk: Any) -> None:
    """By id, address, pattern, group, rule; primary owners; and whoever may be one of them."""
    people = desk.active(7)
    now = desk.far.state.clock.now()
    nameless = desk.flagged(people[5], now, "unexpected_scraping")
    nameless["actor"]["user"].pop("email")
    bot = replace(people[6], email="botuser-T1@slack-bots.example")
    desk.put(
        *(desk.flagged(one, now, "unexpected_scraping") for one in people[:5]),
        nameless,
        desk.flagged(bot, now, "unexpected_scraping"),
    )
    ran = desk.run(
        never=[people[0].id, people[1].email.upper(), "group:board"],
        groups={"board": [f"{people[2].email[:4]}*"]},
        primary_owners=[people[3].email],
        automatic=[SCRAPING.model_copy(update={"never": [people[4].id]})],
    )
    why = {one.person: one.why for one in ran.decided if one.state == "excluded"}
    assert [
        next((words for words in _SPARED if words in why.get(one.id, "")), why.get(one.id))
        for one in people
    ] == _SPARED
    assert desk.far.calls[RESET] == 0


_SPARED = [
    "is listed in respond.never",
    "is listed in respond.never",
    "is listed in respond.never",
    "is a primary owner",
    "is spared by the rule",
    "no known e-mail address",
    "is a bot",
]


def test_what_a_person_judged_harmless_is_left_alone(desk: Any) -> None:
    """A verdict of a person stands above a rule."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
    with FindingStore(desk.place) as findings:
        (finding,) = findings.select()
        findings.decide(finding.id, verdict="expected")
    (left,) = desk.run().decided
    assert (left.state, "judged it expected" in left.why) == ("excluded", True)


def test_what_is_old_is_left_alone(desk: Any) -> None:
    """Collecting last month's log signs nobody out."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now() - 7_300, "unexpected_scraping"))
    now = desk.far.state.clock.now()
    late = desk.flagged(person, now, "unexpected_scraping")  # said now, of three hours ago
    late["details"]["action_timestamp"] = (now - 3 * 3_600) * 1_000_000
    desk.put(late)
    assert desk.run(automatic_fresh_hours=2).decided == []
    assert states(desk.run(automatic_fresh_hours=3)) == ["done"]


def test_only_the_sessions_of_the_finding(desk: Any) -> None:
    """The others stay; where none of them is active any more nothing is left to do."""
    with desk.far.state.lock:
        organization = desk.far.state.organization
        now = desk.far.state.catch_up()
        listed = [organization.active_sessions(one, now) for one in desk.far.people()[5:]]
        sessions = max(listed, key=len)
    person, first, *others = sessions[0].person, *(one.session for one in sessions)
    desk.put(
        desk.flagged(person, now, "unexpected_scraping", session=first),
        desk.flagged(person, now - 5, "unexpected_scraping", session=999),
    )
    rule = SCRAPING.model_copy(update={"do": "end_sessions"})
    (done,) = desk.run(automatic=[rule]).decided
    assert (done.state, done.sessions) == ("done", (str(first),))
    assert (desk.far.calls[RESET], desk.far.calls[INVALIDATE]) == (0, 1)
    with desk.far.state.lock:
        left = organization.active_sessions(person, desk.far.state.catch_up())
    assert {one.session for one in left} == set(others)
    desk.put(desk.flagged(person, now + 900, "unexpected_scraping", session=999))
    (none,) = desk.run(automatic=[rule]).decided
    assert none.state in ("answered", "guarded")


def test_only_some_devices(desk: Any) -> None:
    """What Slack is asked for is what the rule says."""
    people = dict(zip(("mobile", "web"), desk.active(2), strict=True))
    now = desk.far.state.clock.now()
    rules = []
    for devices, person in people.items():
        reason = {"mobile": "unexpected_scraping", "web": "tor"}[devices]
        desk.put(desk.flagged(person, now, reason))
        wanted = {"name": devices, "reasons": [reason], "do": f"sign_out_{devices}"}
        rules.append(AutomaticRule.model_validate(wanted))
    assert states(desk.run(automatic=rules)) == ["done", "done"]
    for devices, person in people.items():
        logged = desk.far.log(oldest=now, entity=person.id)
        (details,) = [e["details"] for e in logged if e["action"] == "user_session_reset_by_admin"]
        assert details[f"{devices}_only"] is True


def test_telling_alone_calls_nothing(desk: Any) -> None:
    """The decision is there for whoever notifies."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
    rule = SCRAPING.model_copy(update={"do": "notify"})
    assert states(desk.run(automatic=[rule])) == ["notified"]
    assert [one.state for one in decisions_since(desk.place, 0)] == ["notified"]
    assert not desk.far.calls


def test_four_eyes_hold_here_too(desk: Any) -> None:
    """Nothing is called until a person approves what Gridtrail asked for."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
    assert states(desk.run(four_eyes=True)) == ["waiting"]
    assert desk.far.calls[RESET] == 0
    with ResponseStore(desk.place) as responses:
        assert [one.state for one in responses.select()] == ["waiting"]


# loop and brake ------------------------------------------------------------------------------


def test_nobody_is_signed_out_in_a_loop(desk: Any) -> None:
    """What happened before is answered; more is a loop, unless they signed in anew; then it ends
    at the most a day."""
    (person,) = desk.active(1)
    clock = desk.far.state.clock

    def more(*events: dict[str, Any]) -> Decision:
        desk.put(*events, desk.flagged(person, clock.now(), "unexpected_scraping"))
        decided: list[Decision] = desk.run().decided
        return decided[-1]

    assert more().state == "done"
    clock.advance(30)
    assert more().state == "answered"  # of the same moment: Slack's clock may be ahead
    clock.advance(600)
    again = more()
    assert (again.state, "not signed in anew since" in again.why) == ("guarded", True)
    clock.advance(600)
    assert more(desk.login(person, clock.now() - 60)).state != "guarded"
    assert desk.far.calls[RESET] <= 2


def test_the_brake_holds_until_it_is_released(desk: Any) -> None:
    """Before one person too many within an hour it stops, for everybody, and says so."""
    people = desk.active(6)
    now = desk.far.state.clock.now()
    desk.put(
        *(desk.flagged(one, now + n, "unexpected_scraping") for n, one in enumerate(people[:4]))
    )
    desk.far.advance(10)
    ran = desk.run(automatic_people_an_hour=2)
    assert sorted(states(ran)) == ["done", "done", "held", "held"]
    assert ran.stopped is not None
    assert "person 3 within an hour" in ran.stopped.why
    assert desk.far.calls[RESET] == 2
    desk.far.advance(7_200)
    desk.put(desk.flagged(people[4], desk.far.state.clock.now(), "unexpected_scraping"))
    assert states(desk.run()) == ["held"]
    told = [one.state for one in decisions_since(desk.place, 0)]
    assert (told.count("stopped"), told.count("held")) == (1, 3)
    with DecisionStore(desk.place) as store:
        assert len(store.release("E0ACME", Doer(name="ann"), "checked")) == 1
        assert store.release("E0ACME", Doer(name="ann")) == []
    assert states(desk.run()) == []  # what was held is left to people
    desk.put(desk.flagged(people[5], desk.far.state.clock.now(), "unexpected_scraping"))
    assert len(desk.run().decided) == 1
    assert desk.run().stopped is None


# failing -------------------------------------------------------------------------------------


def test_what_slack_refuses_is_written_down_and_left(desk: Any) -> None:
    """A token that may not do it fails loudly, once."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
    (failed,) = desk.run(token="xoxp-unknown").decided
    assert (failed.state, "does not know the token" in failed.why) == ("failed", True)
    assert desk.run().decided == []


def test_a_slack_that_is_not_reached_is_tried_again(desk: Any) -> None:
    """Before the call nothing is decided: the next run does it."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
    automatic = desk.automatic(base_url="http://127.0.0.1:9/")
    (waits,) = automatic.run().waiting
    assert "not reached" in waits.why
    assert len(automatic.run().waiting) == 1
    assert states(desk.run()) == ["done"]


def cutting(far: Any) -> Callable[[str, bytes], bytes]:
    """A way on which the answers to resets are lost."""

    def passing(method: str, body: bytes) -> bytes:
        far.cut = int(method == RESET)
        return body

    return passing


def test_a_cut_connection_is_unclear_and_never_repeated(desk: Any) -> None:
    """Slack did it and nobody was told: the decision says so, and the call is made once."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
    desk.far.rewrite = cutting(desk.far)
    (done,) = desk.run().decided
    assert done.state == "unclear"
    assert desk.run().decided == []
    assert desk.far.calls[RESET] == 1


_KILLED = """
import os, sys
from pathlib import Path
import sqlalchemy as sa
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.respond.automatic import Automatic
from gridtrail.settings import Settings

step, data, now, settings = sys.argv[1:]
steps = iter(range(int(step) + 1))

@sa.event.listens_for(sa.Engine, "commit")
def dying(connection):
    if next(steps) == int(step):
        os.kill(os.getpid(), 9)

settings = Settings.model_validate_json(settings)
Automatic(Lake(Path(data) / "lake", DuckDB(threads=1)), settings, clock=lambda: int(now)).run()
"""
"""Runs the automatic response in a process that is killed in its nth transaction that writes."""


def killed(desk: Any, step: int) -> bool:
    """Whether a run that dies in that transaction died."""
    given = desk.settings()
    plain = given.model_dump(mode="json")
    plain["respond"]["token"] = given.respond.token.get_secret_value()
    arguments = [str(step), str(desk.data), str(desk.far.state.clock.now())]
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, *arguments, orjson.dumps(plain).decode()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def test_killed_between_any_two_steps_it_calls_at_most_once(desk: Any) -> None:
    """The next run goes on where it surely did not call, and never calls where it may have."""
    # after it was decided, asked for, called, and answered
    outcomes = {1: (0, "done"), 3: (0, "done"), 5: (1, "unclear"), 6: (1, "done")}
    for person, (step, outcome) in zip(desk.active(4), outcomes.items(), strict=True):
        desk.far.calls.clear()
        desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
        assert killed(desk, step)
        before = desk.far.calls[RESET]
        desk.run()
        (decided,) = of(desk.decisions(), person.id)
        assert (before, decided.state) == outcome
        assert desk.far.calls[RESET] == 1
    assert desk.run().decided == []


def test_an_old_interruption_is_left_to_people(desk: Any) -> None:
    """What was to be done an hour ago is not done now; the decision says that it was not."""
    (person,) = desk.active(1)
    desk.put(desk.flagged(person, desk.far.state.clock.now(), "unexpected_scraping"))
    with DecisionStore(desk.place, clock=desk.far.state.clock.now) as store:
        with FindingStore(desk.place) as findings:
            (finding,) = findings.select()
        store.decide(
            Decision(
                "E0ACME", finding.id, person.id, "", "scraping", finding.event_ids[0], 0,
                "sign_out", "act", "acting", "", (), ("key-0",),
            )
        )  # fmt: skip
    desk.far.advance(3_600)
    (failed,) = desk.run().decided
    assert (failed.state, "interrupted" in failed.why) == ("failed", True)
    assert desk.far.calls[RESET] == 0
