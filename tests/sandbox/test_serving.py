from __future__ import annotations

import httpx
import pytest

from gridtrail.errors import WrongUse
from gridtrail.sandbox.clock import DAY
from gridtrail.sandbox.plan import Faults, Story
from gridtrail.sandbox.serving import (
    FUTURE_DAYS,
    Serving,
    days_since_workday,
    listen,
    served_beside,
)
from gridtrail.sandbox.slack_state import SlackState

NOON = 1_795_176_000
"""A Friday."""


def test_the_plan_has_a_past_and_a_future() -> None:
    """So many days with today, 90 to come, and stories count back from today."""
    plan = Serving(NOON, people=30, days=10, stories=(Story("tor", "loud", 3),)).plan()
    assert plan.start == NOON // DAY * DAY - 9 * DAY
    assert plan.stop == NOON // DAY * DAY + (FUTURE_DAYS + 1) * DAY
    assert plan.stories[0].days_before_end == 3 + FUTURE_DAYS
    assert plan.faults == Faults()
    assert Serving(NOON, faults=True).plan().faults.late > 0


def test_what_cannot_be_is_refused() -> None:
    """Too little past, and stories before it, are wrong use."""
    with pytest.raises(WrongUse, match="3 days"):
        Serving(NOON, days=2).plan()
    with pytest.raises(WrongUse, match="within"):
        Serving(NOON, days=5, stories=(Story("tor", "loud", 5),)).plan()


def test_the_last_working_day_is_before_a_weekend() -> None:
    """On a Friday it was yesterday, at the weekend and on Monday it was Friday."""
    days = [days_since_workday(NOON + day * DAY) for day in range(5)]
    assert days == [1, 1, 2, 3, 1]


def test_a_taken_port_is_told_in_a_sentence() -> None:
    """Two cannot listen in one place; the second is told so."""
    with listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        with pytest.raises(WrongUse, match=f"port {port}"):
            listen("127.0.0.1", port)


def test_it_answers_beside_until_the_block_ends(past: SlackState) -> None:
    """The address takes calls in the block, and none after it."""
    with served_beside(past) as url:
        assert httpx.post(f"{url}/api/auth.test", timeout=120).json()["error"] == "not_authed"
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{url}/api/auth.test")
