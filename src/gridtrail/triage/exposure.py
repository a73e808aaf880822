"""How long, and on how many people, an organization's log has been looking."""

from __future__ import annotations

from collections.abc import Iterable

from gridtrail.engine.duckdb import DuckDB
from gridtrail.lake.lake import Lake
from gridtrail.triage.anomaly import DAY_SECONDS
from gridtrail.triage.usual import Usual

ACTIVE_DAYS = 30
"""The organization's people are those who did anything in so many days."""

_FOUNDING_DAYS = 7
_FEW = 8


class Exposure:
    """Days and people of the organization `org`, whose days in short are `usual`.

    Days are numbers since the epoch; everything said of a day uses strictly earlier days.
    """

    def __init__(self, lake: Lake, engine: DuckDB, org: str, usual: Usual) -> None:
        self._lake = lake
        self._engine = engine
        self._org = org
        self._usual = usual
        self._users: dict[int, int] = {}
        self._first_of: dict[str, int] = {}
        self._first = usual.first_day

    def learn_people(self, actors: Iterable[str]) -> None:
        """Look up since when the log knows these actors."""
        # most are as old as the log; newcomers are passed by in most files, by their filters
        founders = (self._first + _FOUNDING_DAYS) * DAY_SECONDS - 1
        for latest in (founders, None):
            left = sorted(set(actors) - self._first_of.keys())
            self._lake.events_view("triage_people", org=self._org, latest=latest)
            for few in [[one] for one in left] if len(left) <= _FEW else [left]:
                same = "actor_id = $1" if len(few) == 1 else "list_contains($1, actor_id)"
                rows = self._engine.rows(
                    "SELECT actor_id, min(date_create) AS first FROM triage_people "
                    f"WHERE {same} GROUP BY 1",
                    [few[0] if len(few) == 1 else few],
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
            self._usual.learn(range(day - ACTIVE_DAYS, day))
            self._users[day] = max(1, self._usual.people(day - ACTIVE_DAYS, day - 1))
        return self._users[day]
