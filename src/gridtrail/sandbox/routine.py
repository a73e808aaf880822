"""Harmless things of the working life: new roles, nights on call, big jobs of apps, an outage."""

from __future__ import annotations

import random

from gridtrail.sandbox.arrivals import Outage
from gridtrail.sandbox.chance import identifier
from gridtrail.sandbox.clock import HOUR
from gridtrail.sandbox.life import Row
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.performing import spread_over_days
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.render import app_context, body, piece, user_piece
from gridtrail.sandbox.staging import Planted, Stage, by_loudness, desktop_of
from gridtrail.sandbox.words import TEAMS


def role_change(stage: Stage, story: Story, number: int) -> Planted:
    """Somebody moves to another team: other channels, and a week of reading into them."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    person = stage.cast(roll, last, 6, low=0.5)
    days = stage.workdays(person, last, 6)
    team = roll.choice([name for name, _ in TEAMS if name != person.team])
    factor = by_loudness(story, 2.5, 1.5, 0.8)
    usual = stage.usual_downloads(person)

    def rows() -> list[Row]:
        made = _move(stage, person, days[0], team, roll, number)
        wanted = [(day, max(1, round(usual * factor * roll.uniform(0.6, 1.4)))) for day in days]
        files = stage.files(person, sum(count for _, count in wanted), roll)
        return made + spread_over_days(stage, person, number, wanted, files, roll)

    return Planted(
        story, number, [person.id], [], f"Somebody moves to {team} and reads up.", days[0], rows
    )


def _move(
    stage: Stage, person: Person, day: int, team: str, roll: random.Random, number: int
) -> list[Row]:
    """Leave the old team's channels and join the new one's; changes the person."""
    channels = stage.world.channels
    old = [one for one in person.channels if channels.all[one].team == person.team]
    new = [one for one in channels.of_team[team] if one not in person.channels][:6]
    person.channels = new + [one for one in person.channels if one not in old]
    person.team = team
    at = stage.second(person, day, 9.2)
    context = stage.own_context(person, desktop_of(person), at)
    made = []
    for step, channel in enumerate([*old, *new]):
        action, details = "user_channel_leave", None
        if channel in new:
            action, details = "user_channel_join", '{"type":"JOINED"}'
        text = body(action, person.actor, channels.all[channel].entity, context, details)
        made.append(Row(at + step * 7, text, number))
    return made


def on_call_nights(stage: Stage, story: Story, number: int) -> Planted:
    """An engineer on call works in the nights of a week: own client, home, human pace."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    nights = by_loudness(story, 6, 4, 2)
    person = stage.cast(roll, last, nights, low=0.6)
    days = stage.workdays(person, last, nights)
    a_night = by_loudness(story, 30, 15, 8)

    def rows() -> list[Row]:
        wanted = [(day, max(1, round(a_night * roll.uniform(0.4, 1.4)))) for day in days]
        files = stage.files(person, sum(count for _, count in wanted), roll)
        return spread_over_days(stage, person, number, wanted, files, roll, (0.3, 4.8))

    return Planted(
        story, number, [person.id], [], "On call: busy in the nights of a week.", days[0], rows
    )


def archive_migration(stage: Stage, story: Story, number: int) -> Planted:
    """The quarterly move of old channels to an archive, by an app in its installer's name."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    world = stage.world
    installer = world.people[1]
    app = _app("Coldstore Archiver", installer, world.workspaces[0].id, roll)
    address = world.atlas["hosting2"].v4(71_000 + roll.randrange(4_000))
    context = app_context(world.enterprise.location, "Coldstore/5.2 okhttp/4.12.0", address, app)
    count = by_loudness(story, 8, 4, 1) * world.plan.people

    def rows() -> list[Row]:
        at = float(stage.utc(last, 1))
        made = []
        for place in range(count):
            file = roll.randrange(len(world.library.entities))
            text = body("file_downloaded", installer.actor, world.library.entities[file], context)
            made.append(Row(int(at), text, number))
            at += roll.expovariate(1 / 1.4)
            if place % 40 == 39:
                channel = roll.choice(world.channels.all)
                action = f"{channel.privacy}_channel_archive"
                made.append(
                    Row(int(at), body(action, installer.actor, channel.entity, context), number)
                )
        return made

    return Planted(
        story, number, [installer.id], [], "A sanctioned move of old channels to an archive.", last,
        rows, extra={"app": app["id"]},
    )  # fmt: skip


def integration_backfill(stage: Stage, story: Story, number: int) -> Planted:
    """A newly approved integration reads the past once, as its own bot, within hours."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    world = stage.world
    admin = stage.cast_admin(roll, last)
    team = world.workspaces[0].id
    app = _app("Ledgerline Search", admin, team, roll)
    bot_id, mail = identifier("U", roll), f"botuser-{team}-{app['id']}@slack-bots.com"
    bot = user_piece(bot_id, "Ledgerline Search", mail, team)
    address = world.atlas["hosting5"].v4(20_000 + roll.randrange(9_000))
    context = app_context(world.workspaces[0].location, "ApiApp/1.0 Go/1.24", address, app)
    count = by_loudness(story, 15, 6, 2) * world.plan.people

    def rows() -> list[Row]:
        at = float(stage.utc(last, 9))
        own = stage.own_context(admin, desktop_of(admin), int(at) - 20)
        shown = {"id": app["id"], "name": app["name"], "is_distributed": True,
                 "is_directory_approved": True, "is_workflow_app": False,
                 "scopes": app["scopes"]}  # fmt: skip
        entity = piece({"type": "app", "app": shown})
        made = [
            Row(int(at) - 20 + 8 * step, body(action, admin.actor, entity, own), number)
            for step, action in enumerate(("app_approved", "app_installed"))
        ]
        for _ in range(count):
            file = roll.randrange(len(world.library.entities))
            text = body("file_downloaded", bot, world.library.entities[file], context)
            made.append(Row(int(at), text, number))
            at += roll.expovariate(1 / 2.1)
        return made

    return Planted(
        story, number, [bot_id], [], "A newly approved integration reads the past.", last, rows,
        extra={"app": app["id"], "bot": bot_id, "approved_by": admin.id},
    )  # fmt: skip


def _app(name: str, creator: Person, team: str, roll: random.Random) -> dict[str, object]:
    return {
        "id": identifier("A", roll),
        "name": name,
        "scopes": ["files:read", "channels:history"],
        "scopes_bot": [],
        "creator": creator.id,
        "team": team,
    }


def outage(stage: Stage, story: Story, number: int) -> Planted:
    """The log stands still for two hours and then catches up within minutes."""
    hours = by_loudness(story, 2.0, 1.0, 0.5)
    last = stage.last_day(story)
    begin = stage.utc(last, 14)
    stage.world.outages.append(Outage(begin, begin + int(hours * HOUR), number))
    return Planted(
        story, number, [], [], f"The log stands still for {hours:g} hours and catches up.", last,
        extra={"outage": [begin, begin + int(hours * HOUR)]},
    )  # fmt: skip
