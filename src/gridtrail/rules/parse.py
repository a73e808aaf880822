"""Rule files to rules: YAML with the line of every key, then pySigma's parser.

Every problem becomes a `Problem` with file and line; the rest of the file and of the folder goes
on. Rules are their operator's, yet a file may be broken in any way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from sigma import exceptions as sigma_errors
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule

from gridtrail.rules.rule import Problem, Rule, RuleSet

LARGEST = 1_000_000
"""Bytes of a rule file that are read."""

MOST_VALUES = 50_000
"""Values of one document; a few aliases of aliases would be millions."""

_KEY_OF_ERROR: Mapping[type[Exception], str] = {
    sigma_errors.SigmaLevelError: "level",
    sigma_errors.SigmaStatusError: "status",
    sigma_errors.SigmaIdentifierError: "id",
    sigma_errors.SigmaTagError: "tags",
    sigma_errors.SigmaDateError: "date",
    sigma_errors.SigmaLogsourceError: "logsource",
    sigma_errors.SigmaConditionError: "detection.condition",
    sigma_errors.SigmaDetectionError: "detection",
    sigma_errors.SigmaModifierError: "detection",
    sigma_errors.SigmaTypeError: "detection",
    sigma_errors.SigmaRegularExpressionError: "detection",
    sigma_errors.SigmaCorrelationTypeError: "correlation.type",
    sigma_errors.SigmaCorrelationConditionError: "correlation.condition",
    sigma_errors.SigmaTimespanError: "correlation.timespan",
    sigma_errors.SigmaCorrelationRuleError: "correlation",
}


@dataclass(frozen=True)
class Document:
    """One YAML document of a file, with the lines of its keys."""

    path: Path
    number: int  # from 0
    content: dict[str, Any]
    lines: Mapping[str, int]

    @property
    def key(self) -> str:
        """Its name, else the file's (with a number from the second document on)."""
        name = self.content.get("name")
        stem = self.path.name.removesuffix(".yaml").removesuffix(".yml")
        return str(name) if name else f"{stem}_{self.number}" if self.number else stem

    def problem(self, message: str, at: str = "") -> Problem:
        """Something wrong in this document."""
        while at and at not in self.lines:
            at = at.rpartition(".")[0]
        return Problem(self.path, self.lines.get(at, 1), message, self.key)


def read_documents(path: Path) -> tuple[list[Document], list[Problem]]:
    """The documents of a rule file; problems when it is no YAML of rules."""
    try:
        if path.stat().st_size > LARGEST:
            return [], [Problem(path, 1, f"It has more than {LARGEST:,} bytes: split the file.")]
        text = path.read_text("utf-8")
        nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        contents = list(yaml.safe_load_all(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return [], [Problem(path, line, f"It is no YAML ({error.problem}): correct it.")]
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        return [], [Problem(path, 1, f"It cannot be read ({_first(error)}): correct it.")]
    documents, problems = [], []
    for number, (node, content) in enumerate(zip(nodes, contents, strict=True)):
        if content is None:
            continue
        if not isinstance(content, dict):
            line = node.start_mark.line + 1
            problems.append(Problem(path, line, "It is no Sigma rule: write title, detection, …"))
            continue
        if not _bounded(content):
            text = f"It has more than {MOST_VALUES:,} values (aliases unfolded): split the rule."
            problems.append(Problem(path, node.start_mark.line + 1, text))
            continue
        documents.append(Document(path, number, content, dict(_lines(node))))
    return documents, problems


def _bounded(content: Any) -> bool:
    """Whether a document has at most MOST_VALUES values, each alias counted as what it stands
    for."""
    left = MOST_VALUES
    waiting = [content]
    while waiting and left:
        left -= 1
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return not waiting


def _lines(node: yaml.Node, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Dotted key → line, of a document, the whole under the empty key."""
    if not prefix:
        yield "", node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode) or prefix.count(".") > 8:
        return
    for key, value in node.value:
        name = f"{prefix}{getattr(key, 'value', '')}"
        yield name, key.start_mark.line + 1
        yield from _lines(value, f"{name}.")


def build(documents: Sequence[Document]) -> RuleSet:
    """The rules of all documents together, so that they can refer to each other."""
    rules: dict[str, Rule] = {}
    problems: list[Problem] = []
    for document in documents:
        rule, found = _rule(document)
        problems += found
        if rule is None:
            continue
        if rule.key in rules:
            other = rules[rule.key]
            text = f"Its name is taken by {other.path}:{other.line()}: give it another one."
            problems.append(rule.problem(text, "name"))
            continue
        rules[rule.key] = rule
    connected, more = _connect(rules)
    return RuleSet(tuple(connected), tuple(problems + more))


def _rule(document: Document) -> tuple[Rule | None, list[Problem]]:
    """One document as a rule, not connected to others yet."""
    text = json.dumps(document.content, default=str)
    if "\\u0000" in text:
        return None, [document.problem("It holds a null character: take it away.")]
    content = json.loads(text)  # dates as text, nothing shared
    try:
        parsed = SigmaCollection.from_dicts(
            [content], collect_errors=True, resolve_references=False
        )
    except (sigma_errors.SigmaError, ValueError, TypeError, KeyError, AttributeError) as error:
        return None, [document.problem(f"{_first(error)}: correct it.", _place(error))]
    if parsed.errors:
        return None, [
            document.problem(f"{_first(error)}: correct it.", _place(error))
            for error in parsed.errors
        ]
    if not parsed.rules:
        return None, [document.problem("It is neither a rule nor a correlation: correct it.")]
    sigma = parsed.rules[0]
    identity = str(sigma.id) if sigma.id else document.key
    uses: tuple[str, ...] = ()
    if isinstance(sigma, SigmaCorrelationRule):
        uses = references(sigma)
    meaning = {
        k: document.content[k] for k in ("detection", "correlation", "thresholds") if k in content
    }
    return Rule(
        key=document.key,
        id=identity,
        version=_digest(meaning),
        title=sigma.title or document.key,
        level=sigma.level.name.lower() if sigma.level else "medium",
        fires=True,
        path=document.path,
        lines=document.lines,
        content=document.content,
        sigma=sigma,
        uses=uses,
    ), []


def references(sigma: SigmaCorrelationRule) -> tuple[str, ...]:
    """What a correlation calls the rules that it is over, in its order."""
    if sigma.rules is not None:
        return tuple(one.reference for one in sigma.rules)
    condition = sigma.condition
    named = getattr(condition, "get_referenced_rules", None)
    return tuple(named()) if named is not None else ()


def _connect(rules: Mapping[str, Rule]) -> tuple[list[Rule], list[Problem]]:
    """Order the rules by what they use, and fold the versions of what is used into the user's."""
    by_id = {rule.id: rule.key for rule in rules.values()}
    done: dict[str, Rule] = {}
    problems: list[Problem] = []
    hidden: set[str] = set()

    def visit(key: str, above: tuple[str, ...]) -> bool:
        if key in done:
            return True
        rule = rules[key]
        uses = tuple(by_id.get(used, used) for used in rule.uses)
        for used in uses:
            missing = used not in rules
            if missing or used in (*above, key) or not visit(used, (*above, key)):
                why = "which is not there" if missing else "which cannot be used"
                text = f"It refers to the rule {used!r}, {why}: correct `rules`."
                problems.append(rule.problem(text, "correlation.rules"))
                return False
        version = _digest([rule.version, *(done[used].version for used in uses)])
        done[key] = replace(rule, uses=uses, version=version if uses else rule.version)
        if isinstance(rule.sigma, SigmaCorrelationRule) and not rule.sigma.generate:
            hidden.update(uses)
        return True

    for key in rules:
        visit(key, ())
    return [replace(rule, fires=rule.key not in hidden) for rule in done.values()], problems


def _digest(meaning: Any) -> str:
    text = json.dumps(meaning, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _place(error: Exception) -> str:
    return next((key for kind, key in _KEY_OF_ERROR.items() if isinstance(error, kind)), "")


def _first(error: Exception) -> str:
    text = str(error.args[0] if error.args else error).strip()
    return (text.splitlines() or [type(error).__name__])[0].rstrip(".")
