from __future__ import annotations

from gridtrail.sandbox.plan import Plan
from gridtrail.sandbox.words import LEADS_FILE
from gridtrail.sandbox.world import World, build_world


def test_there_is_one_matt_and_he_sells(world: World) -> None:
    """The first person is Matt of Sales, a member, and sees the channel with the leads."""
    matt = world.people[0]
    assert (matt.team, matt.role, matt.company) == ("Sales", "member", None)
    assert [person.number for person in world.people if person.name.startswith("Matt ")] == [0]
    holders = [
        channel.number
        for channel in world.channels.all
        if any(world.library.names[file] == LEADS_FILE for file in channel.files)
    ]
    assert len(holders) == 1
    assert holders[0] in matt.channels


def test_roles_and_guests_have_their_shares() -> None:
    """Owners and admins are few, guests about 6 % with their own company's team."""
    world = build_world(Plan(seed=2, people=500, days=30))
    roles = [person.role for person in world.people]
    assert roles.count("owner") == 2
    assert 3 <= roles.count("admin") <= 25
    guests = [person for person in world.people if person.role == "guest"]
    assert len(guests) == 30
    own = {place.id for place in world.workspaces}
    assert not {guest.team_id for guest in guests} & own
    assert all(guest.email.split("@")[1] != world.domain for guest in guests)
    turned = [person for person in world.people if person.joined or person.left]
    assert 8 <= len(turned) <= 40
    assert len({person.id for person in world.people}) == 500


def test_the_worlds_seed_decides() -> None:
    """The same plan builds the same people; another seed builds others."""
    one, two, three = (build_world(Plan(seed=seed, people=30, days=5)) for seed in (1, 1, 9))
    assert [person.actor for person in one.people] == [person.actor for person in two.people]
    assert [person.actor for person in one.people] != [person.actor for person in three.people]
