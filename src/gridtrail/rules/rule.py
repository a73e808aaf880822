"""What a rule is once it is read, and what was wrong with those that could not be.

A rule file holds one Sigma rule or several documents: base rules and the correlation over them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sigma.correlations import SigmaCorrelationRule
from sigma.rule import SigmaRule

Severity = Literal["error", "warning"]
LEVELS = ("informational", "low", "medium", "high", "critical")
"""Sigma's levels, the mildest first."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in a file of rules; `line` counts from 1."""

    path: Path
    line: int
    message: str  # one sentence with the next step
    rule: str = ""
    severity: Severity = "error"
    check: str = "load"  # which check of the linter found it

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}"
        return f"{where}: {self.rule}: {self.message}" if self.rule else f"{where}: {self.message}"


@dataclass(frozen=True, slots=True)
class PythonRule:
    """A Panther-style rule: a file with `rule(event)`."""

    name: str
    file: Path
    title: str


@dataclass(frozen=True)
class Rule:
    """One document of a rule file.

    `key` is its name (Sigma's `name`, else the file's), under which others refer to it; `id` its
    UUID, or the key when it has none. `version` are 12 hex digits that change with its meaning,
    that of the rules it refers to included. `fires` is false for rules that only others use.
    """

    key: str
    id: str
    version: str
    title: str
    level: str
    fires: bool
    path: Path
    lines: Mapping[str, int]  # key of the document, dotted → line
    content: Mapping[str, Any]  # the document as YAML gave it
    sigma: SigmaRule | SigmaCorrelationRule | PythonRule
    uses: tuple[str, ...] = ()  # keys of the rules a correlation is over, in its order
    aliases: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # alias → key → field

    @property
    def is_correlation(self) -> bool:
        """Whether it counts or joins hits of other rules."""
        return isinstance(self.sigma, SigmaCorrelationRule)

    @property
    def correlation(self) -> SigmaCorrelationRule:
        """The correlation, for rules that are one. Raises TypeError for others."""
        if isinstance(self.sigma, SigmaCorrelationRule):
            return self.sigma
        raise TypeError(self.key)

    @property
    def thresholds(self) -> dict[str, float]:
        """Value of the first field of `group-by` → the threshold for it, where it differs."""
        found = self.content.get("thresholds")
        return dict(found) if isinstance(found, Mapping) else {}

    def line(self, name: str = "") -> int:
        """The line of a key such as `detection.selection`, or of the nearest one around it."""
        while name and name not in self.lines:
            name = name.rpartition(".")[0]
        return self.lines.get(name, 1)

    def problem(
        self, message: str, at: str = "", *, severity: Severity = "error", check: str = "load"
    ) -> Problem:
        """Something wrong in this rule."""
        return Problem(self.path, self.line(at), message, self.key, severity, check)


@dataclass(frozen=True)
class RuleSet:
    """Rules that can run, those referred to before those that refer to them, and the problems of
    the others."""

    rules: tuple[Rule, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def firing(self) -> tuple[Rule, ...]:
        """Rules that make hits of their own."""
        return tuple(rule for rule in self.rules if rule.fires)

    def __getitem__(self, key: str) -> Rule:
        return next(rule for rule in self.rules if rule.key == key)

    def __contains__(self, key: str) -> bool:
        return any(rule.key == key for rule in self.rules)

    def find(self, text: str) -> Rule | None:
        """The rule with this key or id, or None."""
        return next((rule for rule in self.rules if text in (rule.key, rule.id)), None)

    def only(self, keys: Sequence[str]) -> RuleSet:
        """The rules with these keys and those that they use; no others make hits."""
        from dataclasses import replace

        wanted = set(self._closure(keys))
        kept = [rule for rule in self.rules if rule.key in wanted]
        return RuleSet(
            tuple(replace(rule, fires=rule.fires and rule.key in keys) for rule in kept),
            self.problems,
        )

    def _closure(self, keys: Sequence[str]) -> Iterator[str]:
        for key in keys:
            yield key
            yield from self._closure(self[key].uses)
