from __future__ import annotations

import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gridtrail.sandbox.generate import generate
from gridtrail.sandbox.plan import Plan, Story
from gridtrail.slack.catalogue import is_known
from gridtrail.slack.event import read_event

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization

SMALL = Plan(seed=1, people=30, days=5)
ENTITY_KEYS = {
    "user": {"id", "name", "email", "team"},
    "channel": {"id", "privacy", "name", "is_shared", "is_org_shared", "teams_shared_with"},
    "file": {"id", "name", "filetype", "title"},
    "message": {"channel", "team", "timestamp"},
    "usergroup": {"id", "name"},
    "workflow": {"id", "name"},
    "canvas": {"id", "filetype", "title"},
    "role": {"id", "name", "type"},
    "huddle": {"id", "date_start", "date_end", "participants"},
    "workspace": {"id", "name", "domain"},
    "enterprise": {"id", "name", "domain"},
    "app": {"id", "name", "is_distributed", "is_directory_approved", "is_workflow_app", "scopes"},
}


def digests(path: Path) -> dict[str, str]:
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def test_same_plan_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two runs of one plan write the same files, byte for byte; another seed writes others."""
    plan = Plan(seed=1, people=30, days=5, stories=(Story("matt"), Story("vdi_pool")))
    generate(plan, tmp_path / "one")
    generate(plan, tmp_path / "two")
    generate(SMALL, tmp_path / "plain")
    generate(Plan(seed=2, people=30, days=5), tmp_path / "other")
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert len(digests(tmp_path / "one")) == 8
    plain, other = digests(tmp_path / "plain"), digests(tmp_path / "other")
    assert plain["events.ndjson"] != other["events.ndjson"]


def test_planting_leaves_the_rest_of_life_alone(
    make: Callable[[Plan], Organization],
) -> None:
    """An organization with Matt's story is the same organization plus the story's events."""
    without = make(SMALL)
    planted = make(Plan(seed=1, people=30, days=5, stories=(Story("matt"),)))
    added = set(planted.story("matt")["event_ids"])
    rest = [event for event in planted.events if event["id"] not in added]
    assert len(added) > 200
    assert rest == without.events


def check_context(context: dict[str, Any]) -> None:
    assert set(context) - {"app"} == {"location", "ua", "ip_address", "session_id"}
    assert set(context["location"]) == {"type", "id", "name", "domain"}
    assert context["location"]["type"] in ("workspace", "enterprise")
    session = context["session_id"]
    if "app" in context:
        assert session is None
        assert context["app"]["id"].startswith("A")
    else:
        assert isinstance(session, int)
        assert 12 <= len(str(session)) <= 14


def test_every_event_has_slacks_shape(loud: Organization) -> None:
    """Ids, times, actions, actors, entities and contexts are as the audit log has them."""
    for event in loud.events:
        assert set(event) - {"details"} == {
            "id", "date_create", "action", "actor", "entity", "context",
        }  # fmt: skip
        assert uuid.UUID(event["id"]).version == 4
        assert loud.plan.start <= event["date_create"] < loud.plan.stop
        assert is_known(event["action"]), event["action"]
        assert event["actor"]["type"] == "user"
        assert set(event["actor"]["user"]) == ENTITY_KEYS["user"]
        assert re.fullmatch(r"[WU]0[A-Z0-9]{7,9}", event["actor"]["user"]["id"])
        entity = event["entity"]
        assert set(entity[entity["type"]]) == ENTITY_KEYS[entity["type"]]
        check_context(event["context"])


def test_the_collector_can_read_every_line(loud: Organization) -> None:
    """Each line is an event to the reader of the `slack` room, written as Slack escapes it."""
    lines = (loud.path / "events.ndjson").read_bytes().splitlines()
    for line in lines[::7]:
        assert read_event(line).date_create > 0
        assert line.isascii()
        assert b'":"' in line
        assert not re.search(rb"(?<!\\)/", line)


def test_events_are_ordered_and_ids_are_unique(loud: Organization) -> None:
    """But for an outage, the file is ordered by time and no id stands twice."""
    begin, end = loud.story("outage")["outage"]
    times = [event["date_create"] for event in loud.events]
    outside = [time for time in times if not begin <= time < end]
    assert outside == sorted(outside)
    assert times != sorted(times)
    assert len({event["id"] for event in loud.events}) == len(times)


def test_truth_names_events_that_exist(loud: Organization) -> None:
    """Every story has events, they exist, their span is right, and none belongs to two stories."""
    by_id = {event["id"]: event for event in loud.events}
    seen: Counter[str] = Counter()
    for story in loud.truth:
        assert story["event_ids"], story["kind"]
        seen.update(story["event_ids"])
        times = [by_id[name]["date_create"] for name in story["event_ids"]]
        assert (min(times), max(times)) == (story["start"], story["end"])
    assert max(seen.values()) == 1


def test_progress_is_told_day_by_day(tmp_path: Path) -> None:
    """`on_progress` ends with all days done and never goes back."""
    told: list[tuple[int, int]] = []
    made = generate(SMALL, tmp_path, lambda done, days: told.append((done, days)))
    assert told[-1] == (5, 5)
    assert told == sorted(told)
    assert made.count == len(made.events.read_bytes().splitlines())


@pytest.mark.parametrize("archetype", ["office", "remote", "global"])
def test_archetypes_differ_in_habits(make: Callable[[Plan], Organization], archetype: Any) -> None:
    """Each archetype generates, and people live where it says."""
    made = make(Plan(seed=4, people=40, days=4, archetype=archetype))
    regions = {person["region"] for person in made.world["people"]}
    home = {"office": "lisbon", "remote": "krakow", "global": "leipzig"}
    assert home[archetype] in regions
    assert len(made.events) > 500
