"""Who is signed in, and what becomes of events whose session was ended.

The organization's life is drawn without knowing of resets. Rows that come after the end of their
session are changed here before they are in the log: the owner signs in again and goes on in a new
session, whoever held a copied cookie or a session of their own from elsewhere is out.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from gridtrail.sandbox.clock import DAY
from gridtrail.sandbox.event_text import Fields, session_of, with_session
from gridtrail.sandbox.life import Row
from gridtrail.sandbox.people import Device, Person, new_session_id
from gridtrail.sandbox.render import body
from gridtrail.sandbox.world import World

SIGN_IN_LEAD = 12
"""Seconds between signing in again and the first thing done then."""
FORGOTTEN = 14 * DAY
"""A session from elsewhere that nobody used for so long is no longer active."""

Kind = Literal["mobile", "web"]


@dataclass(slots=True)
class Seen:
    """A session in the log: whose it is, and (second, agent, address) of first and last use."""

    person: str
    first: tuple[int, str, str]
    last: tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Active:
    """One active session; `recent` is None when nothing changed since `created`."""

    session: int
    person: Person
    kind: Kind
    created: tuple[int, str, str]
    recent: tuple[int, str, str] | None


class Sessions:
    """The sessions of a world. `cookie_stories` are numbers of stories that end with a session."""

    def __init__(self, world: World, cookie_stories: Collection[int] = ()) -> None:
        self._world = world
        self.cookie_stories = set(cookie_stories)
        self._people = {person.id: person for person in world.people}
        self._owners: dict[int, tuple[Person, Device]] = {
            session: (person, device)
            for person in world.people
            for device in person.devices
            for session in device.sessions
        }
        self._seen: dict[int, Seen] = {}
        self._of_person: dict[str, dict[int, None]] = {}
        self._ends: dict[int, list[tuple[int, int | None]]] = {}
        self._original: dict[int, int] = {}
        self._announced: set[int] = set()
        self._stopped: dict[int, int] = {}

    @property
    def any_ended(self) -> bool:
        """Whether `rework` has anything to do."""
        return bool(self._ends)

    def see(self, second: int, fields: Fields) -> None:
        """Take note of an event that is in the log now."""
        session = fields.session
        if session is None or fields.action == "anomaly":
            return
        use = (second, fields.agent, fields.address)
        seen = self._seen.get(session)
        if seen is None:
            owner = self._owners.get(self._original.get(session, session))
            person = fields.actor if owner is None else owner[0].id
            self._seen[session] = Seen(person, use, use)
            self._of_person.setdefault(person, {})[session] = None
        elif second >= seen.last[0]:
            seen.last = use

    def active(self, person: Person, now: int) -> list[Active]:
        """The person's sessions that could be used at second `now`: devices first."""
        if person.left is not None and person.left * DAY + DAY <= now:
            return []
        if person.joined is not None and person.joined * DAY > now:
            return []
        found = [one for device in person.devices if (one := self._of_device(person, device, now))]
        for session in self._of_person.get(person.id, ()):
            seen = self._seen[session]
            strange = session not in self._owners and session not in self._original
            if strange and session not in self._ends and now - seen.last[0] < FORGOTTEN:
                recent = None if seen.first[1:] == seen.last[1:] else seen.last
                found.append(Active(session, person, kind_of(seen.last[1]), seen.first, recent))
        return found

    def _of_device(self, person: Person, device: Device, now: int) -> Active | None:
        number = device.session_number(now)
        session = self._current(device.sessions[number], now)
        seen = None if session is None else self._seen.get(session)
        if session is None or (session in self._original and seen is None):
            return None  # ended, and not signed in again
        at = device.session_moments[number]
        place = self._world.places.address(person, device, at)
        created = (at, device.agent_at(at)[0].replace("/", "\\/"), place.ip)
        if session in self._original and seen is not None:
            created = seen.first
        recent = None if seen is None or seen.last[1:] == created[1:] else seen.last
        return Active(
            session, person, "mobile" if device.kind == "phone" else "web", created, recent
        )

    def _current(self, original: int, now: int) -> int | None:
        """What became of a session until `now`; None when its holder cannot come back."""
        current: int | None = original
        for at, new in self._ends.get(original, ()):
            if at <= now:
                current = new
        return current

    def end(self, sessions: Iterable[int], at: int) -> None:
        """End sessions at second `at`: what is done in them later needs signing in again."""
        for session in sessions:
            original = self._original.get(session, session)
            ends = self._ends.setdefault(original, [])
            new = None
            if original in self._owners:
                new = new_session_id(self._world.plan.seed, original, len(ends), 31)
                self._original[new] = original
            ends.append((at, new))

    def rework(self, rows: Iterable[Row]) -> list[Row]:
        """`rows` (ordered by time) as they happen after all ends of sessions so far."""
        if not self._ends:
            return list(rows)
        made: list[Row] = []
        for row in rows:
            made += self._rework_one(row)
        return made

    def _rework_one(self, row: Row) -> list[Row]:
        if self._stopped.get(row.tag, row.second) < row.second:
            return []
        session = session_of(row.body, row.body.rfind('"ip_address":"'))
        if session is None:
            return [row]
        original = self._original.get(session, session)
        ends = self._ends.get(original, [])
        place = bisect_left(ends, row.second, key=lambda end: end[0])
        if not place:
            return [row]
        at, new = ends[place - 1]
        if new == session:
            return [row]
        if new is None or row.tag in self.cookie_stories:
            if row.tag in self.cookie_stories:
                self._stopped.setdefault(row.tag, at)
            return []
        return self._signed_in_again(row, session, new, at)

    def _signed_in_again(self, row: Row, old: int, new: int, at: int) -> list[Row]:
        if row.body.startswith('"action":"user_logout"'):
            return []  # there is nothing left to sign out of
        text = with_session(row.body, old, new)
        mine = Row(row.second, text, row.tag)
        if row.body.startswith('"action":"user_login"') or new in self._announced:
            self._announced.add(new)
            return [mine]
        self._announced.add(new)
        person, _ = self._owners[self._original[new]]
        context = text[text.index('"context":{"location":') + 10 :]
        context = context[: context.index(f'"session_id":{new}') + len(f'"session_id":{new}')] + "}"
        login = body("user_login", person.actor, person.actor, context)
        return [Row(max(at + 1, row.second - SIGN_IN_LEAD), login, -1), mine]


def kind_of(agent: str) -> Kind:
    """Whether a session counts as mobile; desktop apps count as web (Slack does not say)."""
    return "mobile" if agent.startswith(("com.tinyspeck", "slack\\/", "slack/")) else "web"
