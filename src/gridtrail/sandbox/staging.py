"""What stories are told with: who plays, when, which files, and what the truth file will say."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gridtrail.sandbox.chance import dice
from gridtrail.sandbox.clock import DAY, HOUR, weekday
from gridtrail.sandbox.life import Life, Row
from gridtrail.sandbox.networks import REGIONS
from gridtrail.sandbox.people import Device, Person
from gridtrail.sandbox.places import OFF, TRIP
from gridtrail.sandbox.plan import ATTACKS, Story
from gridtrail.sandbox.render import body, context_piece
from gridtrail.sandbox.world import World

T = TypeVar("T")

DOWNLOADS_PER_DEED = 1.5
"""`file_downloaded` rows of an average person on a weekday, over that person's appetite: measured
on ten seeds without stories (1.42 to 1.60)."""


@dataclass(slots=True)
class Planted:
    """One story as it stands in the log.

    `expected_reasons` are Slack's codes that good detection gives; empty for harmless traps and
    for the mimic, which is expected to be missed. `rows` makes the story's own rows; None when
    the story only changes the world. `first_day` is in days since the epoch. With `holds_cookie` it
    ends when the session that it uses is ended (whoever does it cannot sign in again).
    """

    story: Story
    number: int
    actors: list[str]
    expected_reasons: list[str]
    note: str
    first_day: int
    rows: Callable[[], list[Row]] | None = None
    expected_missed: bool = False
    holds_cookie: bool = False
    extra: dict[str, Any] = field(default_factory=dict)
    event_ids: list[str] = field(default_factory=list)
    start: int | None = None
    end: int | None = None

    @property
    def harmless(self) -> bool:
        """Whether nobody needs to look."""
        return self.story.kind not in ATTACKS

    def enter(self, event_id: str, second: int) -> None:
        """One more of the story's events is in the log."""
        self.event_ids.append(event_id)
        self.start = second if self.start is None else min(self.start, second)
        self.end = second if self.end is None else max(self.end, second)

    def settle(self, ids: list[str], span: tuple[int, int] | None) -> None:
        """Take the ids and the first and last second of the events that were written."""
        self.event_ids = ids
        if span is not None:
            self.start, self.end = span

    def truth(self) -> dict[str, Any]:
        """The story's entry in `truth.json`."""
        return {
            "kind": self.story.kind,
            "loudness": self.story.loudness,
            "harmless": self.harmless,
            "expected_missed": self.expected_missed,
            "expected_reasons": self.expected_reasons,
            "severity_at_most": "low" if self.harmless else None,
            "actor_id": self.actors[0] if len(self.actors) == 1 else None,
            "actor_ids": self.actors,
            "start": self.start,
            "end": self.end,
            "event_ids": self.event_ids,
            "note": self.note,
            **self.extra,
        }


class Stage:
    """The world, its life, and who already has a part."""

    def __init__(self, world: World, life: Life) -> None:
        self.world = world
        self.life = life
        self._cast: set[int] = {0}  # Matt plays only himself

    def roll(self, story: Story, number: int) -> random.Random:
        """The story's own stream of chance."""
        return dice(self.world.plan.seed, "story", number, story.kind, story.loudness)

    def last_day(self, story: Story) -> int:
        """The story's last day (days since the epoch)."""
        return self.world.first + self.world.plan.days - 1 - story.days_before_end

    def workdays(self, person: Person, last: int, count: int) -> list[int]:
        """Up to `count` days on which `person` works at home or office, ending at `last`."""
        days: list[int] = []
        day = last
        while day >= self.world.first and len(days) < count:
            present = self.world.places.mode(person, day) not in (OFF, TRIP)
            if present and (weekday(day) < 5 or day == last):
                days.insert(0, day)
            day -= 1
        return days

    def cast(
        self, roll: random.Random, last: int, days: int = 1, *, low: float = 0.4, high: float = 0.95
    ) -> Person:
        """A member with a desktop who works on day `last` and most of the `days` before.

        `low` and `high` bound the place among all appetites (0 to 1). Nobody plays twice while
        others are free.
        """
        ranked = self.life.appetite.argsort().argsort() / len(self.world.people)
        free = [
            person
            for person in self.world.people
            if person.role == "member"
            and person.device("desktop") is not None
            and person.joined is None
            and person.left is None
            and self._works(person, last, days)
        ]
        fitting = [person for person in free if low <= ranked[person.number] <= high]
        unused = [person for person in fitting if person.number not in self._cast]
        chosen = roll.choice(unused or fitting or free or self.world.people)
        self._cast.add(chosen.number)
        return chosen

    def cast_admin(self, roll: random.Random, last: int) -> Person:
        """An admin (not an owner, while there are others) who works on day `last`."""
        free = [one for one in self.world.admins if one.number > 2]
        there = [one for one in free if self._works(one, last, 1) and one.left is None]
        unused = [one for one in there if one.number not in self._cast]
        chosen = roll.choice(unused or there or free)
        self._cast.add(chosen.number)
        return chosen

    def days_before(self, day: int, count: int) -> list[int]:
        """Up to `count` days of the period before `day`, oldest first."""
        return list(range(max(day - count, self.world.first), day))

    def browser(self, story: Story) -> str:
        """The agent of an ordinary browser, one version behind at the end of the story."""
        until = (self.last_day(story) + 1) * DAY
        version = [one for one in self.world.releases["chrome"] if one.at < until][-1].version
        return (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            f"Chrome/{int(version) - 1}.0.0.0 Safari/537.36"
        )

    def _works(self, person: Person, last: int, days: int) -> bool:
        places = self.world.places
        if places.mode(person, last) in (OFF, TRIP):
            return False
        before = [places.mode(person, last - back) in (OFF, TRIP) for back in range(days)]
        return sum(before) <= days // 5

    def usual_downloads(self, person: Person) -> float:
        """Expected `file_downloaded` rows of `person` on a working day."""
        plan = self.world.plan
        return float(self.life.appetite[person.number]) * DOWNLOADS_PER_DEED * plan.events_scale

    def second(self, person: Person, day: int, hour: float) -> int:
        """The second of local `hour` on local `day` where `person` lives."""
        zone = REGIONS[person.region].zone
        return int(day * DAY - zone.offset_on(day) + hour * HOUR)

    def utc(self, day: int, hour: float) -> int:
        """The second of `hour` on `day` in UTC."""
        return int(day * DAY + hour * HOUR)

    def own_context(self, person: Person, device: Device, second: int) -> str:
        """Where and with what `person` really is then."""
        return self.life.context(person, device, second)[0]

    def forged_context(
        self,
        person: Person,
        device: Device,
        second: int,
        *,
        agent: str | None = None,
        ip: str | None = None,
        session: int | None = None,
    ) -> str:
        """The person's context with another agent, address or session."""
        place = self.world.places.address(person, device, second)
        return context_piece(
            self.world.location(person),
            agent or device.agent_at(second)[0],
            ip or place.ip,
            session or device.session_at(second),
        )

    def files(self, person: Person, count: int, roll: random.Random) -> list[int]:
        """Up to `count` distinct files that `person` can open, channel after channel, newest first:
        those of the own channels, and when these run out those of other public ones."""
        chosen: dict[int, None] = {}
        rooms = list(person.channels)
        roll.shuffle(rooms)
        mine = set(rooms)
        rooms += [
            channel.number
            for channel in self.world.channels.all
            if channel.privacy == "public" and channel.number not in mine
        ]
        for channel in rooms:
            for number in reversed(self.world.channels.all[channel].files):
                if roll.random() < 0.8:
                    chosen[number] = None
                if len(chosen) >= count:
                    return list(chosen)
        return list(chosen)

    def download(self, person: Person, file: int, context: str) -> str:
        """The text of one `file_downloaded` event."""
        return body("file_downloaded", person.actor, self.world.library.entities[file], context)


def desktop_of(person: Person) -> Device:
    """The person's desktop, or whatever client there is."""
    return person.device("desktop") or person.devices[0]


def by_loudness(story: Story, loud: T, paced: T, stealthy: T) -> T:
    """The value for the story's loudness."""
    return {"loud": loud, "paced": paced, "stealthy": stealthy}[story.loudness]
