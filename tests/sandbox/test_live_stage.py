from __future__ import annotations

from gridtrail.sandbox.clock import DAY, weekday
from gridtrail.sandbox.live_stage import LEAD, LiveStage
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.staging import Stage


def test_days_go_forward_from_today(stage: Stage) -> None:
    """The first day is today whatever day it is, the others are working days to come."""
    now = stage.world.plan.start + 9 * DAY + 50_000
    live = LiveStage(stage, now, now // DAY + 2)
    person = stage.world.people[0]
    days = live.workdays(person, now // DAY, 4)
    assert days[0] in (now // DAY - 1, now // DAY, now // DAY + 1)
    assert days == sorted(set(days))
    assert len(days) == 4
    assert all(weekday(day) < 5 for day in days[1:])


def test_today_means_now(stage: Stage) -> None:
    """Hours of today count from the first one asked for; later days have their own hours."""
    now = stage.world.plan.start + 9 * DAY + 50_000
    live = LiveStage(stage, now, now // DAY + 2)
    person = stage.world.people[0]
    today, tomorrow = live.workdays(person, now // DAY, 2)
    assert live.second(person, today, 14.0) == now + LEAD
    assert live.second(person, today, 15.0) == now + LEAD + 3_600
    assert live.second(person, today, 9.0) == now + LEAD
    assert live.second(person, tomorrow, 9.0) == stage.second(person, tomorrow, 9.0)
    assert live.utc(now // DAY, 3) == now + LEAD
    assert live.days_before(today, 10) == []


def test_changes_of_the_world_wait_for_an_undrawn_day(stage: Stage) -> None:
    """They last so many days from the first day not drawn; other stories are today's."""
    now = stage.world.plan.start + 9 * DAY
    live = LiveStage(stage, now, now // DAY + 2)
    assert live.last_day(Story("tor")) == now // DAY
    assert live.last_day(Story("vpn_migration")) == now // DAY + 2
    assert live.last_day(Story("conference_hotel")) == now // DAY + 4
