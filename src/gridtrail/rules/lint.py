"""The linter: everything that can be said of rules without running them on a log.

Checks have names; a rule that knows better lists them with the reason:

    lint_ignore: {rows: one file downloaded again and again is what this is about}
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence

from sigma.rule import SigmaRule

from gridtrail.rules.cases import Case, cases_of
from gridtrail.rules.compile import Plan, leaves, plan
from gridtrail.rules.lint_logic import SINGLE, check_correlation, only_actions
from gridtrail.rules.rule import Problem, Rule, RuleSet

_WANTED = ("id", "description", "tags", "level", "falsepositives", "references")


def lint(rules: RuleSet) -> list[Problem]:
    """All problems of the rules and of the cases beside them, by file and line."""
    planned = plan(rules)
    cases: dict[str, list[Case]] = {}
    problems = [*rules.problems, *planned.problems]
    for path in sorted({rule.path for rule in rules.rules}):
        cases[str(path)], found = cases_of(path)
        problems += found
    python = {rule.path for rule in planned.python}
    running = [r for r in rules.rules if r.key in planned.numbers and r.path not in python]
    for rule in running:
        problems += _kept(rule, _of_rule(planned, rule, cases[str(rule.path)]))
    problems += [one for rule, found in _duplicates(running) for one in _kept(rule, [found])]
    order = {"error": 0, "warning": 1}
    return sorted(problems, key=lambda p: (str(p.path), p.line, order[p.severity], p.message))


def _kept(rule: Rule, problems: Sequence[Problem] | Iterator[Problem]) -> list[Problem]:
    ignored = rule.content.get("lint_ignore")
    names = set(ignored) if isinstance(ignored, Mapping) else set()
    return [one for one in problems if one.check not in names]


def _of_rule(planned: Plan, rule: Rule, cases: Sequence[Case]) -> Iterator[Problem]:
    if isinstance(rule.sigma, SigmaRule):
        for check in SINGLE:
            yield from check(rule, rule.sigma)
        yield from _source(rule)
    else:
        yield from check_correlation(planned, rule)
    if rule.fires:
        yield from _metadata(rule)
        yield from _cases(planned, rule, cases)


def _source(rule: Rule) -> Iterator[Problem]:
    source = rule.content.get("logsource")
    if not isinstance(source, Mapping) or source.get("product") != "slack":
        message = "Its logsource is not Slack: write {product: slack, service: audit}."
        yield rule.problem(message, "logsource", check="logsource")


def _metadata(rule: Rule) -> Iterator[Problem]:
    for key in _WANTED:
        if not rule.content.get(key):
            yield rule.problem(f"It has no {key}: add it.", severity="warning", check="metadata")
    tags = rule.content.get("tags") or ()
    if tags and not any(str(tag).startswith("attack.") for tag in tags):
        message = "No tag is of MITRE ATT&CK: add one such as attack.t1213."
        yield rule.problem(message, "tags", severity="warning", check="metadata")
    identity = rule.content.get("id")
    if identity and str(uuid.UUID(str(identity))) != str(identity).lower():
        yield rule.problem("Its id is no UUID: make one.", "id", check="metadata")


def _cases(planned: Plan, rule: Rule, cases: Sequence[Case]) -> Iterator[Problem]:
    """At least one case that fires, and one near miss: the same actions, and no hit."""
    own = [case for case in cases if _fires(case, rule)]
    if not own:
        yield rule.problem(
            "No case fires it: write one beside it.", severity="warning", check="cases"
        )
    singles = {one.rule.key: one for one in planned.singles}
    named = [
        singles[leaf.key].actions for leaf in leaves(planned.rules, rule) if leaf.key in singles
    ]
    actions = frozenset().union(*(one for one in named if one is not None))
    free = only_actions(rule) or any(one is None for one in named)
    if any(not _fires(case, rule) and (free or case.actions & actions) for case in cases):
        return
    threshold = rule.is_correlation
    message = (
        "Its threshold has no near miss: write a case just below it."
        if threshold
        else "It has no near miss: write a case with the same actions that does not fire."
    )
    yield rule.problem(
        message,
        "correlation.condition" if threshold else "",
        severity="error" if threshold else "warning",
        check="near_miss",
    )


def _fires(case: Case, rule: Rule) -> bool:
    return any(one.rule in (None, rule.key) for one in case.fires)


def _duplicates(rules: Sequence[Rule]) -> Iterator[tuple[Rule, Problem]]:
    """Rules that mean the same, or have one id or title."""
    seen: dict[tuple[str, str], Rule] = {}
    for rule in rules:
        for what, value in (
            ("meaning", rule.version),
            ("id", rule.id),
            ("title", rule.title.casefold()),
        ):
            first = seen.setdefault((what, value), rule)
            if first is not rule:
                message = (
                    f"It has the {what} of {first.key} ({first.path.name}:{first.line()}): "
                    "change or remove one."
                )
                at = "title" if what == "title" else "id" if what == "id" else ""
                yield rule, rule.problem(message, at, check="duplicate")
