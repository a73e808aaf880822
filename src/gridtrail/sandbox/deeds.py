"""Single acts of people, each one or more rows of the audit log."""

from __future__ import annotations

import random
from bisect import bisect_right
from itertools import accumulate

from gridtrail.sandbox.chance import identifier
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.render import body, piece
from gridtrail.sandbox.words import EMOJI, PROJECTS
from gridtrail.sandbox.world import World

Made = list[tuple[int, str]]
"""Rows of one act: (second since the epoch, event without id and time)."""

_WEIGHTS = {
    "view": 0.585,
    "upload": 0.085,
    "canvas": 0.07,
    "share": 0.05,
    "huddle": 0.05,
    "join": 0.05,
    "preview": 0.04,
    "delete": 0.025,
    "leave": 0.014,
    "profile": 0.008,
    "create": 0.006,
    "workflow": 0.006,
    "public_link": 0.006,
    "emoji": 0.005,
}


class Deeds:
    """Draws what somebody does next and writes it down."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._library = world.library
        self._edges = list(accumulate(_WEIGHTS.values()))
        self._acts = [getattr(self, f"_{name}") for name in _WEIGHTS]
        roll = world.library  # canvases are few and popular: drawn once
        self._canvases = [
            piece(
                {
                    "type": "canvas",
                    "canvas": {"id": roll.ids[number], "filetype": "quip", "title": title},
                }
            )
            for number, title in enumerate(
                f"{project.capitalize()} {word}"
                for project in PROJECTS
                for word in ("notes", "plan", "weekly")
            )
        ]

    def draw(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        """One act at second `at`; `chance` holds four numbers from 0 to 1 that decide it."""
        place = bisect_right(self._edges, chance[0] * self._edges[-1] * 0.999999)
        made: Made = self._acts[place](person, context, at, chance, roll)
        return made

    def channel(self, person: Person, chance: float) -> int:
        """The channel that `person` looks at: the liked ones more often."""
        mine = person.channels
        return mine[int(len(mine) * chance**2.3)]

    def file(self, person: Person, one: float, two: float) -> int:
        """The file looked at: new ones of liked channels, and what everybody looks at."""
        if two < 0.13:
            popular = self._library.popular
            return popular[int(len(popular) * one**2.2)]
        files = self._world.channels.all[self.channel(person, one)].files
        back = int(5 * ((two - 0.12) / 0.88) ** -1.15) - 5
        return files[-1 - (back if back < len(files) else int(one * 7_919) % len(files))]

    def _view(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        number = self.file(person, chance[1], chance[2])
        entities = self._library.entities
        text = body("file_downloaded", person.actor, entities[number], context)
        draw = chance[3]
        if self._library.multi[number]:
            return [(at + step, text) for step in range(2 + int(draw * 5))]
        if draw > 0.7:  # a post with several pictures, or a channel's previews
            files = self._world.channels.all[self.channel(person, chance[1])].files
            low = roll.randrange(len(files))
            shown = files[low : low + 2 + int((draw - 0.7) * 30)]
            return [(at, text)] + [
                (at + 1 + step // 4, body("file_downloaded", person.actor, entities[file], context))
                for step, file in enumerate(shown)
            ]
        if draw > 0.3:  # the preview and the opened file
            return [(at, text), (at + 1 + int(draw * 3), text)]
        return [(at, text)]

    def _upload(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        channel = self._world.channels.all[self.channel(person, chance[1])]
        made: Made = []
        for step in range(1 + (chance[2] < 0.2) * roll.randint(1, 4)):
            number = self._library.add(channel.team)
            channel.files.append(number)
            entity = self._library.entities[number]
            made.append((at + step, body("file_uploaded", person.actor, entity, context)))
            made.append((at + step, body("file_shared", person.actor, entity, context)))
        return made

    def _canvas(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        entity = self._canvases[int(len(self._canvases) * chance[1] ** 2)]
        made = [(at, body("canvas_opened", person.actor, entity, context))]
        if chance[2] < 0.25:
            made.append((at + 3, body("canvas_edited", person.actor, entity, context)))
        return made

    def _share(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        entity = self._library.entities[self.file(person, chance[1], chance[2])]
        return [(at, body("file_shared", person.actor, entity, context))]

    def _public_link(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        entity = self._library.entities[self.file(person, chance[1], chance[2])]
        return [(at, body("file_public_link_created", person.actor, entity, context))]

    def _huddle(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        minutes = int(4 * chance[1] ** -0.7)
        others = roll.sample(self._world.people, 2)
        entity = piece(
            {
                "type": "huddle",
                "huddle": {
                    "id": identifier("R", roll),
                    "date_start": at - int(chance[2] * 300),
                    "date_end": 0,
                    "participants": [person.id, *(other.id for other in others)],
                },
            }
        )
        made = [(at, body("huddle_participant_joined", person.actor, entity, context))]
        if minutes < 20:  # longer ones end in another sitting
            left = body("huddle_participant_left", person.actor, entity, context)
            made.append((at + minutes * 60, left))
        return made

    def _join(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        """A person joins, or brings in another: then the other is the actor, in this context."""
        channel = self._world.channels.all[self.channel(person, chance[1])]
        if chance[2] > 0.35:
            if channel.number not in person.channels:
                person.channels.append(channel.number)
            details = '{"type":"JOINED"}'
            return [(at, body("user_channel_join", person.actor, channel.entity, context, details))]
        inviter = {
            "id": person.id,
            "name": person.name,
            "email": person.email,
            "team": person.team_id,
        }
        details = piece({"inviter": inviter, "type": "INVITED"})
        made: Made = []
        for step in range(1 + int(chance[3] ** 3 * 6)):
            guest = roll.choice(self._world.people)
            if guest.number != person.number:
                text = body("user_channel_join", guest.actor, channel.entity, context, details)
                made.append((at + step // 2, text))
        return made

    def _leave(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        channel = self._world.channels.all[self.channel(person, chance[1])]
        return [(at, body("user_channel_leave", person.actor, channel.entity, context))]

    def _preview(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        channel = roll.choice(self._world.channels.all)
        if channel.privacy != "public" or person.company is not None:
            return [(at, body("canvas_opened", person.actor, self._canvases[0], context))]
        return [(at, body("public_channel_preview", person.actor, channel.entity, context))]

    def _delete(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        channel = self._world.channels.all[self.channel(person, chance[1])]
        message = {
            "channel": channel.id,
            "team": self._world.workspaces[person.workspace].id,
            "timestamp": f"{at - int(chance[2] * 4_000)}.{int(chance[3] * 1e6):06d}",
        }
        entity = piece({"type": "message", "message": message})
        return [(at, body("message_tombstoned", person.actor, entity, context))]

    def _profile(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        return [(at, body("user_profile_updated", person.actor, person.actor, context))]

    def _create(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        if person.company is not None:
            return []
        word = roll.choice(PROJECTS)
        number = self._world.channels.add(
            f"tmp-{word}-{len(self._world.channels.all)}", person.team
        )
        channel = self._world.channels.all[number]
        channel.files.append(self._library.add(person.team))
        person.channels.insert(0, number)
        details = piece({"name": channel.name})
        action = f"{channel.privacy}_channel_created"
        return [(at, body(action, person.actor, channel.entity, context, details))]

    def _workflow(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        name = f"{roll.choice(PROJECTS).capitalize()} request"
        flow = {"id": identifier("W", roll, 10), "name": name}
        entity = piece({"type": "workflow", "workflow": flow})
        made = [(at, body("workflow_created", person.actor, entity, context))]
        if chance[1] < 0.6:
            made.append((at + 4, body("workflow_published", person.actor, entity, context)))
        return made

    def _emoji(
        self, person: Person, context: str, at: int, chance: list[float], roll: random.Random
    ) -> Made:
        entity = self._world.workspaces[person.workspace].entity
        details = piece({"name": f"{roll.choice(EMOJI)}-{roll.randrange(999)}"})
        return [(at, body("emoji_added", person.actor, entity, context, details))]
