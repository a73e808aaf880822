"""What a rule would have fired, and the difference to the version in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gridtrail.detect.state import day_of
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.rules.compile import plan
from gridtrail.rules.folder import RuleFolders
from gridtrail.rules.rule import Rule, RuleSet
from gridtrail.rules.run import OnProgress, hits_between
from gridtrail.rules.state import Hit
from gridtrail.settings import Settings


@dataclass(frozen=True)
class Backtest:
    """Hits of the candidate, and those of the version in force (None when there is none)."""

    rule: Rule
    hits: Sequence[Hit]
    in_force: Rule | None
    before: Sequence[Hit]

    @property
    def added(self) -> list[Hit]:
        """Hits that only the candidate makes."""
        known = {_same(hit) for hit in self.before}
        return [hit for hit in self.hits if _same(hit) not in known]

    @property
    def gone(self) -> list[Hit]:
        """Hits that only the version in force makes."""
        known = {_same(hit) for hit in self.hits}
        return [hit for hit in self.before if _same(hit) not in known]

    def rows(self) -> list[dict[str, Any]]:
        """A row a UTC day and person: hits of the candidate, of the version in force, the
        difference, by day."""
        keys: dict[tuple[str, dt.date, str], dict[str, int]] = {}
        for name, hits in (
            ("hits", self.hits),
            ("in_force", self.before),
            ("added", self.added),
            ("gone", self.gone),
        ):
            for hit in hits:
                row = keys.setdefault((hit.org, day_of(hit.at), hit.subject or ""), _nothing())
                row[name] += 1
        return [
            {"org": org, "day": day.isoformat(), "subject": subject, **row}
            for (org, day, subject), row in sorted(keys.items())
        ]


def _nothing() -> dict[str, int]:
    return {"hits": 0, "in_force": 0, "added": 0, "gone": 0}


def _same(hit: Hit) -> tuple[str, str, str]:
    """What makes a hit the same in two versions of a rule."""
    return hit.org, hit.event_id, hit.grouped


def candidate(text: str, current: RuleSet) -> tuple[RuleSet, Rule]:
    """The rule that a name, an id or a file means, and the set to run it with.

    A file may refer to rules in force. Raises WrongUse when there is none, or when it is broken.
    """
    path = Path(text)
    if not path.is_file():
        rule = current.find(text)
        if rule is None:
            raise WrongUse(f"There is no rule {text}: gridtrail rules list shows all of them.")
        return _alone(current, rule), rule
    given = RuleFolders([path]).current()
    problems = [one for one in given.problems if "which is not there" not in one.message]
    if problems:
        raise WrongUse(f"{problems[0]}")
    both = _together(path, current)
    firing = [rule for rule in both.rules if rule.path == path and rule.fires]
    if not firing:
        raise WrongUse(f"{path} has no rule that makes hits: give another file.")
    return _alone(both, firing[-1]), firing[-1]


def _together(path: Path, current: RuleSet) -> RuleSet:
    """The file's rules, and of those in force the ones it does not take the place of."""
    files = sorted({rule.path for rule in current.rules if rule.path.resolve() != path.resolve()})
    given = RuleFolders([path]).current()
    names = {rule.key for rule in given.rules} | {rule.id for rule in given.rules}
    kept = [f for f in files if not _defines(current, f, names)]
    return RuleFolders([path, *kept]).current()


def _defines(rules: RuleSet, path: Path, names: set[str]) -> bool:
    return any(rule.path == path and {rule.key, rule.id} & names for rule in rules.rules)


def _alone(rules: RuleSet, rule: Rule) -> RuleSet:
    only = rules.only([rule.key])
    fires = tuple(replace(one, fires=one.key == rule.key) for one in only.rules)
    return RuleSet(fires)


def backtest(
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    text: str,
    current: RuleSet,
    *,
    first: int,
    last: int,
    org: str | None = None,
    on_progress: OnProgress | None = None,
) -> Backtest:
    """Run the rule `text` (name, id or file) from one second to another; writes nothing.

    Raises WrongUse when there is no such rule, or it cannot run.
    """
    rules, rule = candidate(text, current)
    known = current.find(rule.id) or current.find(rule.key)
    in_force = known if known is not None and known.fires else None
    sets: Mapping[str, RuleSet] = {
        "hits": rules,
        "before": _alone(current, in_force) if in_force is not None else RuleSet(),
    }
    found: dict[str, list[Hit]] = {"hits": [], "before": []}
    tell = on_progress or (lambda _text, _done, _all: None)
    for name, chosen in sets.items():
        if name == "before" and in_force is not None and in_force.version == rule.version:
            found[name] = found["hits"]
            continue
        planned = plan(chosen)
        if planned.problems:
            raise WrongUse(str(planned.problems[0]))
        for each in [org] if org is not None else lake.organizations():
            if chosen.rules:
                found[name] += hits_between(
                    lake, engine, settings, planned, org=each, first=first, last=last, tell=tell
                )
    return Backtest(rule, found["hits"], in_force, found["before"])
