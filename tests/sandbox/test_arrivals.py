from __future__ import annotations

from gridtrail.sandbox.arrivals import SERVED_FAULTS, Outage, arrivals
from gridtrail.sandbox.plan import Faults
from gridtrail.sandbox.writing import uuids

IDS = uuids(5, 20_000, "arrivals")


def test_without_faults_events_are_there_at_once() -> None:
    """The arrival is the second of the event."""
    assert arrivals(1, Faults(), IDS[0], 1_000) == [1_000]


def test_most_are_seconds_late_and_some_minutes() -> None:
    """With faults half come within seconds, the late within a quarter of an hour, few twice."""
    found = [arrivals(1, SERVED_FAULTS, one, 1_000) for one in IDS]
    delays = sorted(one[0] - 1_000 for one in found)
    assert delays[0] >= 0
    assert delays[len(delays) // 2] <= 5
    late = [delay for delay in delays if delay >= 60]
    assert 0.015 < len(late) / len(delays) < 0.025
    assert delays[-1] <= 900
    twice = [one for one in found if len(one) == 2]
    assert 0.001 < len(twice) / len(found) < 0.004


def test_the_same_event_is_always_as_late() -> None:
    """Lateness is a matter of the event, not of when it is asked for."""
    first = [arrivals(1, SERVED_FAULTS, one, 1_000) for one in IDS[:500]]
    assert first == [arrivals(1, SERVED_FAULTS, one, 1_000) for one in IDS[:500]]


def test_an_outage_catches_up_in_order() -> None:
    """All is late until the end, and there within a twelfth of its length, in order."""
    outage = Outage(10_000, 17_200, 3)
    assert not outage.covers(9_999)
    assert not outage.covers(17_200)
    times = [outage.arrival(second) for second in range(10_000, 17_200, 60)]
    assert times == sorted(times)
    assert times[0] == 17_200
    assert times[-1] <= 17_200 + 600
