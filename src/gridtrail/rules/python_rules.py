"""Panther-style Python rules as rules of ours: a YAML file names the Python file beside it.

`rule(event)` says whether an event counts, `dedup(event)` which ones belong together. Threshold and
period become an `event_count` correlation over a rule of single events that Python decides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sigma.correlations import SigmaCorrelationRule

from gridtrail.rules.parse import Document
from gridtrail.rules.rule import Problem, PythonRule, Rule

LOG_TYPE = "Slack.AuditLogs"
DEDUP = "python.dedup"
"""The field of the text by which a rule groups events."""
LEVELS = {
    "INFO": "informational",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "CRITICAL": "critical",
}
_PERIOD_MINUTES = 60  # Panther's default


@dataclass(frozen=True, slots=True)
class PythonTest:
    """A test that a YAML file brings: an event, and whether the rule must say yes."""

    rule: Rule
    name: str
    expected: bool
    event: Mapping[str, Any]


def python_rules(documents: Sequence[Document]) -> tuple[list[Rule], list[Problem]]:
    """Two rules of ours for each of theirs that is about Slack's audit log and switched on."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    for document in documents:
        content = document.content
        types = content.get("LogTypes") or [LOG_TYPE]
        if content.get("AnalysisType") != "rule" or LOG_TYPE not in types:
            continue
        if content.get("Enabled") is False:
            continue
        try:
            rules += _pair(document)
        except (OSError, TypeError, ValueError) as error:
            problems.append(document.problem(f"It is no Python rule ({error}): correct it."))
    return rules, problems


def _pair(document: Document) -> list[Rule]:
    content = document.content
    key, name = content.get("RuleID"), content.get("Filename")
    if not isinstance(key, str) or not isinstance(name, str):
        raise ValueError("RuleID or Filename is missing")  # noqa: TRY004 # one kind for the caller
    file = document.path.with_name(Path(name).name)
    digest = hashlib.sha256(file.read_bytes() + json.dumps(content, default=str).encode())
    level = LEVELS.get(str(content.get("Severity", "MEDIUM")).upper(), "medium")
    minutes = int(content.get("DedupPeriodMinutes") or _PERIOD_MINUTES)
    threshold = int(content.get("Threshold") or 1)
    title = str(content.get("DisplayName") or key)
    counted = SigmaCorrelationRule.from_dict(
        {
            "title": title[:256],
            "correlation": {
                "type": "event_count",
                "rules": [f"{key}/event"],
                "group-by": [DEDUP],
                "timespan": f"{minutes}m",
                "condition": {"gte": threshold},
            },
        }
    )
    base = Rule(
        key=f"{key}/event",
        id=f"{key}/event",
        version=digest.hexdigest()[:12],
        title=title,
        level=level,
        fires=False,
        path=document.path,
        lines=document.lines,
        content=content,
        sigma=PythonRule(key, file, title),
    )
    version = digest.hexdigest()[:12]
    fires = content.get("CreateAlert") is not False
    whole = Rule(
        key, key, version, title, level, fires, document.path, document.lines, content, counted,
        (base.key,),
    )  # fmt: skip
    return [base, whole]


def brought_tests(rules: Sequence[Rule]) -> list[PythonTest]:
    """The tests that the YAML files bring along."""
    return [
        PythonTest(
            rule, str(one.get("Name")), bool(one.get("ExpectedResult")), one.get("Log") or {}
        )
        for rule in rules
        if isinstance(rule.sigma, PythonRule)
        for one in rule.content.get("Tests") or ()
        if isinstance(one, Mapping) and isinstance(one.get("Log"), Mapping) and not one.get("Mocks")
    ]
