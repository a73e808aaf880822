"""Rules: which run, what is wrong with them, what they hit lately."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from starlette.responses import Response

from gridtrail.rules.rule import LEVELS, Problem
from gridtrail.server.console.charts import Line, day_line
from gridtrail.server.console.detector_facts import DAYS
from gridtrail.server.console.rule_facts import (
    RuleFacts,
    RuleOverview,
    file_name,
    rule_overview,
)
from gridtrail.server.console.times import DAY
from gridtrail.server.console.visit import Visit

STATES = ("working", "broken", "off")


@dataclass(frozen=True, slots=True)
class Row:
    """One rule of the list, with its days."""

    facts: RuleFacts
    line: Line


@dataclass(frozen=True, slots=True)
class RulesPage:
    """The rules that pass the filters of the address; `total` of all there are."""

    template: ClassVar[str] = "rules.html"

    rows: Sequence[Row]
    total: int
    states: Mapping[str, int]
    filters: Mapping[str, str]
    problems: Sequence[tuple[str, Problem]]  # file:line and what is wrong
    problem: str
    strangers: Mapping[str, int]
    decided_to: int | None
    last: int
    levels: Sequence[str] = LEVELS
    known_states: Sequence[str] = STATES
    days: int = DAYS


async def show(visit: Visit) -> Response:
    """The page."""
    found = await overview_of(visit)
    filters = {name: visit.one(name) or "" for name in ("text", "level", "tag", "state", "hits")}
    chosen = [one for one in found.rules if _passes(one, filters)]
    last = found.last_day * DAY + DAY - 1
    rows = [
        Row(
            one,
            day_line(
                {day: (n, n) for day, n in one.hits.items()},
                found.last_day,
                DAYS,
                f"Hits a day, {DAYS} days",
            ),
        )
        for one in chosen
    ]
    return visit.page(
        RulesPage(
            rows,
            len(found.rules),
            Counter(one.state for one in found.rules),
            filters,
            [(f"{file_name(one.path)}:{one.line}", one) for one in found.problems],
            found.problem,
            found.strangers,
            found.decided_to,
            last,
        )
    )


async def overview_of(visit: Visit) -> RuleOverview:
    """All rules of the organization that is looked at."""
    settings, counts, org = visit.parts.settings.rules, visit.parts.counts, visit.org
    shelf = await visit.state(visit.parts.rules.current)
    return await visit.lake(lambda lake: rule_overview(lake, settings, counts, shelf, org))


def _passes(one: RuleFacts, filters: Mapping[str, str]) -> bool:
    words = filters["text"].lower().split()
    about = f"{one.rule.key} {one.rule.id} {one.rule.title} {one.file} {' '.join(one.tags)}".lower()
    return (
        all(word in about for word in words)
        and filters["level"] in ("", one.rule.level)
        and filters["state"] in ("", one.state)
        and (not filters["tag"] or filters["tag"] in one.tags)
        and (not filters["hits"] or one.total > 0)
    )
