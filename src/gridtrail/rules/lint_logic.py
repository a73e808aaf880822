"""What a linter can see in a rule's conditions: each check is a small function over one rule.

The known-bad ones were met in published collections: a name that is in no list of actions, a bare
`contains: "sso"`, a pattern that fits nearly every file, a window compared with itself, firing on
identical scopes, counting rows where distinct things are meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sigma.conditions import ConditionFieldEqualsValueExpression, ConditionNOT
from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationType
from sigma.rule import SigmaRule
from sigma.types import SigmaFieldReference, SigmaRegularExpression, SigmaString, SpecialChars

from gridtrail.enrich import addresses, clients
from gridtrail.rules.compile import Plan, leaves
from gridtrail.rules.fields import ENTITY_TYPES, details_keys
from gridtrail.rules.rule import Problem, Rule
from gridtrail.slack.catalogue import ACTIONS, suggest

SHORT = 3
"""A text looked for anywhere in another must be longer than this, or it is found by chance."""
MOST_ACTIONS = 0.2
"""Share of all actions beyond which a pattern matches nearly everything."""
LISTS_COMPARED = frozenset({"app_scopes_expanded"})
"""Actions that come with two lists, old and new, and are also written when both are the same."""
CONTEXT = (
    "ip_address", "ua", "session_id", "location", "app", "acting_agent", "agent_message",
)  # fmt: skip
WORDS = {
    "address.kind": addresses.KINDS,
    "client.kind": clients.KINDS,
    "client.device_class": clients.DEVICE_CLASSES,
    "entity.type": ENTITY_TYPES,
    "actor.type": ("user", "app"),
}
"""Fields with a closed list of words."""


@dataclass(frozen=True)
class Leaf:
    """One comparison of a field with a value; `denied` when it stands under a `not`."""

    field: str
    value: Any
    denied: bool


def leaves_of(sigma: SigmaRule) -> list[Leaf]:
    """All comparisons of a rule of single events."""
    found: list[Leaf] = []

    def visit(tree: Any, *, denied: bool) -> None:
        if isinstance(tree, ConditionFieldEqualsValueExpression):
            found.append(Leaf(tree.field, tree.value, denied))
        inside = denied != isinstance(tree, ConditionNOT)
        for one in getattr(tree, "args", ()):
            visit(one, denied=inside)

    for one in sigma.detection.parsed_condition:
        visit(one.parsed, denied=False)
    return found


def plain(value: Any) -> str | None:
    """The text of a value without wildcards, or None."""
    if isinstance(value, SigmaString) and not value.contains_special():
        return "".join(part for part in value.s if isinstance(part, str))
    return None


def only_actions(rule: Rule) -> bool:
    """Whether it is about nothing but actions, so that none of them can be a near miss."""
    sigma = rule.sigma
    return isinstance(sigma, SigmaRule) and all(leaf.field == "action" for leaf in leaves_of(sigma))


def key_of(rule: Rule, name: str) -> str:
    """The key of the rule's file under which a field stands."""
    for key in rule.lines:
        if key.rpartition("detection.")[1] and name in key:
            return key
    return "detection"


def check_actions(rule: Rule, sigma: SigmaRule) -> Iterator[Problem]:
    """Names of actions against the catalogue."""
    for leaf in leaves_of(sigma):
        text = plain(leaf.value)
        if leaf.field != "action" or text is None or text in ACTIONS:
            continue
        close = suggest(text)
        hint = f"did you mean {' or '.join(close)}?" if close else "check its spelling."
        yield rule.problem(
            f"The catalogue has no action {text!r}: {hint}",
            key_of(rule, "action"),
            severity="error" if close else "warning",
            check="action",
        )


def check_words(rule: Rule, sigma: SigmaRule) -> Iterator[Problem]:
    """Values of fields with a closed list of words, and keys of details that nobody has seen."""
    for leaf in leaves_of(sigma):
        text = plain(leaf.value)
        words = WORDS.get(leaf.field)
        if words and text and text.lower() not in words:
            message = f"{leaf.field} is never {text!r}: use {', '.join(words)}."
            yield rule.problem(message, key_of(rule, leaf.field), check="word")
        for path in re.findall(r"\bdetails\.([A-Za-z0-9_-]+)", leaf.field):
            if path not in details_keys():
                message = f"No known event has details.{path}: check its spelling."
                yield rule.problem(
                    message, key_of(rule, leaf.field), severity="warning", check="field"
                )
        if leaf.field.startswith("context.") and leaf.field.split(".")[1] not in CONTEXT:
            message = f"No known event has {leaf.field}: use {', '.join(CONTEXT)}."
            yield rule.problem(message, key_of(rule, leaf.field), severity="warning", check="field")
        kind = leaf.field.split(".")[1] if leaf.field.startswith("entity.") else ""
        if kind and kind not in (*ENTITY_TYPES, "type", "id", "name"):
            message = f"No entity has the type {kind!r}: use {', '.join(ENTITY_TYPES)}."
            yield rule.problem(message, key_of(rule, leaf.field), check="field")


def check_patterns(rule: Rule, sigma: SigmaRule) -> Iterator[Problem]:
    """Patterns that match nearly everything."""
    for leaf in leaves_of(sigma):
        why = _too_wide(leaf)
        if why is not None:
            yield rule.problem(why, key_of(rule, leaf.field), check="pattern")


def _too_wide(leaf: Leaf) -> str | None:
    if isinstance(leaf.value, SigmaRegularExpression):
        text = leaf.value.regexp.to_plain_regex()
        empty = re.fullmatch(r"\^?(\.[*+]\??|\(\.[*+]\??\))*\$?|", text) is not None
        return f"The pattern {text!r} fits every text: say what it must hold." if empty else None
    if not isinstance(leaf.value, SigmaString) or not leaf.value.contains_special():
        return None
    parts = list(leaf.value.s)
    longest = max((len(part) for part in parts if isinstance(part, str)), default=0)
    if not longest:
        return f"{leaf.field} with wildcards alone fits every text: use exists, or say more."
    if leaf.field == "action":
        return _too_many_actions(leaf.value)
    inside = parts[0] == SpecialChars.WILDCARD_MULTI and parts[-1] == SpecialChars.WILDCARD_MULTI
    if inside and longest <= SHORT:
        shown = leaf.value.to_plain()
        return f"{leaf.field} holds {shown!r} by chance all the time: look for a longer text."
    return None


def _too_many_actions(value: SigmaString) -> str | None:
    pattern = re.compile(
        "".join(
            re.escape(part)
            if isinstance(part, str)
            else ".*"
            if part.name.endswith("MULTI")
            else "."
            for part in value.s
            if isinstance(part, str | SpecialChars)
        )
    )
    fitting = [name for name in ACTIONS if pattern.fullmatch(name)]
    if not fitting:
        return f"No action of the catalogue fits {value.to_plain()!r}: list their names."
    bare = value.s[0] == SpecialChars.WILDCARD_MULTI and value.s[-1] == SpecialChars.WILDCARD_MULTI
    if len(fitting) > MOST_ACTIONS * len(ACTIONS) or bare:
        shown = ", ".join(fitting[:4])
        many = f"{len(fitting)} actions ({shown}…), and any that Slack adds"
        return f"{value.to_plain()!r} fits {many}: list their names."
    return None


def check_itself(rule: Rule, sigma: SigmaRule) -> Iterator[Problem]:
    """A field compared with itself."""
    for leaf in leaves_of(sigma):
        other = leaf.value.field if isinstance(leaf.value, SigmaFieldReference) else None
        call = re.fullmatch(r"added\(([^,]+),([^,]+)\)", leaf.field)
        if other == leaf.field or (call and call[1].strip() == call[2].strip()):
            message = f"{leaf.field} is compared with itself: name the other field."
            yield rule.problem(message, key_of(rule, leaf.field), check="itself")


def check_same_lists(rule: Rule, sigma: SigmaRule) -> Iterator[Problem]:
    """Firing on lists that did not change."""
    found = leaves_of(sigma)
    actions = {plain(leaf.value) for leaf in found if leaf.field == "action" and not leaf.denied}
    compares = any("added(" in leaf.field or leaf.field.startswith("details.") for leaf in found)
    if actions & LISTS_COMPARED and not compares:
        message = (
            "It fires when old and new scopes are the same: add "
            "`added(details.new_scopes,details.previous_scopes)|exists: true`."
        )
        yield rule.problem(message, "detection", check="scopes")


def check_actions_named(rule: Rule, sigma: SigmaRule) -> Iterator[Problem]:
    """A rule that is about any action."""
    named = any(leaf.field == "action" for leaf in leaves_of(sigma))
    if not named:
        message = "It names no action, so every event is looked at: name the actions."
        yield rule.problem(message, "detection", severity="warning", check="any_action")


def check_unused(rule: Rule, sigma: SigmaRule) -> Iterator[Problem]:
    """A part of the detection that no condition uses."""
    conditions = " ".join(str(one) for one in sigma.detection.condition)
    if " them" in f" {conditions}":
        return
    words = set(re.findall(r"[\w*]+", conditions))
    for name in sigma.detection.detections:
        used = any(re.fullmatch(word.replace("*", ".*"), name) for word in words)
        if not used:
            message = f"The condition does not use {name!r}: use it or take it away."
            yield rule.problem(message, f"detection.{name}", check="unused")


SINGLE: Sequence[Callable[[Rule, SigmaRule], Iterator[Problem]]] = (
    check_actions,
    check_words,
    check_patterns,
    check_itself,
    check_same_lists,
    check_actions_named,
    check_unused,
)
"""Checks of rules of single events."""


def check_correlation(planned: Plan, rule: Rule) -> Iterator[Problem]:
    """A window compared with itself, and rows counted where distinct things are meant."""
    rules = planned.rules
    versions = [rules[used].version for used in rule.uses]
    if len(set(versions)) < len(versions):
        message = "Two of its rules are the same, so a window is compared with itself: change one."
        yield rule.problem(message, "correlation.rules", check="itself")
    sigma = rule.correlation
    condition = sigma.condition
    counts = sigma.type is SigmaCorrelationType.EVENT_COUNT
    if not counts or not isinstance(condition, SigmaCorrelationCondition) or condition.count <= 1:
        return
    singles = {one.rule.key: one for one in planned.singles}
    actions = [
        a
        for leaf in leaves(rules, rule)
        if leaf.key in singles
        for a in singles[leaf.key].actions or ()
    ]
    kinds = {ACTIONS[action].entity for action in actions if action in ACTIONS}
    if kinds and kinds <= {"file", "channel", "app"} and not sigma.generate:
        message = (
            f"It counts rows, and one {'/'.join(sorted(str(k) for k in kinds))} can make many: use "
            "value_count of entity.id."
        )
        yield rule.problem(message, "correlation.type", severity="warning", check="rows")
