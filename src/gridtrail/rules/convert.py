"""Rules in the words of other systems, through pySigma's backends that are installed.

Fields of Gridtrail alone (`address.kind`, `added(…)`) mean nothing elsewhere: a rule that uses
them is refused with the name of the field.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sigma.collection import SigmaCollection
from sigma.exceptions import SigmaError
from sigma.plugins import InstalledSigmaPlugins
from sigma.rule import SigmaRule

from gridtrail.errors import WrongUse
from gridtrail.rules.backend import SqlBackend
from gridtrail.rules.compile import leaves, names_in
from gridtrail.rules.rule import Rule, RuleSet

OWN = ("address.", "client.", "added(", "count(", "subject")
"""How fields begin that only Gridtrail has."""


def backends() -> Mapping[str, Any]:
    """Name → class of the backends that are installed (`pip install pysigma-backend-splunk`), and
    `gridtrail`, whose SQL is over the lake's events `e`."""
    found: Any = InstalledSigmaPlugins.autodiscover()
    return {**found.backends, "gridtrail": SqlBackend}


def convert(rules: RuleSet, rule: Rule, to: str, *, output: str | None = None) -> list[str]:
    """The queries of a rule for the system `to`; `output` is one of that backend's formats.

    Raises WrongUse when the backend is not installed or cannot say the rule.
    """
    known = backends()
    if to not in known:
        there = ", ".join(sorted(known)) or "none"
        raise WrongUse(
            f"No backend {to} is installed (there is {there}): pip install pysigma-backend-{to}."
        )
    used = {leaf.key: leaf for leaf in (*leaves(rules, rule), rule)}
    for leaf in used.values():
        names = names_in(leaf.sigma) if isinstance(leaf.sigma, SigmaRule) else []
        own = [name for name in names if name.startswith(OWN)]
        if own and to != "gridtrail":
            raise WrongUse(f"{rule.key} uses {own[0]}, which only Gridtrail has: reword it first.")
    chain = [one for one in rules.rules if one.key in _all(rules, rule)]
    contents = [_document(one) for one in chain]
    try:
        collection = SigmaCollection.from_dicts(contents)
        result = known[to]().convert(collection, output)
    except (SigmaError, NotImplementedError) as error:
        raise WrongUse(f"{to} cannot say {rule.key} ({error}): reword it.") from error
    return [str(one) for one in (result if isinstance(result, list) else [result])]


def _all(rules: RuleSet, rule: Rule) -> set[str]:
    return {rule.key}.union(*(_all(rules, rules[used]) for used in rule.uses))


def _document(rule: Rule) -> dict[str, Any]:
    content = copy.deepcopy(dict(rule.content))
    content.setdefault("name", rule.key)
    return content
