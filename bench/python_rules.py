"""The pack's rules of single events as Python functions over each event, one after the other.

So do rule engines in Python work (a function `rule(event)` a rule, called for every event). Each
rule's condition, parsed by pySigma, becomes nested closures over the event's dictionary.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.rule import SigmaRule
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCompareExpression,
    SigmaExists,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
)

from gridtrail.rules.folder import PACK, RuleFolders

Event = Mapping[str, Any]
Test = Callable[[Event], bool]
COMPARE = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
    CompareOperators.NEQ: operator.ne,
}


def read(path: str) -> Callable[[Event], list[Any]]:
    """The values at Slack's `path`; `entity.id` is of any type of entity."""
    steps = path.split(".")

    def values(event: Event) -> list[Any]:
        here: Any = event
        for step in steps:
            if not isinstance(here, dict):
                return []
            inner = here.get(step)
            if inner is None and steps[0] == "entity":
                named: Any = here.get(here.get("type", ""))
                inner = named.get(step) if isinstance(named, dict) else None
            here = inner
        if here is None:
            return []
        return here if isinstance(here, list) else [here]

    return values


def _pattern(value: SigmaString, cased: bool) -> re.Pattern[str]:
    parts = [re.escape(part) if isinstance(part, str) else ".*" for part in value.s]
    return re.compile("".join(parts), re.DOTALL if cased else re.DOTALL | re.IGNORECASE)


def _value_test(value: Any) -> Callable[[Any], bool]:
    if isinstance(value, SigmaString):
        cased = isinstance(value, SigmaCasedString)
        if not value.contains_special():
            plain = str(value)
            if cased:
                return lambda one: str(one) == plain
            folded = plain.lower()
            return lambda one: str(one).lower() == folded
        matches = _pattern(value, cased).fullmatch
        return lambda one: matches(str(one)) is not None
    if isinstance(value, SigmaRegularExpression):
        search = re.compile(str(value.regexp)).search
        return lambda one: search(str(one)) is not None
    if isinstance(value, SigmaBool):
        return lambda one: one is value.boolean
    if isinstance(value, SigmaNumber):
        return lambda one: one == value.number
    if isinstance(value, SigmaCompareExpression):
        compare, number = COMPARE[value.op], value.number.number
        return lambda one: isinstance(one, int | float) and compare(one, number)
    raise NotImplementedError(type(value).__name__)


def _leaf(condition: ConditionFieldEqualsValueExpression) -> Test:
    values, value = read(condition.field), condition.value
    if isinstance(value, SigmaNull):
        return lambda event: not values(event)
    if isinstance(value, SigmaExists):
        return lambda event: bool(values(event)) is bool(value)
    if isinstance(value, SigmaFieldReference):
        other = read(value.field)
        return lambda event: any(one in other(event) for one in values(event))
    test = _value_test(value)
    return lambda event: any(map(test, values(event)))


def compiled(condition: Any) -> Test:
    """A test of an event from a parsed condition."""
    if isinstance(condition, ConditionAND):
        every = [compiled(one) for one in condition.args]
        return lambda event: all(test(event) for test in every)
    if isinstance(condition, ConditionOR):
        any_of = [compiled(one) for one in condition.args]
        return lambda event: any(test(event) for test in any_of)
    if isinstance(condition, ConditionNOT):
        inner = compiled(condition.args[0])
        return lambda event: not inner(event)
    if isinstance(condition, ConditionValueExpression):
        raise NotImplementedError("keywords")
    return _leaf(condition)


def run(log: str, keys: list[str], most: int) -> int:
    """Run the rules on the first `most` events of the NDJSON file `log`; how many there were."""
    rules = RuleFolders([PACK]).current().only(keys).rules
    parsed = [SigmaRule.from_dict(dict(rule.content)) for rule in rules]
    tests = [compiled(c.parsed) for rule in parsed for c in rule.detection.parsed_condition]
    events = 0
    with Path(log).open("rb") as file:
        for line in islice(file, most):
            event = orjson.loads(line)
            events += 1
            sum(test(event) for test in tests)
    return events
