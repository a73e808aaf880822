"""session_fingerprint: what is said at the budget, and when alternating is a habit."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from gridtrail.detect.contract import DAY_SECONDS, DayContext
from gridtrail.detectors.session_fingerprint import (
    COMPUTERS,
    HABIT_DAYS,
    HABIT_SECONDS,
    PHONES,
    PRIORS,
    RARE_HABIT_DAYS,
    SHARE,
    habit_factor,
    spans_devices,
)
from gridtrail.settings import DetectSettings

TODAY = 20_000 * DAY_SECONDS
HONEST = ("common_version", "roaming", "newcomer", "familiar", "still_used", "flap")


def habit(days: int, since: int, name: str = "alternates", **more: Any) -> dict[str, Any]:
    """A candidate's row as far as habits go."""
    row = {"habit": name, "habit_days": days, "habit_since": TODAY - since}
    return {**row, "all_habit_days": days, "all_days": 2000, "active_days": 40, **more}


def test_the_budget() -> None:
    """Before anything is learned all that no honest person shows is said, and nothing else."""
    level = DetectSettings().budget_per_1000_users_day / 1000 * SHARE
    odd = {name: prior for name, prior in PRIORS.items() if name not in HONEST}

    assert sum(odd.values()) < level
    assert all(PRIORS[name] > level for name in HONEST)
    assert set(COMPUTERS) | set(PHONES) <= set(PRIORS)


def test_a_raid_makes_no_habit() -> None:
    """Two days, or days close together, change nothing; a third day three days later does."""
    assert habit_factor(habit(HABIT_DAYS - 1, 9 * DAY_SECONDS), TODAY) == 1
    assert habit_factor(habit(HABIT_DAYS, HABIT_SECONDS - 1), TODAY) == 1
    assert habit_factor(habit(HABIT_DAYS, HABIT_SECONDS), TODAY) > 1


def test_only_alternating_is_a_way_to_work() -> None:
    """A client that changes takes a week of days to count as a habit."""
    long_ago = 30 * DAY_SECONDS
    assert habit_factor(habit(RARE_HABIT_DAYS - 1, long_ago, "client_changed"), TODAY) == 1
    assert habit_factor(habit(RARE_HABIT_DAYS, long_ago, "client_changed"), TODAY) > 1


def test_a_split_tunnel_is_silenced() -> None:
    """Somebody who alternates daily, where others do not, is above the level by far."""
    level = DetectSettings().budget_per_1000_users_day / 1000 * SHARE
    assert (
        PRIORS["interleaved|hosted"] * habit_factor(habit(40, 60 * DAY_SECONDS), TODAY) > level / 4
    )
    assert PRIORS["interleaved"] * habit_factor(habit(20, 60 * DAY_SECONDS), TODAY) > level


@given(days=st.integers(0, 10_000), more=st.integers(0, 1000), all_days=st.integers(0, 10**7))
def test_more_days_never_make_it_rarer(days: int, more: int, all_days: int) -> None:
    """The factor is 1 or more and never falls while the person's own days grow."""
    base: dict[str, Any] = {"all_habit_days": 10, "all_days": all_days, "active_days": 11_000}
    one = habit_factor(habit(days, 90 * DAY_SECONDS, **base), TODAY)
    other = habit_factor(habit(days + more, 90 * DAY_SECONDS, **base), TODAY)
    assert 1 <= one <= other


def a_change(**more: Any) -> dict[str, Any]:
    """A candidate's row of two clients in one session, as far as custom goes."""
    row = {"category": "client_changed", "os": "iOS", "automated": False, "strange": False}
    return {**row, "crowd": 0, "people_changed": 8, "people_many": 40, **more}


def a_day(history_days: int) -> DayContext:
    """A day after so many days of log."""
    return DayContext(TODAY, history_days, DetectSettings(), lambda _: pa.table({}))


def test_where_sessions_span_devices_two_clients_in_one_are_no_sign() -> None:
    """One in five of those with several clients, and five people at least, make it the custom; a
    tool is odd all the same, and so is a strange place once places are known."""
    assert spans_devices(a_change(), a_day(30))
    assert not spans_devices(a_change(people_many=41), a_day(30))
    assert not spans_devices(a_change(people_changed=4, people_many=10), a_day(30))
    assert not spans_devices(a_change(automated=True), a_day(30))
    assert not spans_devices(a_change(os=""), a_day(30))
    assert not spans_devices(a_change(strange=True), a_day(30))
    assert spans_devices(a_change(strange=True), a_day(2))
    assert not spans_devices(a_change(category="used_after_end"), a_day(30))


def test_on_the_first_days_of_a_log_the_third_person_shows_the_custom() -> None:
    """Nothing is known of its sessions yet; later three on one day are three."""
    assert spans_devices(a_change(people_changed=0, crowd=2), a_day(0))
    assert not spans_devices(a_change(people_changed=0, crowd=1), a_day(0))
    assert not spans_devices(a_change(people_changed=0, crowd=2), a_day(3))
