from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization


def values(events: list[dict[str, Any]], key: str) -> set[Any]:
    return {event["context"][key] for event in events}


def network(organization: Organization, key: str) -> str:
    """The first three numbers of the network's block (the small ones fit into a /24)."""
    found = next(one for one in organization.world["networks"] if one["key"] == key)
    return str(found["blocks"][0]).rsplit(".", 1)[0]


def test_the_harmless_burst_is_human_and_on_matts_day(loud: Organization) -> None:
    """40 to 60 files in about an hour with an own client, on the day of Matt's story."""
    events = loud.events_of("harmless_burst")
    assert 40 <= len({event["entity"]["file"]["id"] for event in events}) <= 60
    assert events[-1]["date_create"] - events[0]["date_create"] < 5_400
    assert all("Slack_SSB" in agent or "Mozilla" in agent for agent in values(events, "ua"))
    day = loud.story("matt")["start"] // 86_400
    assert events[0]["date_create"] // 86_400 == day
    assert loud.story("harmless_burst")["actor_id"] != loud.story("matt")["actor_id"]


def test_a_rollout_moves_most_computers_at_once(loud: Organization) -> None:
    """The story's events come from many people with one new version."""
    story = loud.story("client_rollout")
    events = loud.events_of("client_rollout")
    versions = {event["context"]["ua"].split("Slack_SSB/")[1] for event in events}
    assert len(story["actor_ids"]) > 30
    assert len(versions) == 1
    assert story["note"].split()[1] == versions.pop()


def test_a_rollback_is_a_downgrade_of_several_people(loud: Organization) -> None:
    """People who had shown the newer version show the older one afterwards."""
    story = loud.story("client_rollback")
    words = story["note"].replace(".;", " ").replace(";", "").split()
    newer, older = words[1], words[-1].rstrip(".")
    events = loud.events_of("client_rollback")
    assert len({event["actor"]["user"]["id"] for event in events}) >= 3
    assert all(f"Slack_SSB/{older}" in event["context"]["ua"] for event in events)
    actors = set(story["actor_ids"])
    before = [
        event
        for event in loud.events
        if event["actor"]["user"]["id"] in actors and f"Slack_SSB/{newer}" in event["context"]["ua"]
    ]
    assert before


def test_the_virtual_desktops_share_agent_and_addresses(loud: Organization) -> None:
    """One agent, at most four addresses, several people, from the first days on."""
    events = loud.events_of("vdi_pool")
    assert len(values(events, "ua")) == 1
    assert len(values(events, "ip_address")) <= 4
    assert len({event["actor"]["user"]["id"] for event in events}) >= 5
    assert events[0]["date_create"] < loud.plan.start + 3 * 86_400


def test_the_conference_shares_one_hotel_network(loud: Organization) -> None:
    """Several people are on the hotel's Wi-Fi within three days, and nobody else ever is."""
    events = loud.events_of("conference_hotel")
    hotel = network(loud, "conference")
    inside = [event for event in events if event["context"]["ip_address"].startswith(hotel)]
    assert len({event["actor"]["user"]["id"] for event in inside}) >= 3
    everybody = [
        event for event in loud.events if event["context"]["ip_address"].startswith(hotel + ".")
    ]
    labelled = {event["id"] for event in events}
    first = loud.story("conference_hotel")["start"]
    assert {event["id"] for event in everybody} <= labelled
    assert events[-1]["date_create"] - first < 4 * 86_400


def test_after_the_migration_computers_use_the_new_gateway(loud: Organization) -> None:
    """The new gateway is unused before its day; then most computers are there at once."""
    gateway = network(loud, "vpn_new") + "."
    through = [e for e in loud.events if e["context"]["ip_address"].startswith(gateway)]
    begin = loud.story("vpn_migration")["start"]
    first = min(event["date_create"] for event in through)
    assert first // 86_400 == begin // 86_400  # other stories' events pass there too
    assert len({event["actor"]["user"]["id"] for event in through}) >= 10
    assert gateway not in " ".join(loud.world["settings"]["enrich"]["internal_networks"])


def test_the_export_is_an_apps_in_a_persons_name(loud: Organization) -> None:
    """Its downloads carry `context.app` and no session, and the installer as actor."""
    events = loud.events_of("ediscovery_export")
    assert len(events) == 12 * loud.plan.people
    assert values(events, "session_id") == {None}
    assert {event["context"]["app"]["id"] for event in events} == {
        loud.story("ediscovery_export")["app"]
    }
    roles = {person["id"]: person["role"] for person in loud.world["people"]}
    assert roles[loud.story("ediscovery_export")["actor_id"]] == "owner"


def test_a_leaver_takes_little_and_is_switched_off(loud: Organization) -> None:
    """Human numbers over days; the account is deactivated on the last of them."""
    story = loud.story("leaver_downloads")
    events = loud.events_of("leaver_downloads")
    days = np.array([event["date_create"] // 86_400 for event in events])
    assert len(set(days.tolist())) >= 3
    assert max(np.bincount(days - days.min())) < 100
    person = next(one for one in loud.world["people"] if one["id"] == story["actor_id"])
    assert person["left"] is not None
    after = [
        event
        for event in loud.events
        if event["action"] == "user_deactivated"
        and event["entity"]["user"]["id"] == story["actor_id"]
    ]
    assert after or person["left"] + 86_400 >= loud.plan.stop
