"""The organization's life as it comes into the log: drawn a day at a time, released by the clock.

What is drawn waits until its second (or later, with faults). Whatever happens meanwhile (a session
ends, a story is planted) changes what still waits. The order of events depends on simulated time
alone, never on when somebody asked.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gridtrail.sandbox.arrivals import arrivals
from gridtrail.sandbox.clock import DAY, HOUR
from gridtrail.sandbox.event_text import Fields, fields_of
from gridtrail.sandbox.ledger import Ledger
from gridtrail.sandbox.life import Life, Row
from gridtrail.sandbox.machines import Machines
from gridtrail.sandbox.plan import Faults
from gridtrail.sandbox.sessions import Sessions
from gridtrail.sandbox.staging import Planted
from gridtrail.sandbox.world import World
from gridtrail.sandbox.writing import uuids

_WESTERNMOST = 14 * HOUR
"""No local day begins earlier than this before the same day in UTC."""

Effect = Callable[[int], None]
"""Something that happens at a second that it is given."""


class _Waiting(NamedTuple):
    """What is released at `arrival`; an effect has no row, a repeated event is not `first`."""

    arrival: int
    order: int
    row: Row
    id: str
    first: bool
    effect: Effect | None


Watcher = Callable[[Row, Fields], None]


class Timeline:
    """Draws, keeps waiting, and releases into `ledger`; `watch` sees every event released."""

    def __init__(
        self,
        world: World,
        life: Life,
        planted: list[Planted],
        sessions: Sessions,
        watch: Watcher,
    ) -> None:
        self.ledger = Ledger()
        self.planted = planted
        self._world = world
        self._life = life
        self._machines = Machines(world)
        self._sessions = sessions
        self._watch = watch
        self._heap: list[_Waiting] = []
        self._order = 0
        self._extra = 0
        self._day = world.first - 1
        self._start, self._stop = world.plan.start, world.plan.stop
        self._prompt = world.plan.faults == Faults() and not world.outages

    @property
    def bots(self) -> frozenset[str]:
        """The user ids of bots."""
        return frozenset(self._machines.bots)

    @property
    def next_day(self) -> int:
        """The first day (since the epoch) that is not drawn yet."""
        return self._day

    def catch_up(self, now: int) -> None:
        """Let everything happen up to second `now`."""
        while self._day * DAY < self._stop:
            begin = self._day * DAY - _WESTERNMOST
            if begin > now:
                break
            self._release(begin - 1)  # first what comes before, whenever somebody asks
            self._draw(self._day)
            self._day += 1
        self._release(now)

    def _draw(self, day: int) -> None:
        life, machines = self._life.day(day), [Row(*row) for row in self._machines.day(day)]
        drawn = self._named(life, "life", day) + self._named(machines, "machines", day)
        for place, story in enumerate(self.planted):
            if story.rows is not None and story.first_day == day:
                drawn += self._named(story.rows(), "story", place)
        self._wait(drawn)

    def tell(self, number: int) -> None:
        """Let the rows of a story planted just now wait for their time."""
        if self._prompt and self._world.outages:
            self._prompt = False
        self._hold_back()
        story = self.planted[number]
        if story.rows is not None:
            self._wait(self._named(story.rows(), "story", number))

    def _hold_back(self) -> None:
        """Let what waits and falls into an outage be late."""
        for place, one in enumerate(self._heap):
            for outage in self._world.outages:
                if one.effect is None and outage.covers(one.row.second):
                    arrival = outage.arrival(one.row.second)
                    self._heap[place] = one._replace(arrival=arrival)
        heapq.heapify(self._heap)

    def _named(self, rows: list[Row], *names: str | int) -> list[tuple[Row, str]]:
        ids = uuids(self._world.plan.seed, len(rows), *names)
        return list(zip(rows, ids, strict=True))

    def _wait(self, drawn: list[tuple[Row, str]]) -> None:
        start, stop = self._start, self._stop
        drawn.sort(key=lambda pair: pair[0].second)
        changed = self._changed(drawn) if self._sessions.any_ended else drawn
        for row, name in changed:
            if start <= row.second < stop:
                if self._prompt:
                    self._push(row.second, row, name)
                    continue
                first = True
                for arrival in self._arrivals(row.second, name):
                    self._push(arrival, row, name, first)
                    first = False

    def _changed(self, drawn: list[tuple[Row, str]]) -> Iterable[tuple[Row, str]]:
        """The drawn rows as they happen, now that sessions have ended."""
        for row, name in drawn:
            made = self._sessions.rework([row])
            for place, one in enumerate(made):
                yield one, name if place == len(made) - 1 else self._new_id()

    def _arrivals(self, second: int, name: str) -> list[int]:
        for outage in self._world.outages:
            if outage.covers(second):
                return [outage.arrival(second)]
        plan = self._world.plan
        return arrivals(plan.seed, plan.faults, name, second)

    def _push(
        self, arrival: int, row: Row, name: str, first: bool = True, effect: Effect | None = None
    ) -> None:
        self._order += 1
        heapq.heappush(self._heap, _Waiting(arrival, self._order, row, name, first, effect))

    def _new_id(self) -> str:
        self._extra += 1
        return uuids(self._world.plan.seed, 1, "extra", self._extra)[0]

    def add(self, row: Row) -> None:
        """One more event that will happen at its second."""
        self._push(row.second, row, self._new_id())

    def schedule(self, second: int, effect: Effect) -> None:
        """Let something happen at `second`, before the events of that second."""
        self._push(second, Row(second, ""), "", effect=effect)

    def rework(self) -> None:
        """Change what waits, now that sessions have ended."""
        waiting, self._heap = self._heap, []
        for one in sorted(waiting, key=lambda one: (one.row.second, one.order)):
            if one.effect is not None:
                self._heap.append(one)
                continue
            made = self._sessions.rework([one.row])
            for row in made[:-1]:
                self._push(row.second, row, self._new_id())
            if made:
                self._heap.append(one._replace(row=made[-1]))
        heapq.heapify(self._heap)

    def _release(self, until: int) -> None:
        while self._heap and self._heap[0].arrival <= until:
            one = heapq.heappop(self._heap)
            if one.effect is not None:
                one.effect(one.arrival)
            else:
                self._enter(one)

    def _enter(self, one: _Waiting) -> None:
        row = one.row
        fields = fields_of(row.body)
        text = f'{{"id":"{one.id}","date_create":{row.second},{row.body}'.encode()
        self.ledger.add(row.second, text, fields)
        if not one.first:
            return
        self._sessions.see(row.second, fields)
        tag = self._outage(row.second) if self._world.outages and row.tag < 0 else row.tag
        if tag >= 0:
            self.planted[tag].enter(one.id, row.second)
        self._watch(row, fields)

    def _outage(self, second: int) -> int:
        found = [outage.tag for outage in self._world.outages if outage.covers(second)]
        return found[0] if found else -1
