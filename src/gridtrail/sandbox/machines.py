"""Apps and bots: events with `context.app` and no session, by schedule and not by habit."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from gridtrail.sandbox.chance import dice, identifier, mix
from gridtrail.sandbox.clock import DAY, HOUR, weekday
from gridtrail.sandbox.render import body, piece, user_piece
from gridtrail.sandbox.world import World

Schedule = Literal["nightly", "hourly", "daytime"]


@dataclass(frozen=True, slots=True)
class Machine:
    """One app: how it calls itself, what it does, and how often (`rows` a day for 100 people)."""

    name: str
    agent: str
    schedule: Schedule
    actions: tuple[str, ...]
    rows: float
    network: str
    acts_as_installer: bool = False


MACHINES = (
    Machine("Vaultline Backup", "Python/3.12.4 slackclient/3.35.0 Linux/6.1.0", "nightly",
            ("file_downloaded",), 190, "hosting2", acts_as_installer=True),
    Machine("Roster Sync", "ApiApp/A0ROSTER Java/21.0.4 slack-sdk/1.45.3", "hourly",
            ("usergroup_updated", "user_profile_updated"), 150, "hosting3"),
    Machine("Build Herald", "slack_bolt/1.18 Python/3.11.9 slackclient/3.33.1 Linux/5.15.0",
            "daytime", ("file_uploaded", "file_shared"), 240, "hosting1"),
    Machine("Incident Warden", "Slack Ruby Client/2.1.0", "daytime",
            ("public_channel_created", *["user_channel_join"] * 9), 40, "hosting4"),
    Machine("Frameshop Design", "Bun/1.1.38", "daytime", ("file_uploaded", "file_shared"), 50,
            "hosting5"),
    Machine("Glasswall Scanner", "okhttp/4.12.0", "daytime", ("file_downloaded",), 110, "hosting0"),
)  # fmt: skip


class Machines:
    """Draws what the apps do in a day."""

    def __init__(self, world: World) -> None:
        self._world = world
        roll = dice(world.plan.seed, "machines")
        self.bots: set[str] = set()
        self._voices = [self._introduce(machine, roll) for machine in MACHINES]

    def _introduce(self, machine: Machine, roll: random.Random) -> tuple[str, str]:
        """The actor and the context (with `%s` for the address) of an app."""
        world = self._world
        app_id = identifier("A", roll)
        owner = world.people[1]
        team = world.workspaces[0].id
        bot_id = identifier("U", roll)
        self.bots.add(bot_id)
        bot = user_piece(bot_id, machine.name, f"botuser-{team}-{app_id}@slack-bots.com", team)
        app = {
            "id": app_id,
            "name": machine.name,
            "scopes": ["files:read"] if machine.acts_as_installer else [],
            "scopes_bot": ["chat:write", "files:write"],
            "creator": owner.id,
            "team": team,
        }
        context = (
            f'{{"location":{world.workspaces[0].location},"ua":{piece(machine.agent)},'
            f'"ip_address":"%s","session_id":null,"app":{piece(app)}}}'
        )
        return (owner.actor if machine.acts_as_installer else bot), context

    def day(self, day: int) -> list[tuple[int, str]]:
        """Rows of the UTC `day` (days since the epoch), as (second, event text)."""
        plan = self._world.plan
        made: list[tuple[int, str]] = []
        for number, machine in enumerate(MACHINES):
            roll = dice(plan.seed, "machines", number, day)
            busy = roll.betavariate(3, 3) * 2 * (0.35 if weekday(day) >= 5 else 1.0)
            if machine.schedule != "daytime":
                busy = 0.8 + busy / 5
            count = int(machine.rows * plan.people / 100 * plan.events_scale * busy)
            voice = self._voices[number]
            network = self._world.atlas[machine.network]
            for at in self._times(machine, day, count, roll):
                ip = network.v4(500 + number * 700 + mix(number, at // 21_600) % 6)
                made += self._act(machine, voice[0], voice[1] % ip, at, roll)
        return made

    def _times(self, machine: Machine, day: int, count: int, roll: random.Random) -> list[int]:
        if machine.schedule == "nightly":
            at, times = float(day * DAY + 2 * HOUR + roll.randrange(600)), []
            for _ in range(count):
                times.append(int(at))
                at += roll.expovariate(1 / 2.2)
            return times
        if machine.schedule == "hourly":
            return [
                day * DAY + hour * HOUR + 5 + step // 3
                for hour in range(24)
                for step in range(count // 24 + (roll.random() < count / 24 % 1))
            ]
        times, left = [], count
        while left > 0:
            begin = day * DAY + int(roll.triangular(6, 26, 16) * HOUR) % DAY
            burst = min(left, int(roll.paretovariate(1.2)))
            times += [begin + step * 2 for step in range(burst)]
            left -= burst
        return times

    def _act(
        self, machine: Machine, actor: str, context: str, at: int, roll: random.Random
    ) -> list[tuple[int, str]]:
        action = roll.choice(machine.actions)
        world = self._world
        if action.startswith("file_"):
            entity = world.library.entities[roll.randrange(len(world.library.entities))]
            return [(at, body(action, actor, entity, context))]
        if action == "usergroup_updated":
            group = {"id": "S0ROSTER", "name": "everyone"}
            entity = piece({"type": "usergroup", "usergroup": group})
            return [(at, body(action, actor, entity, context))]
        person = roll.choice(world.people)
        if action == "user_profile_updated":
            return [(at, body(action, actor, person.actor, context))]
        channel = roll.choice(world.channels.all)
        if action == "user_channel_join":
            details = '{"type":"INVITED","is_workflow":false}'
            return [(at, body(action, person.actor, channel.entity, context, details))]
        details = piece({"name": channel.name})
        return [(at, body(action, actor, channel.entity, context, details))]
