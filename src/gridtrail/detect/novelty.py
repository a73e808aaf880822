"""Detectors of novelty: how rare is it that somebody of this organization shows a first like this?

Firsts are put into categories (a new hosting network from a new country, a version downgrade, …).
How many person-days show each category is learned per organization, with a prior worth
PRIOR_DAYS person-days. The p-value of a first is the learned daily probability of its category
and all rarer ones together, so that alarms are as many as the budget says, also in an
organization where such firsts are ordinary: there the p-value is large and nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.contract import DayContext, Profile, arrow_schema, table
from gridtrail.detect.thresholds import DECAY_NUMERATOR, DECAY_SHIFT, UNIT

PRIOR_DAYS = 2000.0
"""So much that two or three firsts of a rare kind are said before the organization's own rate
speaks: in a small organization one such first would otherwise silence its kind for months."""
EVERYBODY = "*"
NOVELTY = {"category": "string", "person_days": "int64"}
PARAMETERS = {
    "category": "string",
    "p_value": "float64",  # daily probability of this category or a rarer one
    "seen": "int64",  # person-days that showed it, decayed
    "of": "int64",  # person-days watched, decayed
}


@dataclass(frozen=True)
class Novelty:
    """Learned daily rates of categories of firsts.

    `firsts` has subject and category, one row or more a day; `exposed` has the subjects that
    could have shown one. `priors` gives every category and its daily probability before
    anything is learned, which is worth `prior_days` person-days.
    """

    name: str
    firsts: ir.Table
    exposed: ir.Table
    priors: Mapping[str, float]
    prior_days: float = PRIOR_DAYS
    profile: Profile = field(init=False)

    def __post_init__(self) -> None:
        shown = self.firsts.group_by("category").aggregate(
            person_days=(self.firsts.subject.nunique() * UNIT).cast("int64")
        )
        watched = self.exposed.aggregate(
            person_days=(self.exposed.subject.nunique() * UNIT).cast("int64")
        ).mutate(category=ibis.literal(EVERYBODY))
        summary = shown.union(watched.select(*NOVELTY))
        object.__setattr__(
            self, "profile", Profile(f"novelty_{self.name}", 1, NOVELTY, summary, _fold)
        )

    @property
    def parameters_table(self) -> ir.Table:
        """The unbound table of categories and their p-values."""
        return table(f"{self.name}_parameters", PARAMETERS)

    def parameters(self, context: DayContext) -> pa.Table | None:
        """Rows of PARAMETERS from what was learned before this day; None while the organization
        has too little history for a first to mean anything."""
        if context.history_days < context.settings.warmup_days:
            return None
        return self.rates(context)

    def rates(self, context: DayContext) -> pa.Table:
        """Rows of PARAMETERS from priors and what was learned, however little that is."""
        rows = context.read(self.profile.table).to_pylist()
        learned = {row["category"]: row["person_days"] / UNIT for row in rows}
        watched = learned.get(EVERYBODY, 0.0)
        rates = {
            category: (learned.get(category, 0.0) + self.prior_days * prior)
            / (watched + self.prior_days)
            for category, prior in self.priors.items()
        }
        # summed in a fixed order, so that the same rows give the same bits
        ordered = sorted(rates.items(), key=lambda pair: (pair[1], pair[0]))
        p_values = {category: sum(r for _, r in ordered if r <= rate) for category, rate in ordered}
        names = sorted(rates)
        return pa.table(
            {
                "category": names,
                "p_value": [min(p_values[name], 1.0) for name in names],
                "seen": [round(learned.get(name, 0.0)) for name in names],
                "of": [round(watched)] * len(names),
            },
            schema=arrow_schema(PARAMETERS),
        )


def _fold(before: ir.Table, new: ir.Table) -> ir.Table:
    old = before.mutate(person_days=(before.person_days * DECAY_NUMERATOR) >> DECAY_SHIFT)
    both = old.union(new)
    return (
        both.group_by("category")
        .aggregate(person_days=both.person_days.sum().cast("int64"))
        .select(*NOVELTY)
    )
