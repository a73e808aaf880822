"""The people of the simulated organization, their devices, and what these say of themselves."""

from __future__ import annotations

import random
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

from gridtrail.sandbox.chance import dice, identifier, mix
from gridtrail.sandbox.clients import (
    Release,
    adoption,
    android_agent,
    browser_agent,
    desktop_agent,
    ios_agent,
)
from gridtrail.sandbox.clock import DAY, HOUR
from gridtrail.sandbox.words import FAMILY, GIVEN, PHONES

Role = Literal["member", "admin", "owner", "guest"]
DeviceKind = Literal["desktop", "phone", "browser"]


@dataclass(slots=True)
class Device:
    """One client of one person: which agent it shows and which session it holds at a time.

    `agents[i]` holds from `agent_moments[i]` (seconds), caused by story `agent_tags[i]` or -1;
    `sessions[i]` from `session_moments[i]`. A device on a
    `pinned_network` (a virtual desktop) belongs to story `pinned_tag`. `announced` is the last
    session whose sign-in is in the log (moved forward by life).
    """

    kind: DeviceKind
    platform: str
    agent_moments: list[int]
    agents: list[str]
    agent_tags: list[int]
    session_moments: list[int]
    sessions: list[int]
    relay: bool = False
    pinned_network: str | None = None
    pinned_tag: int = -1
    announced: int = 0

    def agent_at(self, second: int) -> tuple[str, int]:
        """The user agent at `second`, and the story that changed it in the last 3 days, or -1."""
        place = max(bisect_right(self.agent_moments, second) - 1, 0)
        fresh = second < self.agent_moments[place] + 3 * DAY
        return self.agents[place], self.agent_tags[place] if fresh else -1

    def session_number(self, second: int) -> int:
        """Index of the session held at `second`."""
        return max(bisect_right(self.session_moments, second) - 1, 0)

    def session_at(self, second: int) -> int:
        """The session id at `second`."""
        return self.sessions[self.session_number(second)]


@dataclass(slots=True)
class Person:
    """One person; `joined` and `left` are days since the epoch (None: before or after the period).

    `channels` are channel numbers in order of liking. `workspace` is a number; guests have their
    own company's `team_id`.
    """

    number: int
    id: str
    name: str
    email: str
    team: str
    role: Role
    region: str
    workspace: int
    team_id: str
    seed: int
    company: str | None = None
    joined: int | None = None
    left: int | None = None
    vpn: float = 0.0
    channels: list[int] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    actor: str = ""

    def device(self, kind: DeviceKind) -> Device | None:
        """The person's first device of that kind."""
        return next((device for device in self.devices if device.kind == kind), None)


def ascii_word(text: str) -> str:
    """`text` in lower-case ASCII letters, for addresses (Zoë → zoe, Łukasz → lukasz)."""
    plain = text.translate(str.maketrans("ŁłØø", "LlOo"))
    return unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode().lower()


class Names:
    """Hands out invented names, each once; Matt is kept for the story."""

    def __init__(self, roll: random.Random) -> None:
        self._roll = roll
        self._used: set[str] = set()

    def take(self, given: str | None = None) -> tuple[str, str]:
        """A name and the local part of its e-mail address."""
        while True:
            first = given or self._roll.choice(GIVEN)
            last = self._roll.choice(FAMILY)
            local = f"{ascii_word(first)}.{ascii_word(last)}"
            if local in self._used and len(self._used) > 8_000:
                local += str(len(self._used))
            if local not in self._used:
                self._used.add(local)
                return f"{first} {last}", local


class Fleet:
    """Hands out devices that follow the releases of their clients."""

    def __init__(self, seed: int, line: dict[str, list[Release]], start: int, stop: int) -> None:
        self._seed = seed
        self._line = line
        self._start = start
        self._stop = stop
        self._same: dict[str, str] = {}

    def equip(self, person: Person, regular: bool = True) -> None:
        """Give `person` desktop, phone (85 %) and browser (40 %); `regular` False for guests,
        who mostly use a browser."""
        roll = dice(self._seed, "devices", person.number)
        system = self._system(roll, person.team)
        if roll.random() < (0.95 if regular else 0.35):
            store = "_store" if system != "linux" and roll.random() < 0.15 else ""
            self._add(person, "desktop", system + store, roll)
        if roll.random() < 0.85:
            self._add(person, "phone", "ios" if roll.random() < 0.58 else "android", roll)
        if roll.random() < 0.40 or not person.devices or not regular:
            family = roll.choices(("chrome", "edge", "firefox", "safari"), (60, 15, 12, 13))[0]
            if family == "safari" and system != "macos":
                family = "edge" if system == "windows" else "firefox"
            self._add(person, "browser", f"{family}_{system}", roll)

    def _system(self, roll: random.Random, team: str) -> str:
        weights = (50, 35, 15) if team in ("Engineering", "Design") else (38, 61, 1)
        return roll.choices(("macos", "windows", "linux"), weights)[0]

    def _add(self, person: Person, kind: DeviceKind, platform: str, roll: random.Random) -> None:
        moments, agents = self._agents(platform, roll)
        period = {"desktop": 45, "phone": 80, "browser": 13}[kind]
        at = self._start - roll.uniform(0, period) * DAY
        if person.joined is not None:
            at = max(at, person.joined * DAY + 8 * HOUR)
        starts: list[int] = []
        ids: list[int] = []
        while at < self._stop + DAY:
            starts.append(int(at))
            ids.append(_session_id(self._seed, person.number, len(person.devices), len(ids)))
            at = (at + roll.weibullvariate(period, 1.6) * DAY) // DAY * DAY + 4 * HOUR
        relay = (platform == "ios" and roll.random() < 0.05) or (
            platform.startswith("safari") and roll.random() < 0.3
        )
        device = Device(kind, platform, moments, agents, [-1] * len(moments), starts, ids, relay)
        device.announced = -1 if person.joined is not None else 0
        person.devices.append(device)

    def _agents(self, platform: str, roll: random.Random) -> tuple[list[int], list[str]]:
        if platform == "ios":
            return self._phone_agents(roll)
        family = platform.split("_")[0]
        if platform == "android":
            model = roll.choice(PHONES)
            releases = self._line["android"]
            line = adoption(releases, roll, self._start)
            texts = [android_agent(releases[which], model) for which in line.which]
        elif family in ("chrome", "edge", "firefox", "safari"):
            releases = self._line["firefox" if family == "firefox" else "chrome"]
            line = adoption(releases, roll, self._start)
            texts = [browser_agent(platform, releases[which]) for which in line.which]
        else:
            releases = self._line["desktop"]
            line = adoption(releases, roll, self._start)
            texts = [desktop_agent(platform, releases[which]) for which in line.which]
        return line.moments, [self._same.setdefault(text, text) for text in texts]

    def _phone_agents(self, roll: random.Random) -> tuple[list[int], list[str]]:
        model = roll.choice(("small", "large", "large"))
        apps, systems = self._line["ios"], self._line["iphone_os"]
        app = adoption(apps, roll, self._start)
        system = adoption(systems, roll, self._start)
        moments = sorted({*app.moments, *system.moments})
        texts = []
        for at in moments:
            mine = apps[app.which[bisect_right(app.moments, at) - 1]]
            base = systems[system.which[bisect_right(system.moments, at) - 1]]
            text = ios_agent(mine, base, model)
            texts.append(self._same.setdefault(text, text))
        return moments, texts


def _session_id(seed: int, person: int, device: int, number: int) -> int:
    """A number of 12 to 14 digits."""
    draw = mix(seed, person, device, number, 99)
    digits = 12 + draw % 3
    low: int = 10 ** (digits - 1)
    return low + (draw >> 2) % (9 * low)


def new_session_id(seed: int, *names: int) -> int:
    """A session id that belongs to no device of the organization's people (13 digits)."""
    return 10**12 + mix(seed, 4_242, *names) % (9 * 10**12)


def new_user_id(roll: random.Random) -> str:
    """A user id as Enterprise organizations have them (`W0…`)."""
    return identifier("W", roll)
