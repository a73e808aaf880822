from __future__ import annotations

from typing import Any

from gridtrail.lab.matching import AFTER_SECONDS, LONGEST_TRAP_SECONDS, Stories


def story(harmless: bool, actors: list[str], start: int | None, end: int | None, *events: str,
          **more: Any) -> dict[str, Any]:  # fmt: skip
    return {
        "harmless": harmless, "actor_ids": actors, "start": start, "end": end,
        "event_ids": list(events), **more,
    }  # fmt: skip


STORIES = Stories(
    [
        story(True, ["ann"], 1000, 9000, "t1"),
        story(False, ["ann"], 2000, 3000, "a1", app="A0APP"),
        story(True, ["cem"], 0, LONGEST_TRAP_SECONDS + 1, "v1"),
        story(False, ["dan"], None, None),
    ]
)


def test_own_events_go_first() -> None:
    """An anomaly decided by a story's event belongs to it, whoever it is about and whenever."""
    assert STORIES.of(2500, ["ann"], ["x", "t1"]) == 0
    assert STORIES.of(99_999_999, ["bea"], ["a1"]) == 1
    assert STORIES.of(500, ["cem"], ["v1"]) == 2


def test_attacks_go_before_traps() -> None:
    """While an attack of somebody goes on, what is said of that person is about the attack."""
    assert STORIES.of(2500, ["ann"], []) == 1
    assert STORIES.of(1500, ["ann"], []) == 0
    assert STORIES.of(2500, ["bea", "A0APP"], []) == 1


def test_a_story_ends() -> None:
    """An hour after its last event a story is over; who has no part in any is ordinary life."""
    assert STORIES.of(3000 + AFTER_SECONDS, ["ann"], []) == 1
    assert STORIES.of(3001 + AFTER_SECONDS, ["A0APP"], []) is None
    assert STORIES.of(2500, ["bea"], ["x"]) is None
    assert STORIES.of(2500, ["dan"], []) is None


def test_a_long_trap_explains_only_its_events() -> None:
    """A harmless story of many weeks does not explain all that its people do."""
    assert STORIES.of(500, ["cem"], ["x"]) is None
