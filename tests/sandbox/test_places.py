from __future__ import annotations

import ipaddress

import numpy as np

from gridtrail.sandbox.clock import DAY, HOUR
from gridtrail.sandbox.networks import REGIONS
from gridtrail.sandbox.places import HOME, OFF, OFFICE, TRIP, Migration, Trip
from gridtrail.sandbox.plan import Plan
from gridtrail.sandbox.world import World, build_world


def seconds(world: World) -> range:
    return range(world.plan.start, world.plan.stop, 3 * HOUR)


def test_an_address_lies_in_the_network_it_names(world: World) -> None:
    """Whoever, wherever, whenever: the address belongs to the place's network."""
    blocks = {
        network.key: [ipaddress.ip_network(block) for block in world.atlas.cidrs_of(network)]
        for network in world.atlas.networks.values()
    }
    for person in world.people[::5]:
        for device in person.devices:
            for second in seconds(world):
                place = world.places.address(person, device, second)
                address = ipaddress.ip_address(place.ip)
                assert any(address in block for block in blocks[place.network])
                assert place == world.places.address(person, device, second)


def test_people_at_the_office_share_its_addresses(world: World) -> None:
    """At noon of an office day a desktop speaks from the office, and there are few addresses."""
    found = set()
    for person in world.people:
        device = person.device("desktop")
        zone = REGIONS[person.region].zone
        for day in range(world.first, world.first + 10):
            if person.region == "chicago" and device and not device.relay:
                if world.places.mode(person, day) != OFFICE or person.company:
                    continue
                noon = day * DAY - zone.offset_on(day) + 12 * HOUR
                place = world.places.address(person, device, noon)
                assert place.network == "office_chicago"
                if ":" not in place.ip:
                    found.add(place.ip)
    assert 1 <= len(found) <= 3


def test_two_in_a_hundred_travel_in_a_week() -> None:
    """Trips begin for about 2 % of the members a week; Matt stays."""
    world = build_world(Plan(seed=6, people=400, days=56))
    members = [person for person in world.people if person.company is None]
    days = range(world.first, world.first + 56)
    began = sum(
        world.places.mode(person, day) == TRIP and world.places.mode(person, day - 1) != TRIP
        for person in members
        for day in days
    )
    assert 0.012 < began / len(members) / 8 < 0.024
    assert all(world.places.mode(world.people[0], day) in (OFFICE, HOME) for day in days)
    off = np.mean([[world.places.mode(one, day) == OFF for day in days] for one in members])
    assert 0.03 < off < 0.2


def test_homes_keep_a_lease_for_weeks(world: World) -> None:
    """A home's IPv4 address changes now and then, not daily."""
    person = next(p for p in world.people if p.device("browser") and not p.devices[-1].relay)
    browser = person.devices[-1]
    places = [world.places.address(person, browser, second) for second in seconds(world)]
    homes = [place.ip for place in places if place.network.startswith("home") and "." in place.ip]
    assert len(homes) > 10
    assert len(set(homes)) <= 5


def test_a_trip_and_a_migration_change_the_network(world: World) -> None:
    """A sent person is on the Wi-Fi there with the story's tag; after the migration computers
    speak from the new gateway."""
    person = world.people[4]
    day = world.first + 9
    world.places.send(person, Trip(day, day, "osaka", "conference", 7))
    desktop = next(device for device in person.devices if device.kind != "phone")
    desktop.relay = False
    place = world.places.address(person, desktop, day * DAY + 12 * HOUR)
    assert (place.network, place.tag) == ("conference", 7)
    world.places.migration = Migration(day * DAY, 3)
    place = world.places.address(person, desktop, day * DAY + 12 * HOUR)
    assert (place.network, place.tag) == ("vpn_new", 3)
    assert world.places.address(person, desktop, (day + 5) * DAY).tag == -1
