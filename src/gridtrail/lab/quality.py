"""From the outcomes of trials to the quality table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gridtrail.lab.attempts import StoryLine, missed, story_lines
from gridtrail.lab.calibration import Calibration, judged_all
from gridtrail.lab.harmless import (
    ReasonLine,
    TrapLine,
    false_alarms,
    reason_lines,
    trap_lines,
    user_days,
)
from gridtrail.lab.outcome import Outcome
from gridtrail.lab.totals import Total, totals
from gridtrail.lab.wrong import Wrong


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything that an evaluation has to say."""

    organizations: int
    people: int
    user_days: int
    events: int
    stories: list[StoryLine]
    traps: list[TrapLine]
    reasons: list[ReasonLine]
    totals: list[Total]
    calibration: list[Calibration]
    missed: list[Wrong]
    false_alarms: list[Wrong]


def quality(outcomes: Sequence[Outcome]) -> Quality:
    """The quality table of these trials."""
    return Quality(
        organizations=len(outcomes),
        people=sum(one.people for one in outcomes),
        user_days=sum(user_days(one) for one in outcomes),
        events=sum(one.events for one in outcomes),
        stories=story_lines(outcomes),
        traps=trap_lines(outcomes),
        reasons=reason_lines(outcomes),
        totals=totals(outcomes),
        calibration=judged_all(rate for one in outcomes for rate in one.rates),
        missed=missed(outcomes),
        false_alarms=false_alarms(outcomes),
    )
