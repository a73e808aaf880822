"""What people do in a day: sittings become rows of the audit log.

A row is (second, body, tag): the event without id and time as JSON text, and the number of the
story that it belongs to (-1 for none).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from gridtrail.sandbox.administration import Administration
from gridtrail.sandbox.chance import dice, mix, stream
from gridtrail.sandbox.clock import DAY, weekday
from gridtrail.sandbox.deeds import Deeds
from gridtrail.sandbox.habits import Habits, appetites, gaps
from gridtrail.sandbox.networks import REGIONS
from gridtrail.sandbox.people import Device, Person
from gridtrail.sandbox.places import TRIP
from gridtrail.sandbox.render import body, context_piece
from gridtrail.sandbox.world import World

LEAVING_DAYS = 8


class Row(NamedTuple):
    """One event before it has an id: `second` since the epoch, JSON text, story number or -1."""

    second: int
    body: str
    tag: int = -1


class Life:
    """Draws the days of a world one after the other."""

    def __init__(self, world: World) -> None:
        self._world = world
        plan = world.plan
        appetite = appetites(plan.people, stream(plan.seed, "appetites"))
        ordered = np.sort(appetite)
        appetite[0] = ordered[int(len(ordered) * 0.82)]  # Matt is lively, not the liveliest
        guests = np.array([person.company is not None for person in world.people])
        appetite[guests] *= 0.45
        self.appetite = appetite
        self._habits = Habits(plan.seed, appetite, plan.events_scale)
        self._deeds = Deeds(world)
        self._administration = Administration(world)
        self._zones = [REGIONS[person.region].zone for person in world.people]
        leaving = dice(plan.seed, "leaving")
        self._leaving = [leaving.uniform(1.5, 3.0) for _ in world.people]

    def day(self, day: int) -> list[Row]:
        """Rows of the local calendar `day` (days since the epoch), in no order."""
        world = self._world
        offset = np.array([zone.offset_on(day) for zone in self._zones], dtype=np.int64)
        sittings = self._habits.draw(day, self._factor(day), offset)
        rng = stream(world.plan.seed, "life", day)
        count = int(sittings.length.sum())
        waits = gaps(rng, count).tolist()
        chances = rng.random((count, 4)).tolist()
        starts = rng.random((len(sittings.person), 2)).tolist()
        roll = dice(world.plan.seed, "life", day)
        rows: list[Row] = []
        place = 0
        for person, start, length, (which, variant) in zip(
            sittings.person.tolist(),
            sittings.start.tolist(),
            sittings.length.tolist(),
            starts,
            strict=True,
        ):
            mine = slice(place, place + length)
            place += length
            sitter = world.people[person]
            device = self._device(sitter, start, which)
            context, tag = self.context(sitter, device, start, variant)
            at = self._sign_in(sitter, device, start, rows, variant)
            self._sit(sitter, context, tag, at, waits[mine], chances[mine], rows, roll)
        rows += [Row(*row) for row in self._administration.turnover(day)]
        return rows

    def _sit(
        self,
        person: Person,
        context: str,
        tag: int,
        at: int,
        waits: list[int],
        chances: list[list[float]],
        rows: list[Row],
        roll: random.Random,
    ) -> None:
        """The deeds of one sitting, appended to `rows`."""
        deeds = self._deeds
        administers = person.role in ("admin", "owner")
        for wait, chance in zip(waits, chances, strict=True):
            if administers and chance[3] < 0.3:
                made = self._administration.deed(person, context, at, roll)
            else:
                made = deeds.draw(person, context, at, chance, roll)
            for second, text in made:
                rows.append(Row(second, text, tag))
            at += wait

    def context(
        self, person: Person, device: Device, second: int, variant: float = 1.0
    ) -> tuple[str, int]:
        """The `context` of `person` on `device` then, and the story behind it (or -1).

        `variant` (0 to 1) below 0.04 lets an iPhone's notification helper speak.
        """
        place = self._world.places.address(person, device, second)
        agent, agent_tag = device.agent_at(second)
        if variant < 0.04 and agent.startswith("com.tinyspeck"):
            agent = agent.replace("chatlyio/", "chatlyio.NotificationService/")
        session: int | None = device.session_at(second)
        faults = self._world.plan.faults
        ip = place.ip
        if faults.no_session and mix(person.seed, second, 1) / 2**64 < faults.no_session:
            session = None
        if faults.no_address and mix(person.seed, second, 2) / 2**64 < faults.no_address:
            ip = ""
        tag = place.tag if place.tag >= 0 else agent_tag
        return context_piece(self._world.location(person), agent, ip, session), tag

    def _device(self, person: Person, second: int, chance: float) -> Device:
        """The device taken up for a sitting: phones in the evening, at weekends and on the way."""
        zone = self._zones[person.number]
        local = second + zone.offset_on(second // DAY)
        hour = local % DAY / 3600
        mobile = weekday(local // DAY) >= 5 or not 7.5 < hour < 18.5
        if self._world.places.mode(person, local // DAY) == TRIP:
            mobile = mobile or chance * 100 % 1 < 0.3
        weights = (
            {"desktop": 25, "phone": 65, "browser": 10}
            if mobile
            else ({"desktop": 74, "phone": 12, "browser": 14})
        )
        edges = list(accumulate(weights[device.kind] for device in person.devices))
        return person.devices[bisect_right(edges, chance * edges[-1] * 0.999999)]

    def _sign_in(
        self, person: Person, device: Device, start: int, rows: list[Row], variant: float
    ) -> int:
        """Write sign-out and sign-in when the device has a new session; when the deeds begin."""
        number = device.session_number(start)
        if number <= device.announced:
            return start
        before = device.announced
        device.announced = number
        context, tag = self.context(person, device, start)
        if before >= 0 and variant < 0.5:
            old = context.replace(
                f'"session_id":{device.sessions[number]}', f'"session_id":{device.sessions[before]}'
            )
            rows.append(Row(start, body("user_logout", person.actor, person.actor, old), tag))
        if variant > 0.93:
            failed = body("user_login_failed", person.actor, person.actor, context)
            rows.append(Row(start + 4, failed, tag))
        at = start + 11 + int(variant * 25)
        rows.append(Row(at, body("user_login", person.actor, person.actor, context), tag))
        return at + 5

    def _factor(self, day: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """What multiplies each person's appetite on that day."""
        factor = self._world.places.presence(day)
        for person in self._world.people:
            if person.left is not None and person.left - LEAVING_DAYS < day <= person.left:
                factor[person.number] *= self._leaving[person.number]
        return factor
