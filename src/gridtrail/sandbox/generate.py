"""A plan becomes files: the events, the truth about what was planted, and the world around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gridtrail.sandbox.clock import DAY, HOUR
from gridtrail.sandbox.describe import describe_world, write_networks
from gridtrail.sandbox.life import Life, Row
from gridtrail.sandbox.machines import Machines
from gridtrail.sandbox.plan import Plan
from gridtrail.sandbox.staging import Planted, Stage
from gridtrail.sandbox.stories import plant
from gridtrail.sandbox.world import build_world
from gridtrail.sandbox.writing import EventFile, write_json

_WESTERNMOST = 14 * HOUR
"""No local day begins earlier than this before the same day in UTC."""


@dataclass(frozen=True, slots=True)
class Generated:
    """Where the files are and how many events they hold; `stories` is what `truth.json` says."""

    path: Path
    events: Path
    truth: Path
    world: Path
    asn: Path
    count: int
    stories: list[Planted]


def generate(
    plan: Plan, out: Path, on_progress: Callable[[int, int], None] | None = None
) -> Generated:
    """Write the organization of `plan` into the directory `out` (made when missing).

    `events.ndjson` (Slack's event shape, one a line, ordered by arrival), `truth.json`,
    `world.json` and `network/` (`asn.tsv` as iptoasn has it; `tor.txt` addresses, `vpn.txt`,
    `relay.txt` and `hosting.txt` CIDR blocks, one a line). An event belongs to one story at most:
    where two meet, the one about the network has it, not the one about the client.
    `on_progress(done, days)` is called after each day.
    """
    out.mkdir(parents=True, exist_ok=True)
    world = build_world(plan)
    life = Life(world)
    stage = Stage(world, life)
    planted = plant(stage)
    machines = Machines(world)
    file = EventFile(plan, out / "events.ndjson", world.outages)
    for number in range(-1, plan.days + 1):
        day = world.first + number
        file.add(life.day(day), "life", day)
        file.add([Row(*row) for row in machines.day(day)], "machines", day)
        for place, story in enumerate(planted):
            if story.rows is not None and story.first_day == day:
                file.add(story.rows(), "story", place)
        file.flush((day + 1) * DAY - _WESTERNMOST)
        if on_progress is not None:
            on_progress(min(max(number + 1, 0), plan.days), plan.days)
    file.close()
    for place, story in enumerate(planted):
        story.settle(file.ids.get(place, []), file.spans.get(place))
    write_json(out / "truth.json", {"stories": [story.truth() for story in planted]})
    write_json(out / "world.json", describe_world(world))
    asn = write_networks(world, out / "network")
    return Generated(
        out, out / "events.ndjson", out / "truth.json", out / "world.json", asn, file.written,
        planted,
    )  # fmt: skip
