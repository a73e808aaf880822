"""The record of decisions: each once, in order, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gridtrail.errors import WrongUse
from gridtrail.respond.decisions import Decision, DecisionStore, decisions_since
from gridtrail.respond.guard import Deed, Limits, Verdict, Wanted, judge
from gridtrail.respond.responses import Asked, ResponseStore, State
from gridtrail.respond.trail import BRAKE_PULLED, Doer, Trail

NOW = 1_795_000_000
WANTED = Decision(
    "E0ACME", "F1", "W1", "Matt", "scraping", "anomaly-1", NOW, "sign_out", "act", "acting",
    "high, scraping_tool: unexpected_scraping.", (), ("key-0",),
)  # fmt: skip


def go(_deeds: Sequence[Deed], _stopped: bool) -> Verdict:
    """Always yes."""
    return Verdict("go")


def test_a_decision_is_made_once_and_told_when_it_is_settled(state_place: Path | str) -> None:
    """The second time it is known; readers wait for what is not settled, and miss nothing."""
    with DecisionStore(state_place, clock=lambda: NOW) as store, Trail(state_place) as trail:
        first = store.decide(WANTED, go)
        assert first is not None
        assert first.batches == ("key-0",)
        assert store.decide(WANTED, go) is None
        assert store.is_known(WANTED)
        second = store.decide(replace(WANTED, person="W2\0", state="excluded"))
        assert second is not None
        assert second.id > first.id
        assert (store.acting("E0ACME"), store.acting("E0OTHER")) == ([first], [])
        assert decisions_since(state_place, 0) == []
        assert trail.waits()
        done = store.settle(first, "done", "Slack did it.")
        assert done.why == f"{WANTED.why} Slack did it."
        assert store.settle(first, "failed", "late").state == "done"
        assert decisions_since(state_place, 0) == [done, second]
        assert decisions_since(state_place, done.id) == [second]
        assert store.select(person="W1") == [done]
        assert [one.id for one in store.select(limit=1)] == [second.id]
        with pytest.raises(WrongUse, match="no state 'doen'"):
            store.select(state="doen")


def test_the_brake_is_on_until_it_is_released(state_place: Path | str) -> None:
    """For each mode on its own; everybody is told of both."""
    record = replace(WANTED, mode="record", state="recorded")
    with DecisionStore(state_place, clock=lambda: NOW) as store:
        held = store.decide(record, lambda _deeds, _stopped: Verdict("brake", "Too many."))
        assert held is not None
        assert (held.state, held.batches) == ("held", ())
        assert store.brake("E0ACME") is None
        brake = store.brake("E0ACME", "record")
        assert brake is not None
        assert "Too many." in brake.why
        other = replace(record, person="W2")
        store.decide(other, lambda _, stopped: Verdict("held" if stopped else "go"))
        (released,) = store.release("E0ACME", Doer(name="ann"), "a drill")
        assert released.why == "Released by ann. a drill"
        assert store.brake("E0ACME", "record") is None
        told = [one.state for one in store.since(0)]
        assert told == ["stopped", "held", "held", "released"]


def test_a_person_puts_the_brake_on(state_place: Path | str) -> None:
    """At once and for both modes, once, with name and reason, in the trail too."""
    with DecisionStore(state_place, clock=lambda: NOW) as store, Trail(state_place) as trail:
        made = store.stop("E0ACME", Doer(name="ann"), "a drill")
        assert [(one.mode, one.why) for one in made] == [
            ("act", "Stopped by ann. a drill"),
            ("record", "Stopped by ann. a drill"),
        ]
        assert store.stop("E0ACME", Doer(name="bob")) == []
        assert store.brake("E0OTHER") is None
        held = store.decide(WANTED, lambda _, stopped: Verdict("held" if stopped else "go"))
        assert held is not None
        assert held.state == "held"
        told = [row for row in trail.waiting("E0ACME") if row["action"] == BRAKE_PULLED]
        assert [row["actor_name"] for row in told] == ["ann", "ann"]
        assert len(store.release("E0ACME", Doer(name="ann"))) == 2


def test_what_people_did_is_known(state_place: Path | str) -> None:
    """A signing out by hand counts once Slack was called, and what failed does not."""
    with DecisionStore(state_place) as store, ResponseStore(state_place) as responses:
        outcomes: dict[str, State | None] = {"a": None, "b": "failed", "c": "sent"}
        for key, state in outcomes.items():
            asked = Asked(
                "E0ACME", "reset", (("W1", "Matt"),), "mobile", None, f"ann {key}", "", None, key
            )
            responses.ask(asked, approval=False)
            if state is not None:
                responses.begin(key)
                responses.answered(key, state, "")
            else:
                responses.answered(key, "failed", "")
        (deed,) = store.deeds(WANTED)
    assert (deed.words, deed.scope, deed.automatic) == ("Signed out by ann c", "mobile", False)


def test_two_processes_never_pass_the_brake_together(state_place: Path | str) -> None:
    """Judging and keeping are one transaction: of many at once as many go as may."""
    limits = Limits(again=3_600, most_a_day=3, people_an_hour=3)

    def judged(person: str) -> None:
        def one(deeds: Sequence[Deed], stopped: bool) -> Verdict:
            return judge(
                Wanted(person, NOW), deeds, stopped=stopped, limits=limits, now=NOW,
                signed_in=lambda _: False,
            )  # fmt: skip

        with DecisionStore(state_place, clock=lambda: NOW) as store:
            store.decide(replace(WANTED, person=person, happened=NOW), one)

    threads = [threading.Thread(target=judged, args=(f"W{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with DecisionStore(state_place) as store:
        assert len(store.select(state="acting")) == 3
        assert len(store.select(state="held")) == 5
        assert len(store.select(state="stopped")) == 1
