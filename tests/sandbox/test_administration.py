from __future__ import annotations

import json

from gridtrail.sandbox.administration import Administration
from gridtrail.sandbox.chance import dice
from gridtrail.sandbox.world import World
from gridtrail.slack.catalogue import is_known


def test_admins_do_what_the_catalogue_knows(world: World) -> None:
    """Hundreds of acts of an admin are known actions of that admin, rare ones among them."""
    administration, roll = Administration(world), dice(1)
    admin = world.admins[0]
    seen = set()
    for _ in range(600):
        for second, text in administration.deed(admin, "{}", 100, roll):
            event = json.loads("{" + text)
            assert is_known(event["action"])
            assert event["actor"]["user"]["id"] == admin.id
            assert second >= 100
            seen.add(event["action"])
    assert {"usergroup_updated", "user_session_settings_changed", "role_assigned"} <= seen
    assert len(seen) >= 10


def test_joining_and_leaving_is_written_by_an_admin(world: World) -> None:
    """On the day of joining an account is made, on the day of leaving it is switched off."""
    administration = Administration(world)
    person = world.people[10]
    person.joined, person.left = world.first + 2, world.first + 9
    joined = [json.loads("{" + text) for _, text, _ in administration.turnover(world.first + 2)]
    left = [json.loads("{" + text) for _, text, _ in administration.turnover(world.first + 9)]
    assert [e["action"] for e in joined if e["entity"]["user"]["id"] == person.id] == [
        "user_created",
        "user_joined_workspace",
    ]
    mine = [event for event in left if event["entity"]["user"]["id"] == person.id]
    assert [event["action"] for event in mine] == ["user_deactivated"]
    assert mine[0]["actor"]["user"]["id"] in {admin.id for admin in world.admins}
