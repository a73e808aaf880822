from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gridtrail.sandbox.clock import DAY
from gridtrail.sandbox.networks import REGIONS

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization

Event = dict[str, Any]


def person_of(organization: Organization, kind: str) -> Event:
    actor = organization.story(kind)["actor_id"]
    return next(one for one in organization.world["people"] if one["id"] == actor)


def own_sessions(person: Event) -> set[int]:
    return {session["id"] for device in person["devices"] for session in device["sessions"]}


def test_a_role_change_is_joins_leaves_and_reading(loud: Organization) -> None:
    """Somebody leaves channels, joins others, and reads for days with the own clients."""
    events = loud.events_of("role_change")
    actions = [event["action"] for event in events]
    assert actions.count("user_channel_join") >= 2
    assert actions.count("user_channel_leave") >= 1
    assert actions.count("file_downloaded") >= 5
    assert len({event["date_create"] // DAY for event in events}) >= 4
    person = person_of(loud, "role_change")
    assert {event["context"]["session_id"] for event in events} <= own_sessions(person)
    assert loud.story("role_change")["note"].split()[3] == person["team"]


def test_on_call_nights_are_at_night(loud: Organization) -> None:
    """Everything happens between midnight and seven where the person lives, over several nights."""
    events = loud.events_of("on_call_nights")
    person = person_of(loud, "on_call_nights")
    zone = REGIONS[person["region"]].zone
    hours = [
        (event["date_create"] + zone.offset_on(event["date_create"] // DAY)) % DAY // 3_600
        for event in events
    ]
    assert max(hours) < 7
    assert len({event["date_create"] // DAY for event in events}) >= 4
    assert {event["context"]["session_id"] for event in events} <= own_sessions(person)


def test_big_jobs_are_apps_without_a_session(loud: Organization) -> None:
    """Archive migration and backfill are thousands of downloads by one app each."""
    for kind, at_least in (("archive_migration", 8), ("integration_backfill", 15)):
        story = loud.story(kind)
        events = [e for e in loud.events_of(kind) if e["action"] == "file_downloaded"]
        assert len(events) == at_least * loud.plan.people
        assert {event["context"]["session_id"] for event in events} == {None}
        assert {event["context"]["app"]["id"] for event in events} == {story["app"]}
        assert {event["actor"]["user"]["id"] for event in events} == {story["actor_id"]}


def test_a_backfill_begins_with_an_approval(loud: Organization) -> None:
    """An admin approves and installs the app seconds before its first download."""
    events = loud.events_of("integration_backfill")
    assert [event["action"] for event in events[:2]] == ["app_approved", "app_installed"]
    approver = loud.story("integration_backfill")["approved_by"]
    assert {event["actor"]["user"]["id"] for event in events[:2]} == {approver}
    assert events[2]["date_create"] - events[0]["date_create"] < 60


def test_an_outage_holds_events_back_and_catches_up(loud: Organization) -> None:
    """Two hours of events stand among later ones, all of them within ten minutes after it."""
    begin, end = loud.story("outage")["outage"]
    assert end - begin == timedelta(hours=2).total_seconds()
    times = [event["date_create"] for event in loud.events]
    inside = [place for place, time in enumerate(times) if begin <= time < end]
    first_after = next(place for place, time in enumerate(times) if time >= end)
    assert len(inside) > 20
    assert sum(place > first_after for place in inside) > len(inside) * 0.7
    latest = max(time for time in times[: max(inside)] if time >= end)
    assert latest <= end + (end - begin) // 12
    labelled = set(loud.story("outage")["event_ids"])
    assert sum(loud.events[place]["id"] in labelled for place in inside) > len(inside) // 2
