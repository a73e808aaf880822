from __future__ import annotations

from typing import TYPE_CHECKING

from gridtrail.enrich.addresses import AddressBook
from gridtrail.settings import EnrichSettings

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization


def settings(organization: Organization) -> EnrichSettings:
    given = dict(organization.world["settings"]["enrich"])
    for key, value in given.items():
        if key.endswith(("files", "lists")):
            given[key] = [organization.path / name for name in value]
    return EnrichSettings(**given)


def test_the_worlds_settings_make_its_addresses_known(loud: Organization) -> None:
    """With `world.json`'s settings `enrich` tells Tor, hosting, offices and homes apart."""
    book = AddressBook(settings(loud))
    tor = loud.events_of("tor")[0]["context"]["ip_address"]
    stolen = book.facts(loud.story("stolen_session")["ip"])
    assert book.facts(tor).kind == "tor"
    assert stolen.kind == "hosting"
    assert stolen.country == "MD"
    assert book.facts(loud.events_of("vdi_pool")[0]["context"]["ip_address"]).kind == "hosting"
    people = {
        event["context"]["ip_address"]
        for event in loud.events
        if event["context"]["session_id"] and event["context"]["ip_address"]
    }
    facts = book.facts_many(sorted(people))
    assert all(fact.valid and fact.asn for fact in facts)
    assert {"internal", "tor", "hosting"} < {fact.kind for fact in facts}


def test_people_are_described_for_a_checker(loud: Organization) -> None:
    """Everybody is there with devices and sessions, and the period is the plan's."""
    world = loud.world
    assert len(world["people"]) == loud.plan.people
    assert world["organization"]["start"] == loud.plan.start
    assert all(person["devices"] for person in world["people"])
    known = {person["id"] for person in world["people"]}
    known.add(loud.story("integration_backfill")["bot"])  # the only actor who is no person
    assert {actor for story in loud.truth for actor in story["actor_ids"]} <= known
