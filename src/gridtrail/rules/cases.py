"""Cases beside a rule: given these events, it fires so often; or it does not (a near miss).

`x.cases.yml` beside the rule file `x.yml` holds small data, and the builder fills in the rest:

    - name: sixty sessions ended in a day
      given:
        - {who: ann, does: user_session_reset_by_admin, times: 60, over: 20h}
      fires: 1

    - name: fifty-nine are not enough
      given:
        - {who: ann, does: user_session_reset_by_admin, times: 59, over: 20h}
      fires: 0

Keys of an event are the fields of `Act`; places and clients are words of `gridtrail.detect.stage`
(or an address, a user agent). `fires` is a number of hits, or a list such as
`[{rule: NAME, who: ann}]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from gridtrail.detect import stage
from gridtrail.detect.cases import seconds_of
from gridtrail.engine.duckdb import DuckDB
from gridtrail.enrich.dimensions import refresh
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.rules.compile import Plan
from gridtrail.rules.evaluate import Evaluation
from gridtrail.rules.rule import Problem, RuleSet
from gridtrail.rules.state import Hit, hits_of

ENDINGS = (".cases.yml", ".cases.yaml")


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody did, once or `times` spread evenly `over` a span from `at` on.

    `things` is how many different entities were touched (default: one each time). `entity` is
    `{type: file, name: x.pdf, …}` (an id is made from the name), `event` is laid over the finished
    event, key by key, for shapes that the other keys cannot say.
    """

    does: str
    who: str = "ann"
    times: int = 1
    things: int | None = None
    over: str = "0s"
    at: str = "10:00"
    day: int = 0
    place: str = "office"
    client: str = "desktop"
    session: int | str | None = None
    app: str | None = None
    bot: bool = False
    entity: Mapping[str, Any] | None = None
    details: Mapping[str, Any] | None = None
    event: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fires:
    """A hit that must be there: of which rule (None: the file's) and person (None: anybody)."""

    rule: str | None = None
    who: str | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Case:
    """One case of a file; `rule_path` is the file of the rules it is about."""

    path: Path
    line: int
    name: str
    given: tuple[Act, ...]
    fires: tuple[Fires, ...]
    rule_path: Path

    @property
    def expected(self) -> int:
        """Hits that it expects."""
        return sum(one.times for one in self.fires)

    @property
    def actions(self) -> frozenset[str]:
        """Actions of its events."""
        return frozenset(act.does for act in self.given)


def cases_of(rule_path: Path) -> tuple[list[Case], list[Problem]]:
    """The cases beside a rule file, and what is wrong with them; none when there is no file."""
    stem = rule_path.name.removesuffix(".yaml").removesuffix(".yml")
    for ending in ENDINGS:
        path = rule_path.with_name(stem + ending)
        if path.is_file():
            return _read(path, rule_path)
    return [], []


def _read(path: Path, rule_path: Path) -> tuple[list[Case], list[Problem]]:
    try:
        text = path.read_text("utf-8")
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        return [], [Problem(path, 1, f"It cannot be read ({str(error).splitlines()[0]}): fix it.")]
    if not isinstance(content, list):
        return [], [Problem(path, 1, "It is no list of cases: begin with `- name: …`.")]
    cases: list[Case] = []
    problems: list[Problem] = []
    for one, where in zip(content, node.value, strict=True):
        line = where.start_mark.line + 1
        try:
            cases.append(_case(one, path, line, rule_path))
        except (WrongUse, TypeError, ValueError) as error:
            problems.append(Problem(path, line, f"{error}"))
    return cases, problems


def _case(given: Any, path: Path, line: int, rule_path: Path) -> Case:
    if not isinstance(given, dict) or not {"name", "given", "fires"} <= given.keys():
        raise WrongUse("A case has a name, given (events) and fires: write all three.")
    _only(given, ("name", "given", "fires"))
    acts = []
    for act in given["given"]:
        _only(act, [one.name for one in fields(Act)])
        acts.append(Act(**act))
        seconds_of(acts[-1].over)
    fires = given["fires"]
    if isinstance(fires, bool) or not isinstance(fires, int | list):
        raise WrongUse("`fires` is a number, or a list such as [{rule: NAME, who: ann}].")
    wanted: tuple[Fires, ...]
    if isinstance(fires, int):
        wanted = (Fires(times=fires),) if fires else ()
    else:
        for one in fires:
            _only(one, [f.name for f in fields(Fires)])
        wanted = tuple(Fires(**one) for one in fires)
    return Case(path, line, str(given["name"]), tuple(acts), wanted, rule_path)


def _only(given: Any, known: Sequence[str]) -> None:
    if not isinstance(given, dict):
        raise WrongUse(f"{given!r} has no keys: use {', '.join(known)}.")
    for key in given:
        if key not in known:
            raise WrongUse(f"The key {key!r} is unknown: use {', '.join(known)}.")


def events_of(case: Case) -> Iterator[dict[str, Any]]:
    """The case's events in Slack's shape."""
    for place, act in enumerate(case.given):
        start = stage.second_of(act.day, act.at)
        for number in range(act.times):
            thing = number % (act.things or act.times)
            event = stage.slack_event(
                start + seconds_of(act.over) * number // act.times,
                act.who,
                act.does,
                place=act.place,
                client=act.client,
                number=1000 * place + number,
                entity=_entity(act, thing),
                session=act.session,
                app=act.app,
                bot=act.bot,
                details=act.details,
            )
            yield _laid_over(event, act.event)


def _entity(act: Act, thing: int) -> dict[str, Any] | None:
    if act.entity is None:
        name = f"{act.who} {act.does} {thing}"
        return stage.file_entity(name) if act.does.startswith("file_") else None
    kind = str(act.entity.get("type", "file"))
    content = {key: value for key, value in act.entity.items() if key != "type"}
    made = stage.file_entity(f"{kind} {content.get('name', act.does)} {thing}")["file"]["id"]
    return {"type": kind, kind: {"id": made, **content}}


def _laid_over(event: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(event)
    for key, value in changes.items():
        there = merged.get(key)
        inner = isinstance(value, Mapping) and isinstance(there, dict)
        merged[key] = _laid_over(dict(there or {}), value) if inner else value
    return merged


class CaseRunner:
    """Runs the cases of a whole set of rules in one go: each case is an organization of its own."""

    def __init__(self, folder: Path, engine: DuckDB) -> None:
        self.engine = engine
        self.settings = stage.stage_settings(folder / "stage")
        self.lake = Lake(folder / "lake", engine)

    def hits(self, planned: Plan, cases: Sequence[Case]) -> list[list[Hit]]:
        """The hits of each case, by time."""
        tables = [stage.event_rows(events_of(c), f"C{n}") for n, c in enumerate(cases)]
        if not tables:
            return []
        self.engine.register("_case_rows", pa.concat_tables(tables))
        self.engine.keep("_case_events", "SELECT * FROM _case_rows")
        self.engine.unregister("_case_rows")
        if planned.needs_addresses or planned.needs_clients:
            refresh(self.lake, self.engine, "_case_events", self.settings)
        evaluation = Evaluation(self.engine, planned)
        evaluation.add("_case_events")
        found: list[list[Hit]] = [[] for _ in cases]
        for hit in hits_of(evaluation.hits(0, 2**40)):
            found[int(hit.org[1:])].append(hit)
        self.engine.drop("_case_events")
        return found

    def problems(self, planned: Plan, cases: Sequence[Case]) -> list[Problem]:
        """What is otherwise than the cases say; hits of rules in other files do not matter."""
        found = self.hits(planned, cases)
        return [
            Problem(case.path, case.line, f"{case.name}: {text}", check="case")
            for case, hits in zip(cases, found, strict=True)
            for text in _differences(planned.rules, case, hits)
        ]


def _differences(rules: RuleSet, case: Case, hits: Sequence[Hit]) -> Iterator[str]:
    own = {rule.key for rule in rules.rules if rule.path == case.rule_path}
    mine = [hit for hit in hits if hit.rule in own]
    told = ", ".join(f"{hit.rule} ({hit.subject})" for hit in mine) or "nothing"
    if len(mine) != case.expected:
        yield f"{case.expected} hits expected, found {told}"
        return
    for wanted in case.fires:
        who = None if wanted.who is None else stage.person_id(wanted.who)
        fitting = [
            hit
            for hit in mine
            if wanted.rule in (None, hit.rule)
            and (wanted.who is None or hit.subject in (who, wanted.who))
        ]
        if len(fitting) < wanted.times:
            yield f"{wanted.times} of {wanted.rule or 'it'} by {wanted.who} expected, found {told}"
