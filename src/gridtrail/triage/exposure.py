"""How long, and on how many people, an organization's log has been looking."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gridtrail.engine.duckdb import DuckDB
from gridtrail.triage.anomaly import DAY_SECONDS

ACTIVE_DAYS = 30
"""The organization's people are those who did anything in so many days."""


class Exposure:
    """Days and people of the organization `org` in the events view `view`.

    Days are numbers since the epoch; everything said of a day uses strictly earlier days.
    """

    def __init__(self, engine: DuckDB, view: str, org: str) -> None:
        self._engine = engine
        self._view = view
        self._org = org
        self._users: dict[int, int] = {}
        self._first_of: dict[str, int] = {}
        first = self._value(f"SELECT min(date_create) FROM {view} WHERE org = ?", [org])
        self._first = (first or 0) // DAY_SECONDS

    def learn_people(self, actors: Iterable[str]) -> None:
        """Look up since when the log knows these actors."""
        rows = self._engine.rows(
            f"SELECT actor_id, min(date_create) AS first FROM {self._view} "
            "WHERE org = ? AND list_contains(?, actor_id) GROUP BY 1",
            [self._org, sorted(actors)],
        )
        for row in rows.to_pylist():
            self._first_of[row["actor_id"]] = row["first"] // DAY_SECONDS

    def days(self, day: int) -> int:
        """Days of log before `day`."""
        return max(0, day - self._first)

    def own_days(self, actor: str | None, day: int) -> int:
        """Days before `day` since the log first saw `actor`; 0 for somebody new."""
        return max(0, day - self._first_of.get(actor or "", day))

    def users(self, day: int) -> int:
        """People who did anything in the ACTIVE_DAYS before `day`, at least one."""
        if day not in self._users:
            found = self._value(
                f"SELECT count(DISTINCT actor_id) FROM {self._view} "
                "WHERE org = ? AND actor_type = 'user' AND date_create >= ? AND date_create < ?",
                [self._org, (day - ACTIVE_DAYS) * DAY_SECONDS, day * DAY_SECONDS],
            )
            self._users[day] = max(1, found or 0)
        return self._users[day]

    def _value(self, sql: str, parameters: list[Any]) -> int | None:
        value: int | None = self._engine.value(sql, parameters)
        return value
