"""What a checker needs to know of the world, as JSON, and the network tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gridtrail.sandbox.clock import DAY
from gridtrail.sandbox.people import Person
from gridtrail.sandbox.world import World
from gridtrail.sandbox.writing import write_lines


def describe_world(world: World) -> dict[str, Any]:
    """Organization, people with their devices and sessions, networks, and fitting settings.

    `settings` has the names of `gridtrail.settings`, its paths are relative to the directory. Its
    internal networks are the offices and the VPN gateway of the first day: nobody has yet written
    down the new gateway of a VPN migration.
    """
    plan, atlas = world.plan, world.atlas
    offices = {f"office_{person.region}" for person in world.people if person.company is None} | {
        "vpn_old"
    }
    blocks = [
        cidr
        for network in atlas.networks.values()
        if network.key in offices
        for cidr in atlas.cidrs_of(network)
    ]
    return {
        "organization": {
            "id": world.enterprise.id,
            "name": plan.name,
            "domain": world.domain,
            "archetype": plan.archetype,
            "seed": plan.seed,
            "start": plan.start,
            "stop": plan.stop,
            "workspaces": [
                {"id": place.id, "name": place.name, "domain": place.domain}
                for place in world.workspaces
            ],
        },
        "settings": {
            "org": world.enterprise.id,
            "enrich": {
                "asn_files": ["network/asn.tsv"],
                "tor_lists": ["network/tor.txt"],
                "vpn_lists": ["network/vpn.txt"],
                "relay_lists": ["network/relay.txt"],
                "hosting_lists": ["network/hosting.txt"],
                "packaged_asn": False,
                "hosting_asns": sorted({network.asn for network in atlas.of_kind("hosting")}),
                "internal_networks": blocks,
            },
        },
        "networks": [
            {
                "key": network.key,
                "kind": network.kind,
                "asn": network.asn,
                "name": network.name,
                "country": network.country,
                "blocks": atlas.cidrs_of(network),
            }
            for network in atlas.networks.values()
        ],
        "people": [_describe_person(world, person) for person in world.people],
    }


def _describe_person(world: World, person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "team": person.team,
        "team_id": person.team_id,
        "role": person.role,
        "region": person.region,
        "company": person.company,
        "joined": None if person.joined is None else person.joined * DAY,
        "left": None if person.left is None else person.left * DAY,
        "channels": [world.channels.all[number].id for number in person.channels],
        "devices": [
            {
                "kind": device.kind,
                "platform": device.platform,
                "sessions": [
                    {"id": session, "from": moment}
                    for session, moment in zip(device.sessions, device.session_moments, strict=True)
                ],
            }
            for device in person.devices
        ],
    }


def write_networks(world: World, folder: Path) -> Path:
    """Write the tables into `folder`; returns the path of `asn.tsv`."""
    folder.mkdir(parents=True, exist_ok=True)
    atlas = world.atlas
    write_lines(folder / "asn.tsv", atlas.tsv())
    write_lines(folder / "tor.txt", atlas.tor_exits())
    write_lines(folder / "vpn.txt", atlas.cidrs(("vpn",)))
    write_lines(folder / "relay.txt", atlas.cidrs(("relay",)))
    write_lines(folder / "hosting.txt", atlas.cidrs(("hosting",)))
    return folder / "asn.tsv"
