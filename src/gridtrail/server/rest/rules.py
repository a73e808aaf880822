"""Rules: those in force and what is wrong with others, and the text of one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from gridtrail.rules.compile import plan
from gridtrail.rules.folder import RuleFolders, rule_folders
from gridtrail.rules.listing import problem_row, rule_row
from gridtrail.rules.rule import Problem, RuleSet
from gridtrail.server.rest.call import Call, Called, answer
from gridtrail.server.rest.models import Shape
from gridtrail.server.rest.refusing import not_found
from gridtrail.server.rest.routing import Resource
from gridtrail.settings import Settings

router = Resource("rules")


class RuleShape(Shape):
    """A rule."""

    rule: str = Field(description="Its name.")
    id: str = Field(description="Its UUID, or its name when it has none.")
    level: str = Field(description="`informational` to `critical`.")
    kind: str = Field(description="`event`, or the type of its correlation.")
    title: str = Field(description="What it looks for.")
    tags: list[str] = Field(description="Such as `attack.t1530`.")
    version: str = Field(description="Changes with its meaning.")
    file: str = Field(description="Where the server reads it.")


class ProblemShape(Shape):
    """What is wrong in a file of rules."""

    severity: str = Field(description="`error` or `warning`.")
    place: str = Field(description="File and line.")
    rule: str = Field(description="The rule's name, where it is known.")
    check: str = Field(description="Which check found it.")
    message: str = Field(description="One sentence with the next step.")


class Rules(Shape):
    """All rules."""

    rules: list[RuleShape] = Field(description="Those in force.")
    quiet: list[RuleShape] = Field(
        description="Those that make no hits: switched off, or only used by others."
    )
    problems: list[ProblemShape] = Field(description="Why others cannot run.")


class RuleWhole(Shape):
    """A rule and its text."""

    rule: RuleShape
    in_force: bool = Field(description="Whether it makes hits of its own.")
    uses: list[str] = Field(description="Names of the rules that it is over.")
    problems: list[ProblemShape] = Field(description="What is wrong with it.")
    text: str = Field(description="Its file, as it is on the server's disk.")


@dataclass
class _Kept:
    """The rules of one server, read again only when a file changed; shared between threads."""

    folders: RuleFolders
    lock: threading.Lock = field(default_factory=threading.Lock)
    found: RuleSet | None = None
    problems: tuple[Problem, ...] = ()

    def current(self) -> tuple[RuleSet, tuple[Problem, ...]]:
        """The rules, and what is wrong with those that cannot run."""
        with self.lock:
            now = self.folders.current()
            if now is not self.found:
                self.problems = (*now.problems, *plan(now).problems)
                self.found = now
            return now, self.problems


@router.read("/rules", Rules)
async def list_rules(call: Called) -> Response:
    """List the rules in force, and what is wrong with others."""
    found, problems = await _rules(call)
    return answer(
        {
            "rules": [rule_row(rule) for rule in found.firing],
            "quiet": [rule_row(rule) for rule in found.rules if not rule.fires],
            "problems": [problem_row(one) for one in problems],
        }
    )


@router.read("/rules/{rule}", RuleWhole, 404)
async def get_rule(call: Called, rule: str) -> Response:
    """Read a rule by its name or id, with its text."""
    found, problems = await _rules(call)
    one = found.find(rule)
    if one is None:
        raise not_found("rule", rule, "list them at /api/v1/rules")
    wrong = [problem_row(problem) for problem in problems if problem.rule == one.key]
    text = await call.state(one.path.read_text, "utf-8")
    known: dict[str, Any] = {"rule": rule_row(one), "in_force": one.fires, "uses": list(one.uses)}
    return answer({**known, "problems": wrong, "text": text})


async def _rules(call: Call) -> tuple[RuleSet, tuple[Problem, ...]]:
    return await call.state(_kept(call.request, call.settings).current)


def _kept(request: Request, settings: Settings) -> _Kept:
    # the application's own, as long as it lives; only the event loop comes by here
    state = request.app.state
    if not hasattr(state, "rest_rules"):
        state.rest_rules = _Kept(rule_folders(settings.rules))
    found: _Kept = state.rest_rules
    return found
