from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gridtrail.enrich.slack_agents import slack_agent
from gridtrail.sandbox.words import LEADS_FILE

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization


def own_events(organization: Organization, kind: str) -> list[dict[str, Any]]:
    """What the actor of the story does besides it, in sessions of their own."""
    story = organization.story(kind)
    return [
        event
        for event in organization.events
        if event["actor"]["user"]["id"] == story["actor_id"]
        and event["id"] not in set(story["event_ids"])
        and event["context"]["session_id"]
        and (event.get("details") or {}).get("type") != "INVITED"
    ]


def sessions_of(organization: Organization, actor: str) -> set[int]:
    person = next(one for one in organization.world["people"] if one["id"] == actor)
    return {session["id"] for device in person["devices"] for session in device["sessions"]}


def values(events: list[dict[str, Any]], key: str) -> set[Any]:
    return {event["context"][key] for event in events}


def files(events: list[dict[str, Any]]) -> list[str]:
    return [
        event["entity"]["file"]["name"] for event in events if event["action"] == "file_downloaded"
    ]


def test_matt_copies_hundreds_of_files_in_under_an_hour(loud: Organization) -> None:
    """About 340 distinct files, the leads among them, some twice, with the client Scrapers Inc."""
    events = loud.events_of("matt")
    downloads = [event for event in events if event["action"] == "file_downloaded"]
    ids = [event["entity"]["file"]["id"] for event in downloads]
    assert 320 <= len(set(ids)) <= 345
    assert len(ids) > len(set(ids)) + 5
    assert LEADS_FILE in files(downloads)
    assert values(events, "ua") == {"Scrapers Inc"}
    assert 1_800 < downloads[-1]["date_create"] - downloads[0]["date_create"] < 4_500
    gaps = np.diff([event["date_create"] for event in downloads])
    assert 2 <= float(np.median(gaps)) <= 15
    assert events[0]["actor"]["user"]["name"].startswith("Matt ")


def test_matt_stays_at_home_in_address_and_session(loud: Organization) -> None:
    """His session and network are his own: no address anomaly, no session anomaly."""
    events = loud.events_of("matt")
    own = own_events(loud, "matt")
    assert values(events, "session_id") <= sessions_of(loud, loud.story("matt")["actor_id"])
    networks = {ip.rsplit(".", 1)[0] for ip in values(own, "ip_address")}
    assert {ip.rsplit(".", 1)[0] for ip in values(events, "ip_address")} <= networks
    assert len(own) > 30


def test_slacks_own_anomalies_come_51_seconds_later(loud: Organization) -> None:
    """One event names scraping and user agent, one downloads; each follows its action by 51 s."""
    anomalies = [event for event in loud.events_of("matt") if event["action"] == "anomaly"]
    assert [event["details"]["reason"] for event in anomalies] == [
        ["unexpected_scraping", "user_agent"],
        ["excessive_downloads"],
    ]
    for event in anomalies:
        action = event["details"]["action_timestamp"]
        assert event["date_create"] == action // 1_000_000 + 51
        assert "Slack_SSB" in event["details"]["previous_ua"]
        assert event["details"]["previous_ip_address"] == ""


def test_a_quiet_matt_takes_weeks(stealthy: Organization) -> None:
    """Stealthy, he takes a dozen files a day over weeks, the leads still among them."""
    events = stealthy.events_of("matt")
    days = [event["date_create"] // 86_400 for event in events]
    assert len(set(days)) >= 10
    assert max(np.bincount(np.array(days) - min(days))) < 30
    assert LEADS_FILE in files(events)


def test_a_stolen_session_interleaves_two_networks(loud: Organization) -> None:
    """The owner's session id is used from a foreign hosting network between the owner's uses."""
    events = loud.events_of("stolen_session")
    story = loud.story("stolen_session")
    sessions = values(events, "session_id")
    assert sessions <= sessions_of(loud, story["actor_id"])
    downloads = [event for event in events if event["action"] == "file_downloaded"]
    assert values(downloads, "ua") == {"Go-http-client/2.0"}
    own = [
        event
        for event in own_events(loud, "stolen_session")
        if story["start"] <= event["date_create"] <= story["end"]
        and event["context"]["session_id"] in sessions
    ]
    assert len(own) >= 5
    assert not values(own, "ip_address") & values(events, "ip_address")
    assert "Go-http-client/2.0" not in values(own, "ua")


def test_tor_is_used_through_listed_exits(loud: Organization) -> None:
    """Every address of the story stands in `tor.txt`; nobody else in the organization uses one."""
    exits = set((loud.path / "network" / "tor.txt").read_text().split())
    events = loud.events_of("tor")
    assert events[0]["action"] == "user_login"
    assert values(events, "ip_address") <= exits
    others = [event for event in loud.events if event["context"]["ip_address"] in exits]
    assert len(others) == len(events)


def test_a_new_network_login_is_a_new_session(loud: Organization) -> None:
    """It begins with a sign-in, in a session that no device has, with an ordinary browser."""
    events = loud.events_of("new_network_login")
    story = loud.story("new_network_login")
    assert events[0]["action"] == "user_login"
    assert not values(events, "session_id") & sessions_of(loud, story["actor_id"])
    assert not values(events, "ip_address") & values(
        own_events(loud, "new_network_login"), "ip_address"
    )
    assert all("Chrome/" in agent for agent in values(events, "ua"))


def test_the_spoofed_client_breaks_the_grammar(loud: Organization) -> None:
    """Its agent claims Slack's desktop without the words that app has, in an own session."""
    events = loud.events_of("spoofed_client")
    (agent,) = values(events, "ua")
    read = slack_agent(agent)
    assert read is not None
    assert read.defect is not None
    assert values(events, "session_id") <= sessions_of(
        loud, loud.story("spoofed_client")["actor_id"]
    )


def test_slow_exfiltration_multiplies_weeks_of_downloads(loud: Organization) -> None:
    """Over three weeks the added downloads are several times the person's own."""
    story = loud.story("slow_exfiltration")
    events = loud.events_of("slow_exfiltration")
    own = [
        event
        for event in own_events(loud, "slow_exfiltration")
        if event["action"] == "file_downloaded"
        and story["start"] <= event["date_create"] <= story["end"]
    ]
    assert story["end"] - story["start"] > 14 * 86_400
    assert len(events) > 2 * len(own)
    assert values(events, "session_id") <= sessions_of(loud, story["actor_id"])


def test_the_mimic_shows_nothing_new(loud: Organization) -> None:
    """Client, session and network are the person's own, and the truth expects it to be missed."""
    story = loud.story("mimic")
    events = loud.events_of("mimic")
    assert story["expected_missed"]
    assert values(events, "session_id") <= sessions_of(loud, story["actor_id"])
    assert all("Slack_SSB" in agent for agent in values(events, "ua"))


def test_only_stories_use_their_clients(loud: Organization) -> None:
    """No harmless event carries an attack's agent: the labels are complete."""
    planted = {name for story in loud.truth for name in story["event_ids"]}
    attack_agents = {"Scrapers Inc", "Go-http-client/2.0"}
    attack_agents |= {loud.story("spoofed_client")["client"], loud.story("tor")["client"]}
    for event in loud.events:
        if event["context"]["ua"] in attack_agents:
            assert event["id"] in planted
