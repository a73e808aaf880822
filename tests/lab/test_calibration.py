from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gridtrail.detect.nominal import Change
from gridtrail.detect.state import midnight
from gridtrail.lab.calibration import (
    calibrate,
    judged,
    judged_all,
    measured,
    read_alarms,
)
from gridtrail.lab.evaluate import chosen
from gridtrail.lab.outcome import Rate
from gridtrail.lake.lake import Lake

if TYPE_CHECKING:
    from tests.lab.conftest import Trial

LAST = date(2026, 11, 20)


def test_alarms_are_read_with_what_decided_them(trial: Trial, lake: Lake) -> None:
    """Every anomaly in the lake is an alarm with its subject and events; silenced ones too."""
    alarms = read_alarms(lake, lake.engine, "E0LAB")
    loud = Counter(one.detector for one in trial.outcome.anomalies)
    assert all(Counter(one.detector for one in alarms)[name] >= loud[name] for name in loud)
    assert len(alarms) > sum(loud.values())  # repetitions are silenced
    planted = {event for story in trial.truth for event in story["event_ids"]}
    assert all(planted.intersection(one.event_ids) for one in alarms)


def test_subject_days_are_counted_as_by_hand(lake: Lake, trial: Trial) -> None:
    """Active subject-days by stratum are those that a count by hand finds, from day 15 on."""
    lake.events_view("_all", org="E0LAB")
    rows = lake.engine.rows(
        "SELECT DISTINCT coalesce(app_id, actor_id) AS subject, day, "
        "app_id IS NOT NULL OR actor_email LIKE 'botuser-%' AS app FROM _all "
        "WHERE action <> 'anomaly'"
    )
    first: dict[str, date] = {}
    for row in sorted(rows.to_pylist(), key=lambda row: row["day"]):
        first.setdefault(row["subject"], row["day"])
    start = min(first.values()) + timedelta(days=14)
    late = [row for row in rows.to_pylist() if row["day"] >= start]
    rates = measured(
        lake, lake.engine, trial.settings, detectors=chosen(["unexpected_scraping"]), org="E0LAB"
    )
    by_stratum = {one.stratum: one.subject_days for one in rates}
    assert sum(by_stratum.values()) == len(late) > 0
    assert by_stratum["app"] == sum(
        row["app"] and row["day"] - first[row["subject"]] >= timedelta(0) for row in late
    )
    assert by_stratum["new"] == sum(
        not row["app"] and row["day"] - first[row["subject"]] < timedelta(days=14) for row in late
    )
    assert by_stratum["member"] > by_stratum["admin"] >= 0


def test_nominal_is_the_share_of_the_budget(lake: Lake, trial: Trial) -> None:
    """The nominal number follows the share: between it and four times it per active day."""
    (detector,) = chosen(["unexpected_scraping"])
    rates = measured(lake, lake.engine, trial.settings, detectors=[detector], org="E0LAB")
    for one in rates:
        least = 5 / 1000 * detector.share * one.subject_days
        assert least <= one.nominal <= 4 * least


def test_nominal_is_what_held_on_each_day(lake: Lake, trial: Trial) -> None:
    """A number of its own takes the share's place, from the day on that it holds."""
    (detector,) = chosen(["ip_address"])
    since = midnight(date(2026, 11, 20))
    change = Change("c", "ip_address", 12.5, "E0LAB", since)  # ten times the share

    def nominal(**more: Any) -> float:
        rates = measured(lake, lake.engine, trial.settings, detectors=[detector], org="E0LAB",
                         **more)  # fmt: skip
        return sum(one.nominal for one in rates)

    before, last = nominal(latest=date(2026, 11, 19)), nominal(oldest=date(2026, 11, 20))
    assert last > 0
    assert nominal(changes=[change]) == pytest.approx(before + 10 * last)


def test_attacks_can_be_left_out_and_days_chosen(lake: Lake, trial: Trial) -> None:
    """Alarms on the attack's day are realised, unless they are said not to count; other days have
    none; what has no nominal rate has no line."""
    detectors = chosen(["tor", "unexpected_scraping"])

    def realised(**more: object) -> dict[str, int]:
        rates = measured(
            lake, lake.engine, trial.settings, detectors=detectors, org="E0LAB",
            **more,  # type: ignore[arg-type]
        )  # fmt: skip
        total: Counter[str] = Counter()
        for one in rates:
            total[one.detector] += one.realised
        return dict(total)

    assert realised() == {"unexpected_scraping": 1}
    assert realised(counts=lambda _alarm: False) == {"unexpected_scraping": 0}
    assert realised(latest=LAST - timedelta(days=1)) == {"unexpected_scraping": 0}
    assert realised(oldest=LAST) == {"unexpected_scraping": 1}


def test_lines_of_a_log(lake: Lake, trial: Trial) -> None:
    """On a short log every line says that there is too little data, and what would do."""
    lines = calibrate(
        lake, lake.engine, trial.settings, detectors=chosen(["unexpected_scraping"]), org="E0LAB",
        latest=LAST - timedelta(days=1),
    )  # fmt: skip
    assert [one.rate.stratum for one in lines] == ["member", "guest", "admin", "new", "all"]
    assert all(one.ratio is None for one in lines)
    assert "too little data: " in lines[-1].note


@pytest.mark.parametrize(
    ("nominal", "realised", "ratio", "note"),
    [
        (10.0, 9, 0.9, "as it says"),
        (10.0, 30, 3.0, "alarms more often than it says"),
        (100.0, 30, 0.3, "alarms less often than it may"),
        (0.5, 0, None, "too little data: 6 times as much would tell"),
        (0.1, 4, 40.0, "alarms more often than it says"),
        (0.0, 0, None, "nobody of these is in the log"),
    ],
)
def test_what_a_ratio_means(nominal: float, realised: int, ratio: float | None, note: str) -> None:
    """A ratio is judged by its interval: too many are told also where little is known."""
    found = judged(Rate("x", "member", nominal, realised, 100))
    assert (found.ratio, found.note) == (ratio, note)


def test_organizations_are_summed_and_strangers_left_out() -> None:
    """Lines of organizations are summed; apps are no stratum of a detector of people, unless it
    alarmed there."""
    one = [
        Rate("user_agent", "member", 2.0, 1, 100), Rate("user_agent", "app", 9.0, 0, 50),
        Rate("ip_address", "app", 1.0, 0, 50), Rate("unexpected_api_call_volume", "app", 1.0, 2, 5),
    ]  # fmt: skip
    found = {(c.rate.detector, c.rate.stratum): c.rate for c in judged_all([*one, *one])}
    assert found["user_agent", "member"] == Rate("user_agent", "member", 4.0, 2, 200)
    assert ("user_agent", "app") not in found
    assert found["user_agent", "all"].nominal == 4.0
    assert found["ip_address", "app"].nominal == 2.0
    assert found["unexpected_api_call_volume", "app"].realised == 4
