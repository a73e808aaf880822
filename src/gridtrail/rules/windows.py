"""Sigma correlations as windows that slide: from hits of rules to hits of rules over them.

A window of `timespan` ends at each event (both ends included in whole seconds: (t - span, t]). A
correlation makes a hit where its condition *becomes* true in its group: it holds at this event
and did not at the one before, or that one is `timespan` or more away. So a burst is one hit,
decided by the event that completed it, whether the log is read in one go or in pieces: what a
decision needs lies within twice the timespan before it. The seconds are Slack's; order within one
second is not known, so "ordered" means strictly later seconds.

Events that lack a value of `group-by` are in no group. Numbers are summed as decimals, never as
floating-point numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionItem,
    CorrelationConditionNOT,
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaCorrelationType,
    SigmaRuleReference,
)

from gridtrail.engine.duckdb import literal, quoted
from gridtrail.errors import WrongUse
from gridtrail.rules.compile import FOUND, Plan, leaves
from gridtrail.rules.parse import references
from gridtrail.rules.rule import Rule

MOST_IDS = 200
"""Ids of events that a hit lists, the newest."""

_OPERATORS = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "EQ": "=", "NEQ": "<>"}
_GROWING = ("GTE", "GT")
"""Conditions that more events can only help."""
_ORDER = "moment, id, rule"
_NUMBER = "DECIMAL(38, 6)"


def reach(planned: Plan, rule: Rule) -> int:
    """Seconds before an event that the decision on it may need."""
    if not rule.is_correlation:
        return 0
    below = max((reach(planned, planned.rules[used]) for used in rule.uses), default=0)
    return 2 * rule.correlation.timespan.seconds + below


def longest_reach(planned: Plan) -> int:
    """The longest `reach` of all correlations, seconds."""
    return max((reach(planned, rule) for rule in planned.correlations), default=0)


def holding_sql(planned: Plan, rule: Rule) -> str:
    """SQL of HOLDING: for each hit below, its row in FOUND, its group and whether the condition
    holds there. Stretches of time in which it can never hold are left out."""
    sigma = rule.correlation
    numbers = ", ".join(str(planned.numbers[used]) for used in rule.uses)
    source = (
        f"SELECT rowid AS place, org, id, moment, rule{_groups(planned, rule)}, "
        f"{_metric_column(planned, rule)} AS metric FROM {FOUND} WHERE rule IN ({numbers})"
    )
    known = " AND ".join(f"{g} IS NOT NULL" for g in group_columns(rule)) or "true"
    by = ", ".join(("org", *group_columns(rule)))
    if sigma.type in (SigmaCorrelationType.TEMPORAL, SigmaCorrelationType.TEMPORAL_ORDERED):
        inner, holds = _temporal(planned, rule, "SELECT * FROM l")
    else:
        inner, holds = "SELECT * FROM l", _aggregate(rule)
    return (
        f"WITH s AS MATERIALIZED (SELECT * FROM ({source}) WHERE {known}), "
        f"l AS ({_likely(rule, by)}) "
        f"SELECT place, {by}, id, moment, rule, coalesce({holds}, false) AS holds FROM ({inner}) "
        f"WINDOW w AS (PARTITION BY {by} ORDER BY moment "
        f"RANGE BETWEEN {_span(sigma)} PRECEDING AND CURRENT ROW)"
    )


def group_columns(rule: Rule) -> list[str]:
    """Columns of HOLDING that hold the group's values, in the order of `group-by`."""
    return [f"g{place}" for place, _ in enumerate(rule.correlation.group_by or ())]


def hits_sql(holding: str, rule: Rule) -> str:
    """SQL of those rows of the relation `holding` at which the condition becomes true."""
    span = rule.correlation.timespan.seconds
    by = ", ".join(("org", *group_columns(rule)))
    return (
        f"SELECT * EXCLUDE (held, before) FROM (SELECT *, lag(holds) OVER o AS held, "
        f"lag(moment) OVER o AS before FROM {quoted(holding)} "
        f"SEMI JOIN (SELECT {by} FROM {quoted(holding)} WHERE holds) k USING ({by}) "
        f"WINDOW o AS (PARTITION BY {by} ORDER BY {_ORDER})) "
        f"WHERE holds AND NOT (coalesce(held, false) AND moment - before < {span})"
    )


def contributing_sql(planned: Plan, rule: Rule, hits: str) -> str:
    """SQL of (place, event_ids): what was in the window of each row of `hits`.

    Events are joined by stretches as long as the window, so that a long log costs no more.
    """
    numbers = ", ".join(str(planned.numbers[leaf.key]) for leaf in leaves(planned.rules, rule))
    below = max((reach(planned, planned.rules[used]) for used in rule.uses), default=0)
    span = rule.correlation.timespan.seconds + below
    same = "".join(f" AND f.{g} = h.{g}" for g in group_columns(rule))
    ids = "list(DISTINCT {t: f.moment, id: f.id} ORDER BY {t: f.moment, id: f.id} DESC)"
    return (
        f"SELECT h.place, list_reverse(list_transform({ids}[:{MOST_IDS}], lambda one: one.id)) "
        f"AS event_ids FROM (SELECT *, unnest([moment // {span}, moment // {span} - 1]) AS stretch "
        f"FROM {quoted(hits)}) h JOIN (SELECT org, id, moment, moment // {span} AS stretch"
        f"{_groups(planned, rule)} FROM {FOUND} WHERE rule IN ({numbers})) f "
        f"ON f.org = h.org AND f.stretch = h.stretch{same} "
        f"WHERE f.moment <= h.moment AND f.moment > h.moment - {span} GROUP BY h.place"
    )


def _likely(rule: Rule, by: str) -> str:
    """SQL of the rows of `s` near which the condition can hold.

    Time is cut into stretches as long as the window, so a window lies in two of them, and what is
    in it is no more than in both together. This holds for conditions that more events can only
    help; for others all rows are taken.
    """
    sigma = rule.correlation
    condition, kind = sigma.condition, sigma.type
    least = condition.count if isinstance(condition, SigmaCorrelationCondition) else 0
    least = min([least, *rule.thresholds.values()])
    counted = {
        SigmaCorrelationType.EVENT_COUNT: "count(*)",
        SigmaCorrelationType.VALUE_COUNT: "count(DISTINCT metric)",
        SigmaCorrelationType.TEMPORAL: "count(DISTINCT rule)",
        SigmaCorrelationType.TEMPORAL_ORDERED: "count(DISTINCT rule)",
    }.get(kind)
    if kind is SigmaCorrelationType.TEMPORAL_ORDERED:
        least = len(set(rule.uses))
    elif not isinstance(condition, SigmaCorrelationCondition) or condition.op.name not in _GROWING:
        counted = None
    if counted is None:
        return "SELECT * FROM s"
    stretch = f"moment // {sigma.timespan.seconds}"
    return (
        f"SELECT s.* FROM s SEMI JOIN (WITH c AS (SELECT {by}, {stretch} AS stretch, "
        f"{counted} AS many FROM s GROUP BY {by}, {stretch}), q AS (SELECT {by}, stretch, many + "
        f"CASE WHEN lag(stretch) OVER o = stretch - 1 THEN lag(many) OVER o ELSE 0 END AS pair "
        f"FROM c WINDOW o AS (PARTITION BY {by} ORDER BY stretch)) "
        f"SELECT {by}, stretch FROM q WHERE pair >= {least} UNION "
        f"SELECT {by}, stretch - 1 FROM q WHERE pair >= {least}) k "
        f"ON s.{stretch} = k.stretch AND "
        + " AND ".join(f"s.{name.strip()} = k.{name.strip()}" for name in by.split(","))
    )


def _groups(planned: Plan, rule: Rule) -> str:
    """SQL of the group's values as columns, each after a comma."""
    names = rule.correlation.group_by or ()
    return "".join(
        f", {_column(planned, rule, name)} AS g{place}" for place, name in enumerate(names)
    )


def _span(sigma: SigmaCorrelationRule) -> int:
    """Whole seconds before the current one that are in the window."""
    return int(sigma.timespan.seconds) - 1


def _column(planned: Plan, rule: Rule, name: str) -> str:
    """SQL of a field, or of an alias: another field for each rule."""
    alias = rule.correlation.aliases.aliases.get(name)
    if alias is None:
        return planned.values[name][0] if name in planned.values else "NULL"
    branches = []
    for reference, target in alias.mapping.items():
        used = next((u for u in rule.uses if reference.reference in (u, planned.rules[u].id)), None)
        if used is None:
            raise WrongUse(f"The alias {name} names {reference.reference}, which is not in rules.")
        branches.append(f"WHEN {planned.numbers[used]} THEN {planned.values[target][0]}")
    return f"CASE rule {' '.join(branches)} END"


def _metric_column(planned: Plan, rule: Rule) -> str:
    """SQL of the values that are counted, summed or ordered."""
    sigma = rule.correlation
    condition = sigma.condition
    if not isinstance(condition, SigmaCorrelationCondition) or condition.fieldref is None:
        return "NULL"
    names = [condition.fieldref] if isinstance(condition.fieldref, str) else condition.fieldref
    columns = [_column(planned, rule, name) for name in names]
    if sigma.type is not SigmaCorrelationType.VALUE_COUNT:
        return f"try_cast({columns[0]} AS {_NUMBER})"
    if len(columns) == 1:
        return columns[0]
    missing = " OR ".join(f"{column} IS NULL" for column in columns)
    return f"CASE WHEN {missing} THEN NULL ELSE to_json([{', '.join(columns)}])::VARCHAR END"


def _aggregate(rule: Rule) -> str:
    """SQL that says whether the condition holds in the window `w`."""
    sigma = rule.correlation
    condition = sigma.condition
    if not isinstance(condition, SigmaCorrelationCondition):
        raise WrongUse(f"{rule.key} counts and has a condition of words: write one such as gte: 5.")
    operator, limit = _OPERATORS[condition.op.name], _limit(rule, condition.count)
    if sigma.type is SigmaCorrelationType.EVENT_COUNT:
        return f"count(*) OVER w {operator} {limit}"
    if sigma.type is SigmaCorrelationType.VALUE_COUNT:
        return f"count(DISTINCT metric) OVER w {operator} {limit}"
    number = f"({limit})::{_NUMBER}"
    if sigma.type is SigmaCorrelationType.VALUE_SUM:
        return f"sum(metric) OVER w {operator} {number}"
    if sigma.type is SigmaCorrelationType.VALUE_AVG:  # no division: the same on every machine
        return f"sum(metric) OVER w {operator} {number} * count(metric) OVER w"
    share = 0.5
    if sigma.type is SigmaCorrelationType.VALUE_PERCENTILE:
        share = (condition.percentile if condition.percentile is not None else 95) / 100
    return f"quantile_disc(metric, {share}) OVER w {operator} {number}"


def _limit(rule: Rule, usual: float) -> str:
    """SQL of the threshold, which may be another one for some values of the group."""
    own = rule.thresholds
    branches = "".join(f"WHEN {literal(who)} THEN {own[who]} " for who in sorted(own))
    return f"CASE g0 {branches}ELSE {usual} END" if branches else str(usual)


def _temporal(planned: Plan, rule: Rule, source: str) -> tuple[str, str]:
    """Rows and the SQL that says whether the rules came together, in the window `w`."""
    sigma = rule.correlation
    numbers = [planned.numbers[used] for used in rule.uses]
    if sigma.type is SigmaCorrelationType.TEMPORAL_ORDERED:
        return _ordered(rule, source, numbers)
    if isinstance(sigma.condition, SigmaCorrelationCondition):
        operator = _OPERATORS[sigma.condition.op.name]
        return source, f"count(DISTINCT rule) OVER w {operator} {sigma.condition.count}"
    named = dict(zip(references(sigma), numbers, strict=True))
    return source, _formula(sigma.condition.parsed, named)


def _formula(tree: CorrelationConditionItem | SigmaRuleReference, named: dict[str, int]) -> str:
    """A condition such as `a and not b` over what is in the window."""
    if isinstance(tree, SigmaRuleReference):
        return f"coalesce(bool_or(rule = {named[tree.reference]}) OVER w, false)"
    parts = [f"({_formula(one, named)})" for one in tree.args]
    if isinstance(tree, CorrelationConditionNOT):
        return f"NOT {parts[0]}"
    return (" AND " if isinstance(tree, CorrelationConditionAND) else " OR ").join(parts)


def _ordered(rule: Rule, source: str, numbers: Sequence[int]) -> tuple[str, str]:
    """Steps in strictly later seconds: each row carries the latest start of the chain that ends
    with it, one column a step."""
    sigma = rule.correlation
    if not isinstance(sigma.condition, SigmaCorrelationCondition):
        raise WrongUse(
            f"{rule.key} is ordered and has a condition of words: list the rules in their order."
        )
    inner = f"SELECT *, CASE WHEN rule = {numbers[0]} THEN moment END AS step0 FROM ({source})"
    for place, number in enumerate(numbers[1:], 1):
        by = ", ".join(("org", *group_columns(rule)))
        before = f"PARTITION BY {by} ORDER BY moment RANGE BETWEEN {_span(sigma)} PRECEDING"
        inner = (
            f"SELECT *, CASE WHEN rule = {number} THEN max(step{place - 1}) OVER "
            f"({before} AND 1 PRECEDING) END AS step{place} FROM ({inner})"
        )
    last = len(numbers) - 1
    steps = ", ".join(f"step{place}" for place in range(last))
    wanted = f"SELECT * EXCLUDE ({steps})" if steps else "SELECT *"
    holds = f"step{last} > moment - {sigma.timespan.seconds}"
    return f"{wanted} FROM ({inner})", holds
