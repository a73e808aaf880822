"""The simulated organization, put together: enterprise, workspaces, people, content, places."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from gridtrail.sandbox.arrivals import Outage
from gridtrail.sandbox.chance import dice, identifier, mix
from gridtrail.sandbox.clients import Release, releases
from gridtrail.sandbox.clock import DAY
from gridtrail.sandbox.content import Channels, Library
from gridtrail.sandbox.networks import Atlas
from gridtrail.sandbox.people import Fleet, Names, Person, Role, new_user_id
from gridtrail.sandbox.places import Places
from gridtrail.sandbox.plan import Plan
from gridtrail.sandbox.render import piece, user_piece
from gridtrail.sandbox.words import PARTNERS, TEAMS


@dataclass(frozen=True, slots=True)
class Way:
    """An archetype: where people live, how many work at an office, how many use the VPN."""

    regions: dict[str, float]
    office: float
    vpn: float


WAYS: dict[str, Way] = {
    "office": Way({"chicago": 0.58, "boston": 0.12, "lisbon": 0.19, "cebu": 0.11}, 0.72, 0.25),
    "remote": Way(
        {"denver": 0.27, "boston": 0.2, "saopaulo": 0.15, "leeds": 0.2, "krakow": 0.18}, 0.1, 0.5
    ),
    "global": Way(
        {
            "chicago": 0.27,
            "leeds": 0.15,
            "leipzig": 0.2,
            "pune": 0.2,
            "osaka": 0.1,
            "brisbane": 0.08,
        },
        0.6,
        0.35,
    ),
}

GUESTS = 0.06
TURNOVER = 0.02
"""Share of the members that join, and that leave, in a month."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace (or the enterprise itself); `location` is the context's JSON text."""

    id: str
    name: str
    domain: str
    location: str
    entity: str


@dataclass(slots=True)
class World:
    """Everything that lives and is lived in; `first` is the period's first day since the epoch."""

    plan: Plan
    first: int
    atlas: Atlas
    enterprise: Workspace
    workspaces: list[Workspace]
    people: list[Person]
    library: Library
    channels: Channels
    releases: dict[str, list[Release]]
    fleet: Fleet
    places: Places
    domain: str
    members_of: dict[int, list[int]] = field(default_factory=dict)
    outages: list[Outage] = field(default_factory=list)

    @property
    def admins(self) -> list[Person]:
        """Admins and owners, in the order of their numbers."""
        return [person for person in self.people if person.role in ("admin", "owner")]

    def location(self, person: Person) -> str:
        """The JSON text of the place where `person` works in Slack."""
        return self.workspaces[person.workspace].location


def _slug(name: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in name.lower()).strip("-")


def _workspace(kind: str, key: str, name: str, domain: str) -> Workspace:
    place = {"type": kind, "id": key, "name": name, "domain": domain}
    inner = {"id": key, "name": name, "domain": domain}
    return Workspace(key, name, domain, piece(place), piece({"type": kind, kind: inner}))


def build_world(plan: Plan) -> World:
    """The world of `plan` before anything happens in it."""
    first = plan.start // DAY
    word = _slug(plan.name.split()[0])
    letters = word.upper().replace("-", "")[:6]
    enterprise = _workspace("enterprise", f"E0{letters}CORP", plan.name, word)
    workspaces = [
        _workspace(
            "workspace", f"T0{letters}{code}", f"{plan.name} {name}", f"{word}-{code.lower()}"
        )
        for code, name in (("HQ", "Headquarters"), ("SALES", "Sales"), ("ENG", "Engineering"))
    ]
    atlas = Atlas()
    library = Library(dice(plan.seed, "files"))
    channels = Channels(dice(plan.seed, "channels"), plan.people, library)
    people = _People(plan, workspaces, channels, word, first).all
    line = releases(plan.seed, plan.start, plan.stop)
    fleet = Fleet(plan.seed, line, plan.start, plan.stop)
    for person in people:
        fleet.equip(person, regular=person.company is None)
    office = WAYS[plan.archetype].office
    places = Places(plan.seed, atlas, people, first - 1, plan.days + 2, office)
    world = World(
        plan, first, atlas, enterprise, workspaces, people, library, channels, line, fleet, places,
        f"{word}.example",
    )  # fmt: skip
    for person in people:
        for channel in person.channels:
            world.members_of.setdefault(channel, []).append(person.number)
    return world


class _People:
    """Draws the people one after the other."""

    def __init__(
        self, plan: Plan, workspaces: list[Workspace], channels: Channels, word: str, first: int
    ) -> None:
        self._plan = plan
        self._roll = dice(plan.seed, "people")
        self._names = Names(self._roll)
        self._channels = channels
        self._workspaces = workspaces
        self._domain = f"{word}.example"
        self._first = first
        self._partner_ids = {
            name: identifier("T", dice(plan.seed, "partner", name)) for name in PARTNERS
        }
        self.all = [self._draw(number) for number in range(plan.people)]

    def _draw(self, number: int) -> Person:
        roll, way = self._roll, WAYS[self._plan.archetype]
        matt = number == 0
        guest = not matt and number >= self._plan.people - round(GUESTS * self._plan.people)
        team = "Sales" if matt else roll.choices(*_columns(TEAMS))[0]
        name, local = self._names.take("Matt" if matt else None)
        region = roll.choices(list(way.regions), list(way.regions.values()))[0]
        workspace = {"Sales": 1, "Engineering": 2, "Design": 2}.get(team, 0)
        person = Person(
            number=number,
            id=new_user_id(roll),
            name=name,
            email=f"{local}@{self._domain}",
            team=team,
            role="guest" if guest else self._role(number, team),
            region="chicago" if matt and "chicago" in way.regions else region,
            workspace=workspace,
            team_id=self._workspaces[workspace].id,
            seed=mix(self._plan.seed, number, 17),
            vpn=min(1.0, max(0.0, roll.gauss(way.vpn, 0.3))),
        )
        if guest:
            self._make_guest(person, local)
        elif not matt and number > 3:
            self._turnover(person)
        person.channels = self._channels.choose_for(team, roll, guest=guest)
        leads = self._channels.of_team["Sales"][0]
        if matt and leads not in person.channels:
            person.channels.insert(1, leads)
        person.actor = user_piece(person.id, person.name, person.email, person.team_id)
        return person

    @staticmethod
    def _role(number: int, team: str) -> Role:
        if number in (1, 2):
            return "owner"
        return "admin" if number == 3 or (team == "IT" and number % 2) else "member"

    def _make_guest(self, person: Person, local: str) -> None:
        person.company = self._roll.choice(PARTNERS)
        person.team_id = self._partner_ids[person.company]
        person.email = f"{local}@{_slug(person.company)}.example"
        person.vpn = 0.0

    def _turnover(self, person: Person) -> None:
        roll, days = self._roll, self._plan.days
        chance = TURNOVER * days / 30
        if roll.random() < chance:
            person.joined = self._first + roll.randrange(days)
        elif roll.random() < chance:
            person.left = self._first + roll.randrange(days)


def _columns(pairs: tuple[tuple[str, float], ...]) -> tuple[list[str], list[float]]:
    return [name for name, _ in pairs], [weight for _, weight in pairs]


def pick(people: list[Person], roll: random.Random) -> Person:
    """One of `people`; they must not be empty."""
    return people[roll.randrange(len(people))]
