"""What detectors of novelty have in common: their table of p-values, the level, the anomaly.

A detector names its firsts and its categories (`Novelty`) and puts a row into words (`told`);
when a category is rare enough for its share of the alarm budget is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.contract import DAY_SECONDS, Anomaly, DayContext, Profile, Step
from gridtrail.detect.evidence import p_text, sql_text
from gridtrail.detect.novelty import PARAMETERS, Novelty


@dataclass(frozen=True, slots=True)
class Told:
    """What a detector says of one row; the fields are those of `Anomaly`. `usual` is what is
    usual for the organization, beside the rate of such firsts."""

    reasons: tuple[str, ...]
    words: str  # a sentence's first half, without its full stop
    observed: Mapping[str, Any]
    usual: Mapping[str, Any]
    repeat_key: str
    silent_if: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NoveltyDetector:
    """Base of a detector whose candidates are the rows of one relation with a `category`.

    `firsts` has subject, subject_type, event_id, at (seconds), category and what `told` reads.
    `absolute` names categories that are said whatever the budget, until more than
    `ordinary_above` of person-days, and `ordinary_days` of them at least, show them: then they
    are ordinary in that organization.
    `from_the_start` names those that need no history of the organization.
    """

    name: str
    version: int
    reasons: tuple[str, ...]
    share: float
    novelty: Novelty
    firsts: ir.Table
    profiles: tuple[Profile, ...]
    steps: tuple[Step, ...]
    fidelity: str = "audit"
    repeat_seconds: tuple[int, ...] = (DAY_SECONDS,)
    needs: tuple[str, ...] = ("ua",)
    learning_days: int = 14
    absolute: frozenset[str] = frozenset()
    ordinary_above: float = 2e-3
    ordinary_days: int = 10
    from_the_start: frozenset[str] = frozenset()

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """P-values of the categories."""
        return PARAMETERS

    @cached_property
    def candidates(self) -> ir.Table:
        """The firsts with the p-value of their category."""
        return self.firsts.join(self.novelty.parameters_table, "category")

    def parameters(self, context: DayContext) -> pa.Table | None:
        """P-values of all categories; without history of those in `from_the_start`, if any."""
        if context.history_days >= context.settings.warmup_days:
            return self.novelty.parameters(context)
        if not self.from_the_start:
            return None
        rows = self.novelty.rates(context)
        return rows.filter([name in self.from_the_start for name in rows["category"].to_pylist()])

    def level(self, category: str, context: DayContext) -> float:
        """The largest p-value at which the category is said."""
        budget = context.share_per_subject_day(self.share)
        return max(budget, self.ordinary_above) if category in self.absolute else budget

    def told(self, row: Mapping[str, Any]) -> Told:
        """The row in words."""
        raise NotImplementedError

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly, when this first is rare enough."""
        level = self.level(row["category"], context)
        threshold = p_text(level)
        few = row["category"] in self.absolute and row["seen"] < self.ordinary_days
        if row["p_value"] > level and not few:
            return None
        if few:
            threshold += f" or fewer than {self.ordinary_days} person-days"
        told = self.told(row)
        return Anomaly(
            reasons=told.reasons,
            p_value=row["p_value"],
            threshold=threshold,
            observed={**told.observed, "category": row["category"]},
            usual={
                "organization": {
                    **told.usual,
                    "person_days_like_this": row["seen"],
                    "person_days": row["of"],
                }
            },
            words=f"{told.words}; firsts like this were seen on {row['seen']} of {row['of']} "
            f"person-days (p = {p_text(row['p_value'])}).",
            query=around(row),
            silent_if=told.silent_if,
            repeat_key=told.repeat_key,
            deciding_events=(row["event_id"],),
            details=told.details,
        )


def around(row: Mapping[str, Any], before: int = DAY_SECONDS, after: int = 3600) -> str:
    """SQL that shows what the person did around the deciding event; `before` and `after` in
    seconds."""
    return (
        "SELECT id, date_create, action, ip, ua, session_id FROM events WHERE actor_id = "
        f"{sql_text(row['subject'])} AND date_create BETWEEN {row['at'] - before} "
        f"AND {row['at'] + after} ORDER BY date_create, id"
    )
