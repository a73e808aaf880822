from __future__ import annotations

import pytest

from gridtrail.sandbox.event_text import fields_of, session_of
from gridtrail.sandbox.life import Row
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.render import body, context_piece
from gridtrail.sandbox.sessions import SIGN_IN_LEAD, Sessions, kind_of
from gridtrail.sandbox.world import World

THIEF = 4


@pytest.fixture
def person(world: World) -> Person:
    """Somebody with a computer and a phone who is there all the time."""
    return next(
        one
        for one in world.people[5:]
        if one.device("desktop") and one.device("phone") and one.joined is one.left is None
    )


def row(world: World, person: Person, session: int, second: int, tag: int = -1,
        action: str = "file_shared") -> Row:  # fmt: skip
    context = context_piece(world.location(person), "x", "203.0.113.9", session)
    return Row(second, body(action, person.actor, person.actor, context), tag)


def test_an_ended_session_is_signed_in_again_once(world: World, person: Person) -> None:
    """After the end there is one sign-in, then everything in the new session."""
    sessions, noon = Sessions(world), world.plan.start + 100_000
    old = person.devices[0].session_at(noon)
    sessions.end([old], noon)
    rows = [row(world, person, old, noon + step) for step in (-5, 0, 60, 90)]
    made = sessions.rework(rows)
    assert [one.second - noon for one in made] == [-5, 0, 60 - SIGN_IN_LEAD, 60, 90]
    assert fields_of(made[2].body).action == "user_login"
    new = session_of(made[2].body)
    assert [session_of(one.body) for one in made] == [old, old, new, new, new]
    assert new != old


def test_a_second_end_gives_a_third_session(world: World, person: Person) -> None:
    """Ended again, what waits in the second session goes on in a third after another sign-in."""
    sessions, noon = Sessions(world), world.plan.start + 100_000
    old = person.devices[0].session_at(noon)
    sessions.end([old], noon)
    made = sessions.rework([row(world, person, old, noon + step) for step in (60, 600)])
    second = session_of(made[-1].body)
    assert second is not None
    sessions.end([second], noon + 300)
    again = sessions.rework(made)
    third = session_of(again[-1].body)
    assert len({old, second, third}) == 3
    assert [fields_of(one.body).action for one in again].count("user_login") == 2
    assert [session_of(one.body) for one in again if one.second < noon + 300] == [second, second]


def test_thieves_and_strangers_do_not_come_back(world: World, person: Person) -> None:
    """A story that holds the cookie ends, later too, and so does a session from elsewhere."""
    sessions, noon = Sessions(world, [THIEF]), world.plan.start + 100_000
    old, strange = person.devices[0].session_at(noon), 9_999_999_999_999
    sessions.end([old, strange], noon)
    other = person.devices[-1].session_at(noon)
    assert sessions.rework([row(world, person, old, noon + 9, THIEF)]) == []
    assert sessions.rework([row(world, person, other, noon + 99, THIEF)]) == []
    assert sessions.rework([row(world, person, strange, noon + 9)]) == []
    assert len(sessions.rework([row(world, person, strange, noon - 9)])) == 1


def test_nobody_signs_out_of_an_ended_session(world: World, person: Person) -> None:
    """A sign-out that life had drawn is left out: there is nothing to sign out of."""
    sessions, noon = Sessions(world), world.plan.start + 100_000
    old = person.devices[0].session_at(noon)
    sessions.end([old], noon)
    assert sessions.rework([row(world, person, old, noon + 9, action="user_logout")]) == []


def test_active_sessions_are_those_of_the_devices(world: World, person: Person) -> None:
    """One for each device until it ends; a strange one while it is in use; none after leaving."""
    sessions, noon = Sessions(world), world.plan.start + 100_000
    assert {one.session for one in sessions.active(person, noon)} == {
        device.session_at(noon) for device in person.devices
    }
    strange = row(world, person, 9_999_999_999_999, noon)
    sessions.see(noon, fields_of(strange.body))
    assert len(sessions.active(person, noon)) == len(person.devices) + 1
    assert len(sessions.active(person, noon + 15 * 86_400)) == len(person.devices)
    person.left = world.first
    assert sessions.active(person, noon) == []


def test_phones_are_mobile() -> None:
    """Slack's phone apps are mobile, everything else is web."""
    assert kind_of("com.tinyspeck.chatlyio\\/26.1 (iPhone)") == "mobile"
    assert kind_of("slack\\/26.1 (samsung)") == "mobile"
    assert kind_of("Mozilla\\/5.0 Slack_SSB\\/4.46") == "web"
