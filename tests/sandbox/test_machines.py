from __future__ import annotations

import json

from gridtrail.sandbox.clock import DAY
from gridtrail.sandbox.machines import MACHINES, Machines
from gridtrail.sandbox.world import World


def test_apps_name_themselves_and_hold_no_session(world: World) -> None:
    """Every app's events carry `context.app`, null as session and an address of its hoster."""
    rows = Machines(world).day(world.first)
    events = [json.loads("{" + text) for _, text in rows]
    assert {event["context"]["app"]["name"] for event in events} == {one.name for one in MACHINES}
    assert {event["context"]["session_id"] for event in events} == {None}
    assert all(event["actor"]["type"] == "user" for event in events)


def test_weekends_are_quieter_and_nights_are_for_backups(world: World) -> None:
    """Daytime apps follow the week; the backup runs at night in its installer's name."""
    machines = Machines(world)
    counts = [len(machines.day(20_723 + day)) for day in range(14)]  # begins on a Monday
    assert sum(counts[5:7] + counts[12:14]) / 4 < sum(counts[:5] + counts[7:12]) / 10
    rows = machines.day(20_723)
    backup = [
        (second, event)
        for second, text in rows
        if (event := json.loads("{" + text))["context"]["app"]["name"] == "Vaultline Backup"
    ]
    assert all(2 <= second % DAY / 3600 < 6 for second, _ in backup)
    assert {event["actor"]["user"]["id"] for _, event in backup} == {world.people[1].id}
