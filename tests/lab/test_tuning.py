from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from gridtrail.detectors import all_detectors
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lab.evaluate import chosen
from gridtrail.lab.tuning import BOTH, ONLY_IN_FORCE, ONLY_TRIED, Tried, Tuning, tune
from gridtrail.lake.lake import Lake

if TYPE_CHECKING:
    from tests.lab.conftest import Trial

NOW = 1_800_000_000
FIRST = date(2026, 11, 18)
ONLY = ("tor", "unexpected_scraping")


def tuned(lake: Lake, trial: Trial, reason: str = "unexpected_scraping", **more: Any) -> Tuning:
    return tune(
        lake, lake.engine, trial.settings, reason, detectors=all_detectors(), now=NOW, **more
    )


@pytest.fixture(scope="module")
def same(trial: Trial) -> Tuning:
    """Scraping with nothing changed; the lake holds as many events afterwards as before."""
    engine = DuckDB(threads=1)
    lake = Lake(trial.settings.data / "lake", engine)
    before = lake.day_counts("E0LAB")
    found = tuned(lake, trial, first=FIRST)
    assert lake.day_counts("E0LAB") == before
    engine.close()
    return found


@pytest.fixture(scope="module")
def loose(trial: Trial) -> Tuning:
    """Downloads with a huge budget: everything above the floors."""
    engine = DuckDB(threads=1)
    found = tuned(Lake(trial.settings.data / "lake", engine), trial, "excessive_downloads",
                  budget=5000.0, first=FIRST, last=date(2026, 11, 20))  # fmt: skip
    engine.close()
    return found


def test_in_force_is_what_was_raised(same: Tuning, trial: Trial) -> None:
    """Without a change both runs raise what detection raised in those days; nothing is written."""
    ours = {one.id for one in trial.outcome.anomalies if one.detector == "unexpected_scraping"}
    assert {one.emitted.id for one in same.anomalies} == ours != set()
    assert {one.raised_by for one in same.anomalies} == {BOTH}
    assert same.budget_tried == same.budget_in_force == pytest.approx(0.15)


def test_trying_begins_with_the_snapshots_of_detection(same: Tuning, trial: Trial) -> None:
    """The days before the period are not decided again where detection left a snapshot, and the
    same is raised."""
    steps: list[str] = []
    engine = DuckDB(threads=1)
    found = tune(
        Lake(trial.settings.data / "lake", engine), engine, trial.settings, "unexpected_scraping",
        detectors=chosen(ONLY), now=NOW, first=FIRST,
        on_progress=lambda text, _done, _days: steps.append(text),
    )  # fmt: skip
    engine.close()
    decided = sorted({text for text in steps if text.startswith("deciding")})
    assert decided[0] >= "deciding 2026-11-12"
    assert found.anomalies == same.anomalies


def test_a_threshold_changes_what_is_raised(loose: Tuning) -> None:
    """A huge budget raises more than the one in force, the difference is named; only what lies in
    the period is shown, and each of its days has a row."""
    assert loose.tried > loose.in_force
    words = {one.raised_by for one in loose.anomalies}
    assert ONLY_TRIED in words
    assert loose.budget_in_force == pytest.approx(0.6)
    assert loose.budget_tried == pytest.approx(600)
    assert all(FIRST <= one.day <= loose.last for one in loose.anomalies)
    assert [row["day"] for row in loose.by_day()] == ["2026-11-18", "2026-11-19", "2026-11-20"]


@pytest.mark.parametrize(
    ("reason", "more", "says"),
    [
        ("tor", {}, "has no threshold"),
        ("matt", {}, "There is no detector 'matt': choose one of excessive_downloads"),
        ("ip_address", {"share": 0.0}, "above 0 and at most 1"),
        ("ip_address", {"share": 1.5}, "above 0 and at most 1"),
        ("ip_address", {"budget": 0.0}, "above 0"),
        ("ip_address", {"budget": 1.0, "share": 0.1}, "not both"),
        ("ip_address", {"first": date(2026, 11, 2), "last": date(2026, 11, 1)}, "before it begins"),
    ],
)
def test_what_cannot_be_tried(
    lake: Lake, trial: Trial, reason: str, more: dict[str, Any], says: str
) -> None:
    """What has no threshold, or cannot be one, is refused with what to do."""
    with pytest.raises(WrongUse, match=says):
        tuned(lake, trial, reason, **more)


def test_days_and_people_are_counted(same: Tuning) -> None:
    """By day and by person: how many each raises, and the difference."""
    found = same
    one = found.anomalies[0]
    more = Tuning(
        found.reason, found.first, found.last, 1.0, 2.0,
        [one, Tried("E0LAB", ONLY_TRIED, one.emitted), Tried("E0LAB", ONLY_IN_FORCE, one.emitted)],
    )  # fmt: skip
    assert (more.in_force, more.tried) == (2, 2)
    assert more.by_person() == [
        {"org": "E0LAB", "subject": one.emitted.subject, "in_force": 2, "tried": 2,
         "difference": 0, "days": 1}
    ]  # fmt: skip
    busy = [row for row in more.by_day() if row["in_force"]]
    assert busy == [
        {"day": one.day.isoformat(), "in_force": 2, "tried": 2, "difference": 0, "people": 1}
    ]
    assert len(more.by_day()) == 3
