"""Harmless things that look odd: nothing above low should come of them."""

from __future__ import annotations

from gridtrail.sandbox.chance import identifier
from gridtrail.sandbox.clients import Release, desktop_agent
from gridtrail.sandbox.clock import DAY, HOUR
from gridtrail.sandbox.life import Row
from gridtrail.sandbox.people import Device, Person
from gridtrail.sandbox.performing import run, spread_over_days
from gridtrail.sandbox.places import OFF, Migration, Trip
from gridtrail.sandbox.plan import Story
from gridtrail.sandbox.render import app_context, body
from gridtrail.sandbox.staging import Planted, Stage, by_loudness, desktop_of


def harmless_burst(stage: Stage, story: Story, number: int) -> Planted:
    """A colleague looks through some dozens of files within an hour: own client, own network."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    person = stage.cast(roll, last, 1, low=0.55)
    device = desktop_of(person)
    count = by_loudness(story, roll.randint(48, 60), roll.randint(40, 48), roll.randint(25, 32))

    def rows() -> list[Row]:
        files = stage.files(person, count, roll)
        at = stage.second(person, last, roll.uniform(10.0, 11.5))
        return run(
            stage, person, number, files, at, 0.95,
            lambda second: stage.own_context(person, device, second), roll, 0.25,
        )  # fmt: skip

    return Planted(
        story, number, [person.id], [], "A colleague prepares a review: one busy hour.", last, rows
    )


def leaver_downloads(stage: Stage, story: Story, number: int) -> Planted:
    """Somebody leaves in good faith and takes along personal files: 1.5 to 3 times the usual."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    person = stage.cast(roll, last, 6, low=0.75, high=0.99)
    days = stage.workdays(person, last, 6)
    factor = by_loudness(story, 3.0, 2.2, 1.5) - 1
    usual = stage.usual_downloads(person)
    person.left = days[-1]

    def rows() -> list[Row]:
        wanted = [(day, max(1, round(usual * factor * roll.uniform(0.6, 1.4)))) for day in days]
        files = stage.files(person, sum(count for _, count in wanted), roll)
        return spread_over_days(stage, person, number, wanted, files, roll)

    return Planted(story, number, [person.id], [], "A leaver's harmless downloads.", days[0], rows)


def ediscovery_export(stage: Stage, story: Story, number: int) -> Planted:
    """The monthly export: an app downloads thousands of files in the name of its installer."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    world = stage.world
    installer = world.people[1]
    team = world.workspaces[0].id
    app = {
        "id": identifier("A", roll),
        "name": "Lexhold Discovery",
        "scopes": ["discovery:read"],
        "scopes_bot": [],
        "creator": installer.id,
        "team": team,
    }
    address = world.atlas["hosting4"].v4(33_000 + roll.randrange(4_000))
    context = app_context(world.enterprise.location, "ApiApp/1.0", address, app)
    count = by_loudness(story, 12, 5, 2) * world.plan.people

    def rows() -> list[Row]:
        at = float(stage.utc(last, 3))
        made = []
        for _ in range(count):
            file = roll.randrange(len(world.library.entities))
            text = body("file_downloaded", installer.actor, world.library.entities[file], context)
            made.append(Row(int(at), text, number))
            at += roll.expovariate(1 / 1.9)
        return made

    return Planted(
        story, number, [installer.id], [], "A sanctioned export by the e-discovery app.", last,
        rows, extra={"app": app["id"]},
    )  # fmt: skip


def conference_hotel(stage: Stage, story: Story, number: int) -> Planted:
    """Many colleagues behind the few addresses of one foreign hotel for three days."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    share = by_loudness(story, 0.12, 0.07, 0.03)
    places = stage.world.places
    free = [
        person
        for person in stage.world.people[1:]
        if person.company is None
        and all(places.mode(person, last - back) != OFF for back in range(3))
    ]
    wanted = min(len(free), max(3, int(share * len(stage.world.people))))
    guests = sorted(roll.sample(free, wanted), key=lambda person: person.number)
    for person in guests:
        places.send(person, Trip(last - 2, last, "lisbon", "conference", number))
    return Planted(
        story, number, [person.id for person in guests], [],
        "A conference: many people on one hotel network abroad.", last - 2,
    )  # fmt: skip


def vpn_migration(stage: Stage, story: Story, number: int) -> Planted:
    """The day on which everybody's computer goes through the new provider's gateways."""
    last = stage.last_day(story)
    stage.world.places.migration = Migration(stage.utc(last, 5), number)
    return Planted(story, number, [], [], "The organization moves to a new VPN provider.", last)


def vdi_pool(stage: Stage, story: Story, number: int) -> Planted:
    """Support works on virtual desktops: one old pinned version, few addresses of a data centre.

    `days_before_end` is ignored: the pool is there for the whole period.
    """
    roll = stage.roll(story, number)
    world = stage.world
    team = [person for person in world.people[1:] if person.team == "Support"]
    share = by_loudness(story, 0.9, 0.5, 0.25)
    members = [person for person in team if roll.random() < share] or team[:3]
    before = [line for line in world.releases["desktop"] if line.at < world.plan.start]
    agent = desktop_agent("windows", before[len(before) // 3])
    for person in members:
        device = desktop_of(person)
        device.kind, device.platform = "desktop", "windows"
        device.pinned_network = "hosting3"
        device.agent_moments, device.agents = [world.plan.start - 90 * DAY], [agent]
        device.agent_tags = [-1]
        device.pinned_tag = number
    return Planted(
        story, number, [person.id for person in members], [],
        "A pool of virtual desktops pinned to one old version.", world.first,
        extra={"agent": agent},
    )  # fmt: skip


def client_rollout(stage: Stage, story: Story, number: int) -> Planted:
    """Device management pushes the newest desktop release to most computers within hours."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    at = stage.utc(last, 6)
    release = _newest(stage, at)
    share = by_loudness(story, 0.9, 0.6, 0.3)
    moved = []
    for person, device in _desktops(stage):
        if roll.random() < share and device.pinned_network is None:
            agent = desktop_agent(device.platform, release)
            moment = at + int(roll.expovariate(1 / (3 * HOUR)))
            if device.agent_at(moment)[0] != agent:
                _force(device, moment, agent, number)
                moved.append(person.id)
    return Planted(
        story, number, moved, [], f"Slack {release.version} is pushed to most computers.", last
    )


def client_rollback(stage: Stage, story: Story, number: int) -> Planted:
    """The newest desktop release is withdrawn: computers that had it go back to the one before."""
    roll = stage.roll(story, number)
    last = stage.last_day(story)
    at = stage.utc(last, 6)
    newest = _newest(stage, at - 2 * DAY)
    line = stage.world.releases["desktop"]
    older = line[line.index(newest) - 1]
    share = by_loudness(story, 1.0, 0.5, 0.2)
    moved = []
    for person, device in _desktops(stage):
        moment = at + int(roll.expovariate(1 / (5 * HOUR)))
        had = device.agent_at(moment)[0] == desktop_agent(device.platform, newest)
        if had and roll.random() < share:
            _force(device, moment, desktop_agent(device.platform, older), number)
            moved.append(person.id)
    return Planted(
        story, number, moved, [],
        f"Slack {newest.version} is withdrawn; computers go back to {older.version}.", last,
    )  # fmt: skip


def _newest(stage: Stage, second: int) -> Release:
    return [line for line in stage.world.releases["desktop"] if line.at < second][-1]


def _desktops(stage: Stage) -> list[tuple[Person, Device]]:
    return [
        (person, device)
        for person in stage.world.people
        for device in person.devices
        if device.kind == "desktop"
    ]


def _force(device: Device, moment: int, agent: str, tag: int) -> None:
    """Let the device show `agent` from `moment` on; later changes within a week are dropped."""
    kept = [
        (at, text, old)
        for at, text, old in zip(
            device.agent_moments, device.agents, device.agent_tags, strict=True
        )
        if at < moment or at > moment + 7 * DAY
    ]
    kept.append((moment, agent, tag))
    kept.sort(key=lambda change: change[0])
    device.agent_moments = [at for at, _, _ in kept]
    device.agents = [text for _, text, _ in kept]
    device.agent_tags = [old for _, _, old in kept]
