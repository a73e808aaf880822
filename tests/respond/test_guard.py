"""Not twice, not in a loop, not to crowds: whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gridtrail.respond.guard import DAY, HOUR, SKEW_SECONDS, Deed, Limits, Wanted, judge

LIMITS = Limits(again=HOUR, most_a_day=3, people_an_hour=2)
DEED = Deed("W1", 1_000, "Somebody did it")


def verdict(wanted: Wanted, *deeds: Deed, now: int = 2_000, **more: Any) -> str:
    """The state of the verdict."""
    given: dict[str, Any] = {"stopped": False, "limits": LIMITS}
    given |= {"signed_in": lambda _after: False} | more
    return judge(wanted, deeds, now=now, **given).state


@pytest.mark.parametrize(
    ("deed", "wanted", "covers"),
    [
        (DEED, Wanted("W1", 1_000), True),
        (DEED, Wanted("W1", 1_000 + SKEW_SECONDS), True),
        (DEED, Wanted("W1", 1_001 + SKEW_SECONDS), False),
        (DEED, Wanted("W2", 1_000), False),
        (DEED, Wanted("W1", 1_000, "mobile"), True),
        (DEED, Wanted("W1", 1_000, "sessions", frozenset("7")), True),
        (replace(DEED, scope="mobile"), Wanted("W1", 1_000), False),
        (replace(DEED, scope="mobile"), Wanted("W1", 1_000, "mobile"), True),
        (replace(DEED, scope="web"), Wanted("W1", 1_000, "mobile"), False),
        (replace(DEED, scope="web"), Wanted("W1", 1_000, "sessions", frozenset("7")), False),
        (
            replace(DEED, scope="sessions", sessions=frozenset("78")),
            Wanted("W1", 1_000, "sessions", frozenset("7")),
            True,
        ),
        (
            replace(DEED, scope="sessions", sessions=frozenset("8")),
            Wanted("W1", 1_000, "sessions", frozenset("7")),
            False,
        ),
    ],
)
def test_what_answers_a_cause(deed: Deed, wanted: Wanted, covers: bool) -> None:
    """A signing out of all that is wanted, after it happened, by whomever."""
    assert (verdict(wanted, deed) == "answered") is covers


def test_people_are_no_loop_and_no_crowd() -> None:
    """What people did by hand neither guards nor brakes."""
    by_hand = [replace(DEED, person=f"W{n}", at=1_990) for n in range(1, 9)]
    assert verdict(Wanted("W1", 2_100), *by_hand, now=2_100) == "go"


def test_an_hour_and_a_day_end() -> None:
    """At the second when the time is over one may again."""
    done = replace(DEED, automatic=True)
    later = Wanted("W1", 1_000 + HOUR)
    assert verdict(later, done, now=999 + HOUR) == "guarded"
    assert verdict(later, done, now=1_000 + HOUR) == "go"
    assert verdict(later, done, now=999 + HOUR, signed_in=lambda after: after == 1_000) == "go"
    three = [replace(done, at=1_000 + n) for n in range(3)]
    late = Wanted("W1", 1_000 + DAY)
    assert verdict(late, *three, now=999 + DAY, signed_in=lambda _: True) == "guarded"
    assert verdict(late, *three, now=1_000 + DAY) == "go"
    others = [replace(done, person="W2"), replace(done, person="W3")]
    assert verdict(later, *others, now=999 + HOUR) == "brake"
    assert verdict(later, *others, now=999 + HOUR, stopped=True) == "held"
    assert verdict(later, *others, now=1_000 + HOUR) == "go"


class Responding(RuleBasedStateMachine):
    """People misbehave, sign in anew, are signed out by hand; an admin releases the brake."""

    @initialize()
    def begin(self) -> None:
        """Nothing was done yet."""
        self.now = 10 * DAY
        self.deeds: list[Deed] = []
        self.logins: dict[str, int] = {}
        self.stopped = False

    @rule(seconds=st.sampled_from([1, 59, 61, 600, 1_800, HOUR - 1, HOUR, 5 * HOUR, DAY]))
    def wait(self, seconds: int) -> None:
        """Time goes on."""
        self.now += seconds

    @rule(person=st.sampled_from("ABCD"))
    def sign_in(self, person: str) -> None:
        """Somebody signs in."""
        self.logins[person] = self.now

    @rule(person=st.sampled_from("ABCD"))
    def by_hand(self, person: str) -> None:
        """Somebody is signed out by an administrator."""
        self.deeds.append(Deed(person, self.now, "By hand"))

    @rule()
    def release(self) -> None:
        """An administrator releases the brake."""
        self.stopped = False

    @rule(person=st.sampled_from("ABCD"), age=st.sampled_from([0, 30, 300, 4_000]))
    def misbehave(self, person: str, age: int) -> None:
        """A rule wants somebody signed out for what they did some seconds ago."""
        wanted = Wanted(person, self.now - age)
        login = self.logins.get(person, 0)
        found = judge(
            wanted,
            self.deeds,
            stopped=self.stopped,
            limits=LIMITS,
            now=self.now,
            signed_in=lambda after: after < login <= wanted.happened,
        )
        mine = [one for one in self.deeds if one.person == person]
        if any(one.at >= wanted.happened for one in mine):
            assert found.state == "answered"
        if self.stopped:
            assert found.state != "go"
        if not mine and not self.stopped and not self._lately():
            assert found.state == "go"
        if found.state == "brake":
            self.stopped = True
        if found.state == "go":
            self.deeds.append(Deed(person, self.now, "Automatic", automatic=True))

    def _lately(self) -> set[str]:
        return {one.person for one in self.deeds if one.automatic and one.at > self.now - HOUR}

    @invariant()
    def never_too_many_people(self) -> None:
        """Within any hour at most so many people were signed out automatically."""
        for one in self._automatic():
            within = {o.person for o in self._automatic() if one.at - HOUR < o.at <= one.at}
            assert len(within) <= LIMITS.people_an_hour

    @invariant()
    def never_too_often(self) -> None:
        """Within any day at most so often; within an hour only after signing in anew."""
        for one in self._automatic():
            mine = [o for o in self._automatic() if o.person == one.person]
            assert sum(one.at - DAY < o.at <= one.at for o in mine) <= LIMITS.most_a_day

    def _automatic(self) -> list[Deed]:
        return [one for one in getattr(self, "deeds", []) if one.automatic]


TestResponding = Responding.TestCase
TestResponding.settings = settings(max_examples=60, stateful_step_count=40)
