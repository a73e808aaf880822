from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from gridtrail.sandbox.chance import dice
from gridtrail.sandbox.deeds import Deeds
from gridtrail.sandbox.world import World

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization


def parsed(text: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads("{" + text)
    return made


def test_every_act_is_a_whole_event(world: World) -> None:
    """Thousands of draws are JSON with the given context, and never lie before their second."""
    deeds, roll = Deeds(world), dice(1)
    seen: Counter[str] = Counter()
    for step in range(3_000):
        chance = [roll.random() for _ in range(4)]
        for second, text in deeds.draw(world.people[step % 70], '{"c":1}', 1_000, chance, roll):
            event = parsed(text)
            assert event["context"] == {"c": 1}
            assert second >= 1_000
            seen[event["action"]] += 1
    assert len(seen) >= 12
    assert seen["file_downloaded"] > sum(seen.values()) / 2


def test_an_invitation_carries_the_inviters_context(loud: Organization) -> None:
    """Who is brought in is the actor, but address, agent and session are the inviter's."""
    sessions = {
        person["id"]: {s["id"] for device in person["devices"] for s in device["sessions"]}
        for person in loud.world["people"]
    }
    invited = [
        event
        for event in loud.events
        if event["action"] == "user_channel_join" and "inviter" in (event.get("details") or {})
    ]
    assert len(invited) > 20
    for event in invited:
        inviter = event["details"]["inviter"]["id"]
        assert inviter != event["actor"]["user"]["id"]
        assert event["context"]["session_id"] in sessions[inviter]


def test_some_files_are_popular(loud: Organization) -> None:
    """Downloads follow a heavy tail: the most seen hundredth of files is far above its share."""
    views = Counter(
        event["entity"]["file"]["id"]
        for event in loud.events
        if event["action"] == "file_downloaded" and event["context"]["session_id"]
    )
    counts = sorted(views.values(), reverse=True)
    top = max(1, len(counts) // 100)
    assert sum(counts[:top]) / sum(counts) > 0.06
    readers = {
        event["actor"]["user"]["id"]
        for event in loud.events
        if event["action"] == "file_downloaded"
        and event["entity"]["file"]["id"] == views.most_common(1)[0][0]
    }
    assert len(readers) > 10


def test_a_video_is_several_rows_within_seconds(world: World) -> None:
    """Viewing a video repeats the same file's row, all within a few seconds."""
    deeds, roll = Deeds(world), dice(2)
    video = world.library.multi.index(True)
    world.library.popular[:] = [video] * 40
    made = deeds.draw(world.people[5], "{}", 50, [0.1, 0.3, 0.05, 0.5], roll)
    assert 2 <= len(made) <= 6
    assert {parsed(text)["entity"]["file"]["id"] for _, text in made} == {world.library.ids[video]}
    assert max(second for second, _ in made) < 60
