"""Running Python rules over events, in processes that may fail without harm."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gridtrail.rules.python_rules import LEVELS, PythonTest
from gridtrail.rules.python_worker import DONE
from gridtrail.rules.rule import Problem, PythonRule, Rule

WORKER = Path(__file__).with_name("python_worker.py")
MEGABYTES = 1024
BATCH = 10_000
"""Events for one process."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule said of the event at `place` of the batch; `level` None: the rule's own."""

    place: int
    rule: str
    dedup: str
    title: str | None
    level: str | None


@dataclass
class PythonRunner:
    """Runs rules; those that failed are in `problems`, once each, and the others went on.

    `seconds` of processor time are for one batch of all rules of one folder.
    """

    rules: Sequence[Rule]
    seconds: int = 60
    problems: list[Problem] = field(default_factory=list)
    _broken: set[str] = field(default_factory=set)

    def said(self, raws: Sequence[str]) -> list[Said]:
        """What the rules say of a batch of events (JSON texts)."""
        found: list[Said] = []
        working = [rule for rule in self.rules if rule.key not in self._broken]
        for folder in sorted({_python(rule).file.parent for rule in working}):
            here = [rule for rule in working if _python(rule).file.parent == folder]
            found += self._together(here, raws)
        return sorted(found, key=lambda one: (one.place, one.rule))

    def _together(self, rules: Sequence[Rule], raws: Sequence[str]) -> list[Said]:
        """All rules in one process; when it is killed, each in one of its own."""
        answers = self._process(rules, raws)
        if answers is not None:
            return self._read(rules, answers)
        if len(rules) == 1:
            self._report(rules[0], "it took more time or memory than it may, or left")
            return []
        return [one for rule in rules for one in self._together([rule], raws)]

    def _process(self, rules: Sequence[Rule], raws: Sequence[str]) -> list[str] | None:
        """The answers, or None when the process did not come to its end."""
        job = {
            "folders": _folders(rules),
            "rules": {rule.key: str(_python(rule).file.resolve()) for rule in rules},
            "seconds": self.seconds,
            "megabytes": MEGABYTES,
        }
        with tempfile.TemporaryDirectory(prefix="gridtrail-rules-") as empty:
            command = [sys.executable, "-I", str(WORKER), json.dumps(job)]
            text = "".join(_line(raw) for raw in raws)
            try:
                done = subprocess.run(  # noqa: S603 # our own interpreter and worker
                    command, input=text.encode(), capture_output=True, cwd=empty, env={},
                    timeout=4 * self.seconds, check=False, start_new_session=True,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                return None
        lines = done.stdout.decode().splitlines()
        whole = done.returncode == 0 and lines[-1:] == [DONE]
        return lines[:-1] if whole else None

    def _read(self, rules: Sequence[Rule], answers: Iterable[str]) -> list[Said]:
        by_key = {rule.key: rule for rule in rules}
        found = []
        for line in answers:
            answer = json.loads(line)
            rule = by_key[answer["rule"]]
            if "error" in answer:
                self._report(rule, answer["error"])
                continue
            title = answer["title"]
            level = LEVELS.get(str(answer["severity"]).upper())
            dedup = answer["dedup"] or title or _python(rule).name
            found.append(Said(answer["event"], rule.key, dedup, title, level))
        return found

    def _report(self, rule: Rule, why: str) -> None:
        if rule.key not in self._broken:
            self._broken.add(rule.key)
            file = _python(rule).file
            text = f"The rule failed ({why}): correct it."
            self.problems.append(Problem(file, 1, text, _python(rule).name, check="python"))


def run_tests(tests: Sequence[PythonTest], seconds: int = 60) -> list[Problem]:
    """Run the tests that Python rules bring; what is otherwise than they say."""
    problems: list[Problem] = []
    for rule in {one.rule.key: one.rule for one in tests}.values():
        own = [one for one in tests if one.rule is rule]
        runner = PythonRunner([rule], seconds)
        yes = {said.place for said in runner.said([json.dumps(one.event) for one in own])}
        problems += runner.problems
        for place, one in enumerate(own):
            if (place in yes) != one.expected and not runner.problems:
                text = f"{one.name}: {one.expected} expected, the rule says {place in yes}"
                problems.append(rule.problem(text, "Tests", check="case"))
    return problems


def _python(rule: Rule) -> PythonRule:
    if isinstance(rule.sigma, PythonRule):
        return rule.sigma
    raise TypeError(rule.key)


def _folders(rules: Sequence[Rule]) -> list[str]:
    """Where modules are imported from: beside the rules, and helpers of the whole collection."""
    found: dict[str, None] = {}
    for rule in rules:
        folder = _python(rule).file.resolve().parent
        found[str(folder)] = None
        for above in list(folder.parents)[:4]:
            for name in ("global_helpers", "helpers"):
                if (above / name).is_dir():
                    found[str(above / name)] = None
    return list(found)


def _line(raw: str) -> str:
    event: Mapping[str, object] = json.loads(raw)
    return json.dumps({**event, "p_log_type": "Slack.AuditLogs"}) + "\n"
