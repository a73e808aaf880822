"""What is known of each rule: whether it runs, what is wrong with it, what it hit lately."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gridtrail.detect.state import day_of
from gridtrail.errors import BadSettings
from gridtrail.lake.lake import Lake
from gridtrail.rules.compile import plan
from gridtrail.rules.folder import PACK, RuleFolders, rule_folders
from gridtrail.rules.rule import LEVELS, Problem, Rule, RuleSet
from gridtrail.rules.state import PROGRESS, RULE_HITS
from gridtrail.server.console.detector_facts import DAYS
from gridtrail.server.console.per_file import FileCounts
from gridtrail.server.console.times import DAY
from gridtrail.settings import RulesSettings

TECHNIQUE = re.compile(r"attack\.(t[0-9]{4})(?:\.([0-9]{3}))?", re.IGNORECASE)

_NEWEST = 25

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The rules in force and everything that is wrong with rules; `problem` when their folders
    cannot be read."""

    rules: RuleSet
    problems: Sequence[Problem]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class LastTry:
    """The last time that somebody tried a rule on history; times in seconds."""

    at: int
    by: str
    first: str
    last: str
    hits: int


@dataclass
class RuleShelf:
    """The rules of one server, read anew when a file changes; shared between threads."""

    settings: RulesSettings
    tries: dict[tuple[str, str], LastTry] = field(default_factory=dict)  # by org and rule
    _folders: RuleFolders | None = None
    _seen: RuleSet | None = None
    _shelf: Shelf = Shelf(RuleSet(), ())
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def current(self) -> Shelf:
        """The rules as their files are now."""
        with self._lock:
            try:
                self._folders = self._folders or rule_folders(self.settings)
            except BadSettings as error:
                return Shelf(RuleSet(), (), str(error))
            rules = self._folders.current()
            if rules is not self._seen:
                self._seen = rules
                self._shelf = Shelf(rules, (*rules.problems, *plan(rules).problems))
            return self._shelf


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """One rule; `hits` by UTC day since the epoch, `last_hit` in seconds."""

    rule: Rule
    state: Literal["working", "off", "broken"]
    tags: Sequence[str]
    file: str
    problems: Sequence[Problem]
    hits: Mapping[int, int]
    last_hit: int | None

    @property
    def total(self) -> int:
        """Hits of these days."""
        return sum(self.hits.values())


@dataclass(frozen=True, slots=True)
class RuleOverview:
    """All rules that make hits, and the problems of files; `last_day` ends the days looked at.

    `strangers` are hits of rules that are no longer there, by name.
    """

    rules: Sequence[RuleFacts]
    problems: Sequence[Problem]
    problem: str
    strangers: Mapping[str, int]
    last_day: int
    decided_to: int | None

    @property
    def first_day(self) -> int:
        """The first of the days."""
        return self.last_day - DAYS + 1


def rule_overview(
    lake: Lake, settings: RulesSettings, counts: FileCounts, shelf: Shelf, org: str
) -> RuleOverview:
    """The rules, broken ones first, then by hits and level."""
    last_day = counts.last_day(lake, org)
    hits, newest, names = _hits(lake, org, last_day - DAYS + 1)
    off = set(settings.disabled)
    found = []
    for rule in shelf.rules.rules:
        disabled = bool({rule.key, rule.id} & off)
        if not (rule.fires or disabled):
            continue  # others use it
        own = [one for one in shelf.problems if one.path == rule.path and one.rule == rule.key]
        broken = any(one.severity == "error" for one in own)
        found.append(
            RuleFacts(
                rule,
                "off" if disabled else "broken" if broken else "working",
                [str(tag) for tag in rule.content.get("tags") or ()],
                file_name(rule.path),
                own,
                hits.get(rule.id, {}),
                newest.get(rule.id),
            )
        )
    levels = {level: n for n, level in enumerate(LEVELS)}
    found.sort(
        key=lambda one: (
            one.state != "broken",
            one.state == "off",
            -one.total,
            -levels.get(one.rule.level, 0),
            one.rule.key,
        )
    )
    known = {rule.id for rule in shelf.rules.rules}
    gone = Counter({names[i]: sum(days.values()) for i, days in hits.items() if i not in known})
    return RuleOverview(
        found, shelf.problems, shelf.problem, gone, last_day, _decided_to(lake, org)
    )


def newest_hits(lake: Lake, org: str, rule_id: str) -> list[Row]:
    """The newest hits of a rule, all their columns."""
    lake.view(RULE_HITS, "_console_hits", org=org)
    found: list[Row] = lake.engine.rows(
        'SELECT * FROM _console_hits WHERE rule_id = ? ORDER BY "at" DESC, id LIMIT ?',
        [rule_id, _NEWEST],
    ).to_pylist()
    return found


def _hits(
    lake: Lake, org: str, first_day: int
) -> tuple[dict[str, dict[int, int]], dict[str, int], dict[str, str]]:
    lake.view(RULE_HITS, "_console_hits", org=org)
    rows = lake.engine.rows(
        'SELECT rule_id, max(rule) AS rule, "at" // 86400 AS day, count(*) AS n, max("at") AS last '
        "FROM _console_hits WHERE day >= ? GROUP BY rule_id, 3",
        [day_of(first_day * DAY)],
    ).to_pylist()
    hits: dict[str, dict[int, int]] = {}
    newest: dict[str, int] = {}
    for row in rows:
        hits.setdefault(row["rule_id"], {})[row["day"]] = row["n"]
        newest[row["rule_id"]] = max(row["last"], newest.get(row["rule_id"], 0))
    return hits, newest, {row["rule_id"]: row["rule"] for row in rows}


def _decided_to(lake: Lake, org: str) -> int | None:
    lake.view(PROGRESS, "_console_rule_progress", org=org)
    found: int | None = lake.engine.value("SELECT max(decided_to) FROM _console_rule_progress")
    return found


def file_name(path: Path) -> str:
    """A rule's file as people know it: in the pack by its place there, else whole."""
    return f"pack/{path.relative_to(PACK)}" if path.is_relative_to(PACK) else str(path)


def technique_address(tag: str) -> str | None:
    """Where MITRE describes the technique of an ATT&CK tag; None for other tags."""
    match = TECHNIQUE.fullmatch(tag)
    if match is None:
        return None
    below = f"{match[2]}/" if match[2] else ""
    return f"https://attack.mitre.org/techniques/{match[1].upper()}/{below}"


def now() -> int:
    """This second."""
    return int(time.time())
