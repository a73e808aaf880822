"""A rule: its text, its cases, its hits, and what it would have hit in another time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response

from gridtrail.detect.state import day_of
from gridtrail.engine.duckdb import DuckDB
from gridtrail.errors import Stop, WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.rules.backtest import Backtest, backtest
from gridtrail.rules.cases import Case, cases_of
from gridtrail.server.console.bars import Bars, Value, bars
from gridtrail.server.console.detector_facts import DAYS
from gridtrail.server.console.names import names_of
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.rule_facts import (
    LastTry,
    RuleFacts,
    newest_hits,
    now,
    technique_address,
)
from gridtrail.server.console.rules import overview_of
from gridtrail.server.console.text import counted, shortened
from gridtrail.server.console.times import DAY, day_said, parsed
from gridtrail.server.console.visit import Visit
from gridtrail.server.console.workbench import OnProgress

MOST_DAYS = 92
"""Days that a backtest on a page may look at."""

_TRIED_DAYS = 30
_SHOWN = 20
_MOST_TEXT = 60_000


@dataclass(frozen=True, slots=True)
class RulePage:
    """One rule; `tags` with where they are described, `cases` with what they expect."""

    template: ClassVar[str] = "rule.html"

    facts: RuleFacts
    description: str
    expected: Sequence[str]  # what harmless thing may hit it
    references: Sequence[str]
    tags: Sequence[tuple[str, str | None]]
    text: str
    cases: Sequence[Case]
    cases_text: str
    chart: Bars
    hits: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]  # of people, by id
    first: str  # of a backtest, as forms hold days
    last: str
    tried: LastTry | None
    days: int = DAYS
    most_days: int = MOST_DAYS


@dataclass(frozen=True, slots=True)
class Tried:
    """What the rule would have hit; or why that cannot be said."""

    template: ClassVar[str] = "backtest.html"

    error: str
    found: Backtest | None = None
    chart: Bars | None = None
    people: Sequence[tuple[str, int]] = ()
    hits: Sequence[Any] = ()
    names: Mapping[str, str] = field(default_factory=dict)  # of people, by id


async def show(visit: Visit) -> Response:
    """The page. Raises NotHere."""
    facts, last_day = await _facts(visit)
    rule, org = facts.rule, visit.org
    hits, names = await visit.lake(lambda lake: _newest(lake, org, rule.id))
    cases, _problems = await visit.state(cases_of, rule.path)
    content = rule.content
    first = last_day - DAYS + 1
    return visit.page(
        RulePage(
            facts,
            str(content.get("description") or ""),
            _texts(content.get("falsepositives")),
            _texts(content.get("references")),
            [(tag, technique_address(tag)) for tag in facts.tags],
            await visit.state(_text, rule.path),
            cases,
            "" if not cases else await visit.state(_text, cases[0].path),
            _days(facts.hits, first, last_day),
            hits,
            names,
            day_of((last_day - _TRIED_DAYS + 1) * DAY).isoformat(),
            day_of(last_day * DAY).isoformat(),
            visit.parts.rules.tries.get((org, rule.key)),
        )
    )


async def try_it(visit: Visit) -> Response:
    """Run the rule over a chosen time; nothing is written. Raises NotHere."""
    facts, _last_day = await _facts(visit)
    settings, org, key = visit.parts.settings, visit.org, facts.rule.key
    shelf = await visit.state(visit.parts.rules.current)
    try:
        first, last = _period(visit.form)

        def work(lake: Lake, engine: DuckDB, tell: OnProgress) -> Backtest:
            return backtest(
                lake, engine, settings, key, shelf.rules,
                first=first, last=last, org=org, on_progress=tell,
            )  # fmt: skip

        found = await visit.parts.workbench.run(work)
    except (WrongUse, Stop) as error:  # as a part of the page; htmx shows no page of an error
        return visit.page(Tried(str(error)))
    ends = (day_of(first).isoformat(), day_of(last).isoformat())
    visit.parts.rules.tries[org, key] = LastTry(now(), visit.account.name, *ends, len(found.hits))
    by_day = Counter(hit.at // DAY for hit in found.hits)
    chart = _days(by_day, first // DAY, last // DAY)
    people = Counter(hit.subject or "nobody" for hit in found.hits)
    newest = sorted(found.hits, key=lambda hit: -hit.at)[:_SHOWN]
    most = people.most_common(10)
    who = {hit.subject for hit in newest} | {one for one, _ in most}
    names = await visit.lake(lambda lake: names_of(lake, org, who, last))
    return visit.page(Tried("", found, chart, most, newest, names))


def _newest(
    lake: Lake, org: str, rule_id: str
) -> tuple[list[Mapping[str, Any]], Mapping[str, str]]:
    """The newest hits, and the names of those whom they are about."""
    hits = newest_hits(lake, org, rule_id)
    last = max((hit["at"] for hit in hits), default=0)
    return hits, names_of(lake, org, [hit["subject"] for hit in hits], last)


async def _facts(visit: Visit) -> tuple[RuleFacts, int]:
    wanted = visit.request.path_params["name"]
    found = await overview_of(visit)
    facts = next((one for one in found.rules if wanted in (one.rule.key, one.rule.id)), None)
    if facts is None:
        raise NotHere(f"There is no rule {shortened(wanted, 60)}: look at the list.")
    return facts, found.last_day


def _text(path: Path) -> str:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return f"{path} cannot be read: {error}"
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "\n… cut here"


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    return [str(value)] if value else []


def _days(hits: Mapping[int, int], first: int, last: int) -> Bars:
    values = []
    for day in range(first, last + 1):
        number = hits.get(day, 0)
        values.append(Value(number, f"{day_said(day * DAY)}: {counted(number, 'hit')}"))
    return bars("Hits a day", values, ends=(day_said(first * DAY), day_said(last * DAY)))


def _period(form: Mapping[str, str]) -> tuple[int, int]:
    first, last = parsed(form.get("from", "")), parsed(form.get("to", ""), end=True)
    if first > last:
        raise WrongUse("The time ends before it begins: swap the two.")
    if last // DAY - first // DAY >= MOST_DAYS:
        raise WrongUse(f"A backtest here looks at {MOST_DAYS} days at most: choose fewer.")
    return first, last
