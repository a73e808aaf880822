from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from gridtrail.errors import WrongUse
from gridtrail.sandbox.plan import Plan, Story, acme_plan


def test_the_demonstration_is_fixed_in_time() -> None:
    """Acme's plan ends on 2026-11-20 whatever today is, and holds Matt and the harmless burst."""
    plan = acme_plan()
    assert plan.last_day == date(2026, 11, 20)
    assert plan.stop == 1_795_219_200
    assert plan.stop - plan.start == 56 * 86_400
    assert [story.kind for story in plan.stories] == ["matt", "harmless_burst"]
    assert not plan.stories[0].with_slack_anomalies


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"people": 3}, "20 people"),
        ({"days": 1}, "3 days"),
        ({"events_scale": 0.0}, "events_scale"),
        ({"archetype": "castle"}, "archetype"),
        ({"stories": (Story("heist"),)}, "heist"),  # type: ignore[arg-type]
        ({"stories": (Story("matt", "shrill"),)}, "shrill"),  # type: ignore[arg-type]
        ({"stories": (Story("matt", days_before_end=90),)}, "days_before_end"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, Any], word: str) -> None:
    """A wrong value is refused at once with a sentence that names it."""
    with pytest.raises(WrongUse, match=word):
        Plan(seed=1, **wrong)
