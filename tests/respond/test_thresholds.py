"""Keeping thresholds that people put in force: who, why, from which day; nothing is forgotten."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from gridtrail.detect.state import Decided, Progress, write_progress
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.thresholds import (
    StoredThreshold,
    ThresholdStore,
    changes,
    draft,
    first_free,
    tomorrow,
)
from gridtrail.slack.reasons import REASONS

DAY = 86_400
NOW = 1_795_000_000
MIDNIGHT = NOW // DAY * DAY
DOWNLOADS = "excessive_downloads"


def made(number: float = 0.2, detector: str = DOWNLOADS, **more: Any) -> StoredThreshold:
    """A change of Ann's, from tomorrow on."""
    given: dict[str, Any] = {
        "names": REASONS, "org": "E0ACME", "since": MIDNIGHT + DAY, "by": "ann@acme.example",
        "reason": "too many", "origin": "console", "now": NOW,
    }  # fmt: skip
    return draft(detector, number, **given | more)


def test_a_change_comes_back_as_it_was_kept(state_place: Path | str) -> None:
    """Every field survives, in SQLite and PostgreSQL; detection gets the number with its days."""
    one = made()
    with ThresholdStore(state_place, clock=lambda: NOW) as kept:
        kept.put(one)
        assert kept.all() == [one]
    (change,) = changes(state_place)
    assert (change.id, change.detector, change.per_1000_users_day) == (one.id, DOWNLOADS, 0.2)
    assert not change.holds("E0ACME", MIDNIGHT)
    assert change.holds("E0ACME", MIDNIGHT + DAY)
    assert not change.holds("E0OTHER", MIDNIGHT + DAY)


def test_another_number_takes_its_place(tmp_path: Path) -> None:
    """One number holds on each day: the earlier change ends where the next begins, and one that
    was not in force yet never is. The same number again is refused."""
    place = tmp_path / "state.db"
    with ThresholdStore(place, clock=lambda: NOW) as kept:
        first = kept.put(made(0.2))
        with pytest.raises(WrongUse, match=r"0\.2 per 1,000 .* in force already, set by ann"):
            kept.put(made(0.2, since=MIDNIGHT + 9 * DAY))
        second = kept.put(made(0.1, since=MIDNIGHT + 3 * DAY, by="bob"))
        kept.put(made(0.3, org=None))
        kept.put(made(0.3, detector="ip_address"))
        third = kept.put(made(0.4, since=MIDNIGHT + 3 * DAY))
        by_id = {one.id: one for one in kept.all()}
    assert by_id[first.id].until == second.since
    assert (by_id[first.id].ended_by, by_id[first.id].ended_at) == ("bob", NOW)
    states = [by_id[one.id].state(MIDNIGHT + 3 * DAY) for one in (first, second, third)]
    assert states == ["ended", "taken back", "in force"]
    holding = [c.id for c in changes(place) if c.holds("E0ACME", MIDNIGHT + 2 * DAY)]
    assert first.id in holding
    assert second.id not in holding
    assert sum(one.open for one in by_id.values()) == 3


def test_what_is_taken_back_held_for_its_days(tmp_path: Path) -> None:
    """A change that is taken back ends with a day and stays readable; once is enough."""
    with ThresholdStore(tmp_path / "state.db", clock=lambda: NOW + 9) as kept:
        one = kept.put(made())
        with pytest.raises(WrongUse, match="No threshold that people set"):
            kept.end(DOWNLOADS, None, "bob", MIDNIGHT + 2 * DAY)
        ended = kept.end(DOWNLOADS, "E0ACME", "bob", MIDNIGHT + 2 * DAY)
        assert (ended.until, ended.ended_by, ended.ended_at) == (MIDNIGHT + 2 * DAY, "bob", NOW + 9)
        assert kept.all() == [ended]
        assert (ended.state(one.since), ended.state(one.since + DAY)) == ("in force", "ended")
        with pytest.raises(WrongUse, match="No threshold that people set"):
            kept.end(one.id, "E0ACME", "bob", MIDNIGHT)
        again = kept.put(made(since=MIDNIGHT + 5 * DAY))
        assert again.state(NOW) == "later"
        assert kept.end(again.id, None, "bob", MIDNIGHT).state(NOW) == "taken back"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"detector": "excessive_download"}, "did you mean excessive_downloads?"),
        ({"detector": "tor"}, "has no threshold"),
        ({"detector": "unexpected_scraping"}, "does not follow from a budget"),
        ({"number": 0.0}, "0.001 to 100"),
        ({"number": 100.1}, "0.001 to 100"),
        ({"number": float("nan")}, "0.001 to 100"),
        ({"reason": " \n"}, "Say why"),
    ],
)
def test_what_cannot_be(more: dict[str, Any], says: str) -> None:
    """What makes no threshold is refused with the next step."""
    with pytest.raises(WrongUse, match=says):
        made(**more)


def test_days_that_are_free(tmp_path: Path) -> None:
    """Tomorrow is free; so is every day after the last that is decided, of all organizations when
    the change is for all, and every day while nothing is."""
    assert tomorrow(MIDNIGHT) == tomorrow(MIDNIGHT + DAY - 1) == MIDNIGHT + DAY
    engine = DuckDB(threads=1)
    lake = Lake(tmp_path / "lake", engine)
    assert first_free(lake, "E0ACME") == 0
    for org, day in (("E0ACME", 3), ("E0OTHER", 8)):
        done = Decided(1, day * DAY + 5, False, frozenset())
        days = {dt.date(1970, 1, 1 + n): done for n in range(day, day + 2)}
        write_progress(lake, org, Progress(days))
    assert first_free(lake, "E0ACME") == 5 * DAY
    assert first_free(lake, "E0OTHER") == 10 * DAY
    engine.close()
