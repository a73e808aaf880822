"""How long, and on how many people, the log has been looking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.triage.exposure import ACTIVE_DAYS, Exposure
from gridtrail.triage.usual import Usual

Acme = Any


def test_exposure_is_of_strictly_earlier_days(
    lake: Lake, engine: DuckDB, append: Callable[[list[dict[str, Any]]], None], acme: Acme
) -> None:
    """People count who acted in the thirty days before; newcomers have no days of their own."""
    today = acme.NOON // acme.DAY

    def seen(event_id: str, days_ago: int, actor: str, **columns: Any) -> dict[str, Any]:
        return dict(
            acme.event(event_id, acme.NOON - days_ago * acme.DAY, actor_id=actor, **columns)
        )

    append(
        [
            seen("a", 90, "W0LEFT"),
            seen("b", ACTIVE_DAYS, "W0OLD"),
            seen("c", ACTIVE_DAYS + 1, "W0JUSTOUT"),
            seen("d", 1, "W0OLD"),
            seen("e", 1, "W0YESTERDAY"),
            seen("f", 0, "W0NEW"),
            seen("g", 1, "B0BOT", actor_type="app"),
            seen("h", 200, "W0OLD", org="E0OTHER"),
        ]
    )
    exposed = Exposure(lake, engine, "E0ACME", Usual(lake, engine, "E0ACME"))
    exposed.learn_people(["W0OLD", "W0NEW"])
    assert exposed.days(today) == 90
    assert exposed.users(today) == 2
    assert exposed.own_days("W0OLD", today) == ACTIVE_DAYS
    assert exposed.own_days("W0NEW", today) == exposed.own_days(None, today) == 0
    assert exposed.users(today - 200) == 1
