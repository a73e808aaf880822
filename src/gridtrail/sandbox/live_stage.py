"""A stage for stories that begin while the sandbox runs: days go forward from now."""

from __future__ import annotations

from gridtrail.sandbox.clock import DAY, HOUR, weekday
from gridtrail.sandbox.networks import REGIONS
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.places import OFF, TRIP
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.staging import Stage

LEAD = 40
"""Seconds until the first event of a story planted now (a sign-in may come 25 seconds earlier)."""
_FARTHEST = 60

DAYS_NEEDED = {
    "client_rollout": 1,
    "client_rollback": 1,
    "vpn_migration": 1,
    "vdi_pool": 1,
    "conference_hotel": 3,
}
"""Stories that change the world, and how many days they do: they begin with the first day that is
not drawn yet, a day or so from now."""


class LiveStage(Stage):
    """`stage`, at second `now`; `next_day` is the first day (since the epoch) not drawn yet."""

    def __init__(self, stage: Stage, now: int, next_day: int) -> None:
        super().__init__(stage.world, stage.life)
        self._cast = stage._cast  # noqa: SLF001 - one cast for the whole run
        self._now = now
        self._next_day = next_day
        self._first_hour: float | None = None

    def last_day(self, story: Story) -> int:
        """Today, or the last day of a change of the world."""
        needed = DAYS_NEEDED.get(story.kind)
        return self._now // DAY if needed is None else self._next_day + needed - 1

    def workdays(self, person: Person, last: int, count: int) -> list[int]:
        """`count` days on which `person` works, beginning with today, whatever day that is."""
        today = self._today(person)
        days = [today]
        for day in range(today + 1, today + _FARTHEST):
            if len(days) >= count:
                break
            if weekday(day) < 5 and self.world.places.mode(person, day) not in (OFF, TRIP):
                days.append(day)
        return days[:count]

    def days_before(self, day: int, count: int) -> list[int]:
        """None: what is past is in the log already."""
        return []

    def second(self, person: Person, day: int, hour: float) -> int:
        """The local `hour` of a day to come; on the first day as much after now as it is after
        the first hour asked for."""
        if day > self._today(person):
            return super().second(person, day, hour)
        if self._first_hour is None:
            self._first_hour = hour
        return self._now + LEAD + int(max(0.0, hour - self._first_hour) * HOUR)

    def utc(self, day: int, hour: float) -> int:
        """The UTC `hour` of a day to come, else about now."""
        if day > self._now // DAY:
            return super().utc(day, hour)
        return self._now + LEAD

    def _today(self, person: Person) -> int:
        offset = REGIONS[person.region].zone.offset_on(self._now // DAY)
        return (self._now + offset) // DAY
