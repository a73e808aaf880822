"""Channels and files of the simulated organization, with popularity."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from gridtrail.sandbox.chance import identifier
from gridtrail.sandbox.render import piece
from gridtrail.sandbox.words import (
    CHANNEL_WORDS,
    COMMON_CHANNELS,
    FILE_STEMS,
    FILE_TYPES,
    LEADS_FILE,
    PROJECTS,
    TEAMS,
)

MULTI_ROW_TYPES = frozenset({"mp4", "pptx", "fig"})
"""Types whose viewing is logged as several `file_downloaded` rows within seconds."""


@dataclass(slots=True)
class Channel:
    """One channel; `files` are file numbers, oldest first."""

    number: int
    id: str
    name: str
    privacy: str
    team: str
    entity: str
    files: list[int] = field(default_factory=list)


class Library:
    """All files; a file is a number into the parallel lists `ids`, `names`, `entities`, `multi`."""

    def __init__(self, roll: random.Random) -> None:
        self._roll = roll
        self.ids: list[str] = []
        self.names: list[str] = []
        self.entities: list[str] = []
        self.multi: list[bool] = []
        self.popular: list[int] = []

    def add(self, team: str, name: str | None = None) -> int:
        """A new file in the manner of `team` (or with that `name`); returns its number."""
        roll = self._roll
        if name is None:
            kinds = FILE_TYPES[team]
            kind = roll.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
            name = _file_name(roll, team, kind)
        kind = name.rsplit(".", 1)[1]
        number = len(self.ids)
        file_id = identifier("F", roll, 10)
        self.ids.append(file_id)
        self.names.append(name)
        self.multi.append(kind in MULTI_ROW_TYPES)
        self.entities.append(file_entity(file_id, name))
        return number


def file_entity(file_id: str, name: str) -> str:
    """The `entity` object of a file."""
    stem, kind = name.rsplit(".", 1)
    title = stem.replace("-", " ")
    return piece(
        {"type": "file", "file": {"id": file_id, "name": name, "filetype": kind, "title": title}}
    )


def _file_name(roll: random.Random, team: str, kind: str) -> str:
    stem = roll.choice(FILE_STEMS[team])
    shape = roll.randrange(6)
    if shape == 0:
        return f"{stem}-{roll.choice(PROJECTS).capitalize()}-{roll.randrange(1, 60)}.{kind}"
    if shape == 1:
        return f"{stem}_2026-{roll.randrange(1, 12):02d}-{roll.randrange(1, 29):02d}.{kind}"
    if shape == 2:
        return f"{stem} v{roll.randrange(1, 9)}.{roll.randrange(10)}.{kind}"
    if shape == 3:
        return f"{stem} – {roll.choice(PROJECTS).capitalize()} (final).{kind}"
    return f"{stem}-{roll.randrange(100, 99_999)}.{kind}"


def channel_entity(channel_id: str, name: str, privacy: str) -> str:
    """The `entity` object of a channel."""
    return piece(
        {
            "type": "channel",
            "channel": {
                "id": channel_id,
                "privacy": privacy,
                "name": name,
                "is_shared": False,
                "is_org_shared": name in ("general", "announcements"),
                "teams_shared_with": [],
            },
        }
    )


class Channels:
    """All channels; those of a team, the common ones and projects are found by number."""

    def __init__(self, roll: random.Random, people: int, library: Library) -> None:
        self._roll = roll
        self.library = library
        self.all: list[Channel] = []
        self.common = [self.add(name, "Common", "public") for name in COMMON_CHANNELS]
        self.of_team: dict[str, list[int]] = {}
        for team, share in TEAMS:
            rooms = max(1, round(people * share / 60))
            prefix = team.lower()
            self.of_team[team] = [
                self.add(f"{prefix}-{word}" + (f"-{room + 1}" if room else ""), team)
                for room in range(rooms)
                for word in CHANNEL_WORDS[team]
            ]
        teams = [team for team, _ in TEAMS]
        self.projects = [
            self.add(
                f"proj-{PROJECTS[number % len(PROJECTS)]}"
                + (f"-{number // len(PROJECTS) + 1}" if number >= len(PROJECTS) else ""),
                roll.choice(teams),
            )
            for number in range(max(8, people // 12))
        ]
        self._fill()

    def add(self, name: str, team: str, privacy: str | None = None) -> int:
        """A new channel; private with a chance of 35 % unless `privacy` says otherwise."""
        number = len(self.all)
        channel_id = identifier("C", self._roll, 10)
        privacy = privacy or ("private" if self._roll.random() < 0.35 else "public")
        self.all.append(
            Channel(
                number, channel_id, name, privacy, team, channel_entity(channel_id, name, privacy)
            )
        )
        return number

    def _fill(self) -> None:
        """Files that were there before the period; some files are popular everywhere."""
        for channel in self.all:
            stock = int(min(25 * self._roll.paretovariate(1.1) + 10, 260))
            channel.files = [self.library.add(channel.team) for _ in range(stock)]
        leads = self.all[self.of_team["Sales"][0]]
        leads.files.append(self.library.add("Sales", LEADS_FILE))
        announcements = self.all[self.common[1]]
        self.library.popular = [
            self.library.add("People" if number % 2 else "Common") for number in range(40)
        ]
        announcements.files += self.library.popular

    def choose_for(self, team: str, roll: random.Random, *, guest: bool) -> list[int]:
        """The channels of a new person of `team`, in order of liking."""
        own, common = self.of_team[team], self.common
        count = roll.randint(2, 3) if guest else roll.randint(4, 8)
        mine = roll.sample(own, min(len(own), count))
        mine += roll.sample(self.projects, min(len(self.projects), roll.randint(1, 4)))
        roll.shuffle(mine)
        return mine if guest else mine + roll.sample(common, roll.randint(5, 10))
