"""Rules and their problems as rows of JSON, for `gridtrail rules` and the API."""

from __future__ import annotations

from typing import Any

from gridtrail.rules.rule import Problem, Rule


def rule_row(rule: Rule) -> dict[str, Any]:
    """A rule: its name, id, level, kind (`event`, or that of its correlation), title, tags,
    version and file."""
    return {
        "rule": rule.key,
        "id": rule.id,
        "level": rule.level,
        "kind": rule.correlation.type.name.lower() if rule.is_correlation else "event",
        "title": rule.title,
        "tags": [str(tag) for tag in rule.content.get("tags") or ()],
        "version": rule.version,
        "file": str(rule.path),
    }


def problem_row(problem: Problem) -> dict[str, Any]:
    """What is wrong, and where."""
    return {
        "severity": problem.severity,
        "place": f"{problem.path}:{problem.line}",
        "rule": problem.rule,
        "check": problem.check,
        "message": problem.message,
    }
