from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from gridtrail.sandbox.plan import Faults, Plan
from gridtrail.sandbox.writing import uuids

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization


def test_ids_are_uuids_of_their_stream() -> None:
    """A longer stream begins like a shorter one, and every id is a version-4 UUID."""
    assert uuids(1, 3, "a") == uuids(1, 10, "a")[:3]
    assert not set(uuids(1, 50, "a")) & set(uuids(1, 50, "b"))
    made = [uuid.UUID(text) for text in uuids(2, 200, "a")]
    assert {one.version for one in made} == {4}
    assert {one.variant for one in made} == {uuid.RFC_4122}


def test_faults_damage_the_shares_that_were_asked(make: Callable[[Plan], Organization]) -> None:
    """Late events stand out of order, duplicates keep their id, sessions and addresses lack."""
    faults = Faults(late=0.1, duplicate=0.05, no_session=0.1, no_address=0.1)
    plain = make(Plan(seed=8, people=60, days=7))
    faulty = make(Plan(seed=8, people=60, days=7, faults=faults))
    ids = Counter(event["id"] for event in faulty.events)
    assert set(ids) == {event["id"] for event in plain.events}
    assert 0.03 < sum(count - 1 for count in ids.values()) / len(ids) < 0.07
    times = [event["date_create"] for event in faulty.events]
    backwards = [before - after for before, after in itertools.pairwise(times)]
    assert 0 < max(backwards) <= 900
    people = [event for event in faulty.events if "app" not in event["context"]]
    for key, empty in (("session_id", None), ("ip_address", "")):
        missing = sum(event["context"][key] == empty for event in people) / len(people)
        assert 0.04 < missing < 0.2, key
    unharmed = [event for event in plain.events if event["context"]["ip_address"] == ""]
    assert unharmed == []
