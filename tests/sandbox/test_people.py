from __future__ import annotations

from collections import Counter

import pytest

from gridtrail.sandbox.chance import dice
from gridtrail.sandbox.people import Device, Names, ascii_word, new_session_id
from gridtrail.sandbox.plan import Plan
from gridtrail.sandbox.world import build_world


@pytest.mark.parametrize(
    ("name", "word"), [("Zoë", "zoe"), ("Łukasz", "lukasz"), ("Søren", "soren")]
)
def test_addresses_are_ascii(name: str, word: str) -> None:
    """Letters with marks become plain ones in an e-mail address."""
    assert ascii_word(name) == word


def test_no_name_is_given_twice() -> None:
    """Thousands of people get addresses of their own."""
    names = Names(dice(1))
    locals_ = [names.take()[1] for _ in range(9_000)]
    assert len(set(locals_)) == len(locals_)


def test_devices_are_owned_as_often_as_in_reality() -> None:
    """About 95 % of members have a desktop, 85 % a phone, 40 % a browser; ids are never shared."""
    world = build_world(Plan(seed=1, people=600, days=10))
    members = [person for person in world.people if person.company is None]
    kinds = Counter(device.kind for person in members for device in person.devices)
    assert 0.91 < kinds["desktop"] / len(members) < 0.98
    assert 0.80 < kinds["phone"] / len(members) < 0.90
    assert 0.35 < kinds["browser"] / len(members) < 0.48
    sessions = [s for person in world.people for device in person.devices for s in device.sessions]
    assert len(set(sessions)) == len(sessions)
    assert all(10**11 <= session < 10**14 for session in sessions)
    assert new_session_id(1, 2) not in sessions


def test_a_device_shows_what_holds_at_the_time() -> None:
    """Agent and session are those of the latest change; a story's tag fades after 3 days."""
    device = Device("desktop", "macos", [0, 1_000], ["old", "new"], [-1, 4], [0, 500], [11, 22])
    assert device.agent_at(-5) == ("old", -1)
    assert device.agent_at(999) == ("old", -1)
    assert device.agent_at(1_000) == ("new", 4)
    assert device.agent_at(1_000 + 4 * 86_400) == ("new", -1)
    assert (device.session_at(499), device.session_at(500)) == (11, 22)
