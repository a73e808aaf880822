from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import get_args

import pytest

from gridtrail.errors import WrongUse
from gridtrail.lab.organizations import SETTLED_DAYS, organizations
from gridtrail.sandbox.plan import ATTACKS, StoryKind

SIX = organizations(range(100_000, 100_006), people=300, days=60)


def test_six_show_everything() -> None:
    """Six organizations in a row show every attack in every loudness and every trap."""
    seen = Counter((story.kind, story.loudness) for plan in SIX for story in plan.stories)
    for kind in ATTACKS:
        assert all(seen[kind, loud] for loud in ("loud", "paced", "stealthy")), kind  # type: ignore[index]
    assert {kind for kind, _ in seen} == set(get_args(StoryKind))
    assert {plan.archetype for plan in SIX} == {"office", "remote", "global"}
    assert {plan.people for plan in SIX} == {150, 300, 600}
    assert [bool(plan.stories) for plan in SIX] == [True, True, False] * 2
    assert [plan.seed for plan in SIX] == list(range(100_000, 100_006))


def test_stories_end_on_working_days_of_a_settled_log() -> None:
    """Stories end on working days, when the log is old enough; what changes everybody has days of
    its own; nobody plays Matt twice."""
    for plan in SIX:
        for story in plan.stories:
            assert (plan.last_day - timedelta(days=story.days_before_end)).weekday() < 5
            assert plan.days - story.days_before_end > SETTLED_DAYS
        all_of_them = ("client_rollback", "client_rollout", "conference_hotel", "vpn_migration")
        days = [s.days_before_end for s in plan.stories if s.kind in all_of_them]
        assert len(set(days)) == len(days)
        assert sum(story.kind == "matt" for story in plan.stories) <= 1


def test_seeds_decide_everything() -> None:
    """The same seeds give the same organizations, others give others."""
    assert organizations(range(100_000, 100_006), people=300, days=60) == SIX
    assert organizations([100_001], people=300, days=60)[0].stories != SIX[0].stories


def test_too_few_days() -> None:
    """A log too short for the stories is refused with what is needed."""
    with pytest.raises(WrongUse, match="needs 40 days"):
        organizations([1], people=300, days=39)
