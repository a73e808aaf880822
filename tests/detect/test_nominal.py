"""What thresholds are made for: whose word counts, from which day, and what evidence says of it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from gridtrail.detect import stage
from gridtrail.detect.budget import ABSOLUTE
from gridtrail.detect.cases import Act, Life, act_events
from gridtrail.detect.contract import Detector
from gridtrail.detect.nominal import FIXED, Change, check_budgets, nominals
from gridtrail.detect.run import DetectReport, detect
from gridtrail.detectors import all_detectors
from gridtrail.detectors.excessive_downloads import DETECTOR
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import BadSettings
from gridtrail.lake.lake import Lake
from gridtrail.settings import DetectSettings, Settings
from gridtrail.slack.reasons import REASONS

DOWNLOADS = "excessive_downloads"
DAY = stage.second_of(0)
FILE = DetectSettings(budgets={DOWNLOADS: 0.3})
PLAIN = DetectSettings()


def change(number: float, ident: str = "c1", **more: Any) -> Change:
    """A change of the threshold of downloads."""
    return Change(ident, DOWNLOADS, number, **more)


@pytest.mark.parametrize(
    ("settings", "changes", "expected"),
    [
        (PLAIN, [], (0.6, "default")),
        (FILE, [], (0.3, "settings")),
        (FILE, [change(0.1)], (0.1, "c1")),
        (FILE, [change(0.1, org="E0OTHER")], (0.3, "settings")),
        (PLAIN, [change(0.1, "all"), change(0.2, "ours", org="E0STAGE")], (0.2, "ours")),
        (PLAIN, [change(0.2, "ours", org="E0STAGE"), change(0.1, "all", since=DAY)], (0.2, "ours")),
        (PLAIN, [change(0.2, "b", since=DAY), change(0.1, "a", since=DAY - 86_400)], (0.2, "b")),
    ],
)
def test_whose_word_counts(
    settings: DetectSettings, changes: list[Change], expected: tuple[float, str]
) -> None:
    """A change for the organization goes before one for all, any before the settings, those before
    the share; of two changes the later one counts."""
    found = nominals([DETECTOR], settings, changes, "E0STAGE", DAY)[DOWNLOADS]
    assert found.per_1000_users_day == pytest.approx(expected[0])
    assert found.set_by == expected[1]
    assert found.times == pytest.approx(expected[0] / 0.6)


@pytest.mark.parametrize(
    ("since", "until", "holds"),
    [
        (None, None, True),
        (DAY, None, True),
        (DAY + 86_400, None, False),
        (None, DAY, False),
        (None, DAY + 86_400, True),
        (DAY, DAY, False),
    ],
)
def test_changes_hold_for_whole_days(since: int | None, until: int | None, holds: bool) -> None:
    """A change holds from its first day to the one before its last."""
    assert change(0.1, since=since, until=until).holds("E0STAGE", DAY) is holds


def test_the_share_is_exact() -> None:
    """Where nobody said anything the thresholds are those of the share, to the last bit; what does
    not follow from it has none."""
    found = nominals(all_detectors(), PLAIN, [], "E0STAGE", DAY)
    assert {one.times for one in found.values()} == {1.0}
    assert set(found) == {one.name for one in all_detectors()} - ABSOLUTE - FIXED


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("excessive_download", "did you mean excessive_downloads?"),
        ("nonsense", "choose one of excessive_downloads"),
        ("tor", "has no threshold"),
        ("unexpected_scraping", "detect.off"),
    ],
)
def test_what_cannot_have_a_number(name: str, says: str) -> None:
    """A name that is no detector, or one without such a threshold, is told with the next step;
    so is every name of Slack's that can, where only some detectors run."""
    with pytest.raises(BadSettings, match=f"detect.budgets.{name}.*{says}"):
        check_budgets({name: 1.0}, all_detectors())
    check_budgets(dict.fromkeys(set(REASONS) - ABSOLUTE - FIXED, 1.0), [])


@pytest.mark.parametrize("number", [0, 0.0009, 101, float("nan")])
def test_bounds(number: float) -> None:
    """Numbers that make no threshold are no settings."""
    with pytest.raises(ValidationError):
        DetectSettings(budgets={DOWNLOADS: number})


@pytest.mark.parametrize("detector", all_detectors(), ids=lambda one: one.name)
def test_fixed_are_those_that_do_not_ask(detector: Detector) -> None:
    """A detector either asks for its nominal rate, or is known not to."""
    parts = [type(detector), *(type(one) for one in vars(detector).values())]
    parts += [type(getattr(inspect.getmodule(type(detector)), "COUNTING", None))]
    sources = [inspect.getmodule(one) for part in parts for one in part.__mro__]
    texts = [inspect.getsource(one) for one in sources if one and "gridtrail" in one.__name__]
    asks = any("context.share_per_subject_day" in text for text in texts)
    assert asks is (detector.name not in FIXED | ABSOLUTE)


# the run ------------------------------------------------------------------------------------

LIFE = Life(people=3, days=5)
SECOND = 1
STRICT = Change("strict", DOWNLOADS, 0.1, since=stage.second_of(SECOND))

Run = Callable[..., DetectReport]


@pytest.fixture
def lake(new_lake: Callable[[], Lake]) -> Lake:
    """Ordinary days, and on two days after them somebody who takes many files."""
    lake = new_lake()
    raids = [
        Act(who, "file_downloaded", times=90, over="30m", at="14:00", day=day)
        for who, day in (("ben", 0), ("cleo", SECOND))
    ]
    stage.store(
        lake, [*LIFE.events(-LIFE.days, SECOND), *(e for r in raids for e in act_events(r, LIFE))]
    )
    return lake


@pytest.fixture
def run(engine: DuckDB, settings: Settings) -> Run:
    """Decides a lake up to a second."""

    def decide(lake: Lake, to: int = stage.second_of(SECOND + 1) - 1, **more: Any) -> DetectReport:
        now = to + settings.detect.settle_seconds
        return detect(lake, engine, settings, detectors=[DETECTOR], now=now, **more)

    return decide


def made_for(report: DetectReport) -> list[tuple[int, str, str]]:
    """Threshold, what it was made for and who said so, of each anomaly."""
    found = [json.loads(one.raw)["details"]["gridtrail"] for one in report.emitted]
    return [
        (
            one["threshold"],
            one["threshold_for"]["per_1000_users_day"],
            one["threshold_for"]["set_by"],
        )
        for one in found
    ]


def test_a_change_counts_from_its_day_on(lake: Lake, run: Run) -> None:
    """The day before is judged by the share; from its day on it is the change's, more files are
    asked for, and the anomaly says which."""
    before = made_for(run(lake, dry_run=True))
    after = made_for(run(lake, dry_run=True, changes=[STRICT]))
    assert [one[1:] for one in before] == [("0.6", "default")] * 2
    assert [one[1:] for one in after] == [("0.6", "default"), ("0.1", "strict")]
    assert after[0] == before[0]
    assert after[1][0] > before[1][0]


def test_one_run_and_many_agree_over_a_change(lake: Lake, run: Run) -> None:
    """Increments before, in and after the day of the change raise the same bytes as one run; a
    change that was taken back before its day was never there."""
    gone = Change(
        "gone", DOWNLOADS, 50.0, since=stage.second_of(SECOND), until=stage.second_of(SECOND)
    )
    whole = run(lake, dry_run=True, changes=[STRICT, gone])
    times = ((0, "09:00"), (0, "14:10"), (0, "23:00"), (1, "09:00"), (1, "14:10"), (1, "23:00"))
    parts = [run(lake, stage.second_of(*at), changes=[STRICT]) for at in times]
    raised = [one.raw for part in parts for one in part.emitted]
    assert sorted(set(raised)) == sorted(one.raw for one in whole.emitted)
    assert sum(part.stored for part in parts) == len(whole.emitted) == 2
