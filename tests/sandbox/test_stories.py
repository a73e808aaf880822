from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from gridtrail.sandbox.plan import ATTACKS, Plan, Story, StoryKind
from gridtrail.sandbox.staging import Stage
from gridtrail.sandbox.stories import plant

if TYPE_CHECKING:
    from tests.sandbox.conftest import Organization


def test_every_kind_can_be_planted(loud: Organization) -> None:
    """All kinds of the plan are there, attacks are marked and traps are not."""
    assert [story["kind"] for story in loud.truth] == list(get_args(StoryKind))
    for story in loud.truth:
        assert story["harmless"] == (story["kind"] not in ATTACKS)
        assert story["severity_at_most"] == ("low" if story["harmless"] else None)
        if story["harmless"] or story["expected_missed"]:
            assert story["expected_reasons"] == []
        else:
            assert story["expected_reasons"]


def test_nobody_plays_two_attacks(loud: Organization) -> None:
    """Each attack has an actor of its own: an admin for the admin's, else a plain member."""
    actors = [story["actor_id"] for story in loud.truth if not story["harmless"]]
    assert len(set(actors)) == len(actors)
    roles = {person["id"]: person["role"] for person in loud.world["people"]}
    admin = loud.story("compromised_admin")["actor_id"]
    assert {roles[actor] for actor in actors if actor != admin} == {"member"}
    assert roles[admin] == "admin"


def test_stories_keep_their_order_and_last_day(stage: Stage) -> None:
    """`plant` returns the plan's stories in order, each beginning no later than its last day."""
    stories = (Story("tor", days_before_end=4), Story("mimic"), Story("matt", "stealthy"))
    stage.world.plan = Plan(seed=5, people=80, days=21, stories=stories)
    planted = plant(stage)
    assert [one.story for one in planted] == list(stories)
    for one in planted:
        assert one.first_day <= stage.last_day(one.story)
