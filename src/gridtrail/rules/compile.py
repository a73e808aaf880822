"""All rules of one event as one query: a scan for all of them, not one for each.

Most rules name the actions they are about. A table of (action, rule) is joined with the events,
so that a rule's condition is computed for events of its actions only; rules without actions are
computed for every event. The result has a row for each event and rule that fit together, with the
values that correlations will need.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionOR,
)
from sigma.correlations import SigmaCorrelationCondition
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.types import SigmaString

from gridtrail.engine.duckdb import DuckDB, literal, quoted
from gridtrail.rules.backend import condition_sql
from gridtrail.rules.fields import MACROS, SUBJECT, Field, UnknownField, field
from gridtrail.rules.rule import Problem, PythonRule, Rule, RuleSet

DISPATCH = "_rule_dispatch"
FOUND = "_rule_found"
"""Engine table of rule hits by event: FOUND_COLUMNS and a column `v0`, `v1`, … a value needed."""

FOUND_COLUMNS: Mapping[str, str] = {
    "org": "e.org",
    "id": "e.id",
    "moment": "e.date_create",
    "subject": SUBJECT,
    "actor_id": "e.actor_id",
    "session_id": "e.session_id",
    "ip": "e.ip",
}


@dataclass(frozen=True)
class Compiled:
    """One rule of single events, ready to be computed."""

    rule: Rule
    number: int
    condition: str  # SQL over e, a, c
    actions: frozenset[str] | None  # None: any


@dataclass(frozen=True)
class Plan:
    """Everything that runs: numbers of rules, their SQL, and the problems of those that cannot."""

    rules: RuleSet
    singles: tuple[Compiled, ...]
    correlations: tuple[Rule, ...]  # those used by others first
    numbers: Mapping[str, int]  # key of a rule → number
    values: Mapping[str, tuple[str, frozenset[int]]]  # name of a field → column, numbers
    problems: tuple[Problem, ...]
    python: tuple[Rule, ...] = ()  # rules of single events that Python decides

    @cached_property
    def actions(self) -> frozenset[str] | None:
        """All actions that any rule is about; None when one is about any."""
        named = [one.actions for one in self.singles]
        if self.python or any(one is None for one in named):
            return None
        return frozenset(action for one in named if one is not None for action in one)

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """Every field that a condition or a correlation reads."""
        named = [name for one in self.singles for name in names_in(one.rule.sigma)]
        return tuple(field(name) for name in dict.fromkeys([*named, *self.values]))

    @property
    def needs_addresses(self) -> bool:
        """Whether what is known of addresses is needed."""
        return any(one.needs_addresses for one in self.fields)

    @property
    def needs_clients(self) -> bool:
        """Whether what is known of clients is needed."""
        return any(one.needs_clients for one in self.fields)

    def dispatch(self) -> pa.Table:
        """Rows of DISPATCH."""
        pairs = [(a, one.number) for one in self.singles for a in sorted(one.actions or ())]
        actions, numbers = zip(*pairs, strict=True) if pairs else ((), ())
        return pa.table(
            {"action": pa.array(actions, pa.string()), "rule": pa.array(numbers, pa.int32())}
        )

    def scan(self, events: str) -> str:
        """SQL of the rows of FOUND in the engine's relation `events`."""
        named = [one for one in self.singles if one.actions is not None]
        anywhere = [one for one in self.singles if one.actions is None]
        selects = [self._of_actions(events, named)] if named else []
        selects += [self._of_any(events, anywhere)] if anywhere else []
        return " UNION ALL ".join(selects)

    def _of_actions(self, events: str, rules: Sequence[Compiled]) -> str:
        branches = " ".join(f"WHEN {one.number} THEN ({one.condition})" for one in rules)
        source = f"{quoted(events)} e JOIN {DISPATCH} d ON d.action = e.action {self._joins()}"
        where = f"CASE d.rule {branches} ELSE false END"
        values = {
            column: f"CASE WHEN d.rule IN ({_listed(users)}) THEN {_as_text(field(name))} END"
            for name, (column, users) in self.values.items()
        }
        return f"SELECT {_columns(values)}, d.rule AS rule FROM {source} WHERE {where}"

    def _of_any(self, events: str, rules: Sequence[Compiled]) -> str:
        """Rules about any action: all of them are computed for every event."""
        hits = ", ".join(f"CASE WHEN {one.condition} THEN {one.number} END" for one in rules)
        either = " OR ".join(f"({one.condition})" for one in rules)
        numbers = {one.number for one in rules}
        values = {
            column: _as_text(field(name)) if numbers & users else "NULL::VARCHAR"
            for name, (column, users) in self.values.items()
        }
        found = f"unnest(list_filter([{hits}], lambda one: one IS NOT NULL))::INTEGER"
        source = f"{quoted(events)} e {self._joins()}"
        return f"SELECT {_columns(values)}, {found} AS rule FROM {source} WHERE {either}"

    def _joins(self) -> str:
        joins = "LEFT JOIN addresses a ON a.ip = e.ip " if self.needs_addresses else ""
        return joins + ("LEFT JOIN clients c ON c.ua = e.ua " if self.needs_clients else "")


def _columns(values: Mapping[str, str]) -> str:
    columns = {**FOUND_COLUMNS, **values}
    return ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())


def _as_text(where: Field) -> str:
    """SQL of a field's value as one text; a list of one item is that item."""
    if where.kind != "list":
        return f"({where.sql})::VARCHAR"
    found = where.sql
    more = f"to_json(list_sort({found}))::VARCHAR"
    return f"CASE len({found}) WHEN 0 THEN NULL WHEN 1 THEN ({found})[1] ELSE {more} END"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(one) for one in sorted(numbers)) or "NULL"


def plan(rules: RuleSet) -> Plan:
    """What runs of these rules; those that cannot are problems, with what they use or need."""
    problems: list[Problem] = []
    singles: list[Compiled] = []
    correlations: list[Rule] = []
    python: list[Rule] = []
    numbers: dict[str, int] = {}
    for number, rule in enumerate(rules.rules):
        missing = [used for used in rule.uses if used not in numbers]
        try:
            if missing:
                problems.append(rule.problem(f"It refers to {missing[0]}, which cannot run."))
                continue
            if isinstance(rule.sigma, PythonRule):
                python.append(rule)
            elif isinstance(rule.sigma, SigmaRule):
                sql = condition_sql(rule.sigma)
                singles.append(Compiled(rule, number, sql, actions_of(rule.sigma)))
            else:
                for name in needed(rule):
                    field(name)
                check_thresholds(rule)
                correlations.append(rule)
        except (SigmaError, UnknownField, NotImplementedError, ValueError) as error:
            problems.append(rule.problem(_sentence(error), _where(rule, error)))
            continue
        numbers[rule.key] = number
    values = _values(rules, correlations, numbers)
    return Plan(
        rules,
        tuple(singles),
        tuple(correlations),
        numbers,
        values,
        tuple(problems),
        tuple(python),
    )


def check_thresholds(rule: Rule) -> None:
    """Refuse `thresholds` that are no numbers, or have no group. Raises ValueError."""
    given = rule.content.get("thresholds")
    if given is None:
        return
    sound = isinstance(given, Mapping) and all(
        isinstance(who, str) and isinstance(count, int | float) and not isinstance(count, bool)
        for who, count in given.items()
    )
    if not sound or not rule.correlation.group_by:
        raise ValueError("Its thresholds are unclear: write {W0BEN: 50} beside a group-by")


def _values(
    rules: RuleSet, correlations: Sequence[Rule], numbers: Mapping[str, int]
) -> dict[str, tuple[str, frozenset[int]]]:
    """Fields whose values must be kept with the hits, and for which rules of single events."""
    users: dict[str, set[int]] = {}
    for rule in correlations:
        for leaf in leaves(rules, rule):
            for name in needed(rule):
                users.setdefault(name, set()).add(numbers[leaf.key])
    return {
        name: (f"v{place}", frozenset(numbered))
        for place, (name, numbered) in enumerate(sorted(users.items()))
    }


def leaves(rules: RuleSet, rule: Rule) -> list[Rule]:
    """The rules of single events that a correlation is over, through others."""
    if not rule.is_correlation:
        return [rule]
    return [leaf for used in rule.uses for leaf in leaves(rules, rules[used])]


def needed(rule: Rule) -> list[str]:
    """Fields that a correlation reads from the events below it, aliases resolved."""
    sigma = rule.correlation
    names = list(sigma.group_by or ())
    if isinstance(sigma.condition, SigmaCorrelationCondition) and sigma.condition.fieldref:
        ref = sigma.condition.fieldref
        names += [ref] if isinstance(ref, str) else list(ref)
    found: list[str] = []
    for name in names:
        alias = sigma.aliases.aliases.get(name)
        found += [name] if alias is None else list(alias.mapping.values())
    return found


def actions_of(sigma: SigmaRule) -> frozenset[str] | None:
    """Names of the actions without which the rule cannot match, or None when it may be any."""
    found: set[str] = set()
    for one in sigma.detection.parsed_condition:
        actions = _actions(one.parsed)
        if actions is None:
            return None
        found |= actions
    return frozenset(found)


def _actions(tree: Any) -> frozenset[str] | None:
    if isinstance(tree, ConditionFieldEqualsValueExpression):
        value: Any = tree.value
        plain = isinstance(value, SigmaString) and not value.contains_special()
        named = tree.field == "action" and plain
        return frozenset({"".join(p for p in value.s if isinstance(p, str))}) if named else None
    if isinstance(tree, ConditionAND | ConditionOR):
        parts = [_actions(one) for one in tree.args]
        known = [one for one in parts if one is not None]
        if isinstance(tree, ConditionAND):
            return frozenset.intersection(*known) if known else None
        return frozenset().union(*known) if len(known) == len(parts) else None
    return None


def names_in(sigma: Any) -> list[str]:
    """Names of fields in the conditions of a rule of single events."""
    found: list[str] = []

    def visit(tree: Any) -> None:
        if isinstance(tree, ConditionFieldEqualsValueExpression):
            found.append(tree.field)
            other = getattr(tree.value, "field", None)
            found.extend([other] if isinstance(other, str) else [])
        for one in getattr(tree, "args", ()):
            visit(one)

    for one in sigma.detection.parsed_condition:
        visit(one.parsed)
    return list(dict.fromkeys(found))


def _sentence(error: Exception) -> str:
    text = str(error.args[0] if error.args else error).rstrip(".")
    return text if ": " in text else f"It cannot be said in SQL ({text}): reword it."


def _where(rule: Rule, error: Exception) -> str:
    """The key of the rule that an error is about, for its line."""
    for key in rule.lines:
        name = key.rpartition(".")[2].partition("|")[0]
        if name and repr(name) in str(error):
            return key
    return "correlation" if rule.is_correlation else "detection"


def prepare(engine: DuckDB, planned: Plan) -> None:
    """Bring the table of actions and the macros into the engine."""
    for command in MACROS:
        engine.command(command)
    engine.register("_rule_dispatch_given", planned.dispatch())
    engine.keep(DISPATCH, "SELECT * FROM _rule_dispatch_given")
    engine.unregister("_rule_dispatch_given")


def actions_condition(planned: Plan, column: str = "action") -> str:
    """SQL that holds for events of any rule's actions."""
    if planned.actions is None:
        return "true"
    listed = ", ".join(literal(action) for action in sorted(planned.actions))
    return f"{column} IN ({listed})" if listed else "false"
