"""What the pages of a person, an address, a session, an app and a file sum up."""

from __future__ import annotations

from typing import Any

import pytest

from gridtrail.lake.query import EventFilter
from gridtrail.server.console.entity import LOOK_BACK_DAYS, activity
from gridtrail.server.console.selecting import Selection
from gridtrail.settings import EnrichSettings

DAY = 86_400
WANTED = Selection(EventFilter(org="E0ACME"))


def _fill(data: Any, make_event: Any) -> None:
    """Ten events a day on five days in a row, each day with an action of its own."""
    data.fill(
        [
            make_event(f"e{day}-{n}", day * DAY + n, action=f"act_{day}")
            for day in range(5)
            for n in range(10)
        ]
    )


def test_everything_is_summed_up_where_it_is_little(data: Any, make_event: Any) -> None:
    """Lists are of all days of the look-back."""
    _fill(data, make_event)
    found = activity(data.lake, EnrichSettings(), WANTED)
    assert found is not None
    assert (found.events, found.days, found.summed_days) == (50, LOOK_BACK_DAYS, LOOK_BACK_DAYS)
    assert {row["value"]: row["events"] for row in found.actions} == {
        f"act_{day}": 10 for day in range(5)
    }
    assert sum(found.by_hour.values()) == 50


@pytest.mark.parametrize(("most", "days"), [(49, 4), (40, 4), (25, 2), (10, 1), (3, 1)])
def test_of_very_much_the_newest_days_are_summed_up(
    data: Any, make_event: Any, most: int, days: int
) -> None:
    """All events are counted, day by day; lists and hours are of the newest whole days."""
    _fill(data, make_event)
    found = activity(data.lake, EnrichSettings(), WANTED, most_summed=most)
    assert found is not None
    assert (found.events, found.summed_days) == (50, days)
    assert sorted(events for events, _ in found.by_day.values()) == [10] * 5
    assert sum(found.by_hour.values()) == 10 * days
    newest = {f"act_{day}" for day in range(5 - days, 5)}
    assert {row["value"] for row in found.actions} == newest
    assert sum(row["events"] for row in found.addresses) == 10 * days


@pytest.mark.parametrize("most", [1, 1_000], ids=["counted first", "read in one go"])
def test_the_newest_anomalies_are_shown(data: Any, make_event: Any, most: int) -> None:
    """The newest anomalies stand first, of however many days, and each day's are counted."""
    data.fill(
        [
            make_event(f"a{day}-{n}", day * DAY + n, action="anomaly")
            for day in (1, 4, 9)
            for n in range(9)
        ]
        + [make_event(f"e{day}", day * DAY + 50) for day in range(10)]
    )
    found = activity(data.lake, EnrichSettings(), WANTED, most_summed=most)
    assert found is not None
    counted = [found.by_day[day] for day in sorted(found.by_day)]
    assert counted == [(10, 9) if day in (1, 4, 9) else (1, 0) for day in range(10)]
    every = [f"a{day}-{n}" for day in (9, 4, 1) for n in range(8, -1, -1)]
    assert [one.row["id"] for one in found.anomalies] == every[:20]


def test_older_than_the_look_back_is_left_out(data: Any, make_event: Any) -> None:
    """What happened more than the look-back before the newest event counts nowhere."""
    data.fill([make_event("old", 0), make_event("new", (LOOK_BACK_DAYS + 1) * DAY)])
    found = activity(data.lake, EnrichSettings(), WANTED)
    assert found is not None
    assert found.events == sum(found.by_hour.values()) == 1


def test_nothing_is_known_of_nobody(data: Any) -> None:
    """Without an event there is no activity."""
    assert activity(data.lake, EnrichSettings(), WANTED) is None
