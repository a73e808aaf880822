"""The run of rules: what is not decided yet, day by day, from the lake into `rule_hits`.

A day is decided again when it has more events than when it was decided, and so are the days after
it that a window may reach into. What a decision needs of earlier days is bounded by the windows,
so an increment costs the events of its days and windows, never the history.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from gridtrail.detect.contract import DAY_SECONDS
from gridtrail.detect.state import ONE_DAY, Decided, Progress, midnight
from gridtrail.engine.duckdb import DuckDB, literal
from gridtrail.enrich.dimensions import refresh
from gridtrail.lake.lake import Lake
from gridtrail.rules.compile import Plan, actions_condition, leaves, plan
from gridtrail.rules.evaluate import Evaluation
from gridtrail.rules.folder import rule_folders
from gridtrail.rules.rule import Problem, RuleSet
from gridtrail.rules.state import RULE_HITS, Hit, hits_of, read_progress, write_progress
from gridtrail.rules.windows import longest_reach, reach
from gridtrail.settings import Settings

PIECE_EVENTS = 500_000
"""Events of the days that are decided in one go (always at least one day)."""

_RANGE = "_rule_range"
_EVENTS = "_rule_events"

_NOT_OURS = "(source <> 'gridtrail' OR action = 'anomaly')"
"""SQL without what people do in Gridtrail itself: its trail has Slack's words (a sign-in, an export
of logs), but is not Slack's business. Anomalies that its detectors raised are."""

OnProgress = Callable[[str, int, int], None]
"""Called with a sentence, days done and days in all."""


@dataclass
class OrganizationHits:
    """What one run did for one organization; `decided_to` in seconds.

    `hits` are all hits of the decided days, `new` those that were not in the lake before.
    """

    org: str
    decided_to: int
    days: int = 0
    events: int = 0
    hits: list[Hit] = field(default_factory=list)
    new: list[Hit] = field(default_factory=list)


@dataclass
class RulesReport:
    """What one run did; `problems` are rules that could not run."""

    organizations: list[OrganizationHits]
    problems: tuple[Problem, ...]
    seconds: float

    @property
    def new(self) -> list[Hit]:
        """Hits of all organizations that were not in the lake before, by time."""
        found = [hit for one in self.organizations for hit in one.new]
        return sorted(found, key=lambda hit: (hit.at, hit.org, hit.rule, hit.event_id))


def run_rules(
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    *,
    rules: RuleSet | None = None,
    org: str | None = None,
    start: dt.date | None = None,
    end: int | None = None,
    now: int | None = None,
    dry_run: bool = False,
    piece_events: int = PIECE_EVENTS,
    on_progress: OnProgress | None = None,
) -> RulesReport:
    """Decide the events that the rules have not decided yet (`start`: from this UTC day on, again).

    `rules` None means those that the settings name, as their files are now. `end` and `now` are
    seconds; events later than `now` minus the settle lag wait. A dry run writes nothing but facts
    of new addresses and clients, which are a cache. Days of up to `piece_events` events together
    are decided in one go.

    Raises BadSettings when a folder of rules is not there, RetryLater as `Lake.write`.
    """
    began = time.monotonic()
    chosen = rule_folders(settings.rules).current() if rules is None else rules
    planned = plan(chosen)
    moment = int(time.time()) if now is None else now
    to = moment - settings.detect.settle_seconds
    to = to if end is None else min(to, end)
    tell = on_progress or (lambda _text, _done, _all: None)
    reports = []
    failed: list[Problem] = []
    for each in [org] if org is not None else lake.organizations():
        run = _Run(lake, engine, settings, planned, each, to, tell)
        reports.append(run.go(start, piece_events, dry_run=dry_run))
        failed += run.problems
    problems = (*chosen.problems, *planned.problems, *dict.fromkeys(failed))
    return RulesReport(reports, problems, time.monotonic() - began)


def hits_between(
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    planned: Plan,
    *,
    org: str,
    first: int,
    last: int,
    tell: OnProgress = lambda _text, _done, _all: None,
) -> list[Hit]:
    """The hits that the rules make from one second to another, both included; writes nothing."""
    run = _Run(lake, engine, settings, planned, org, last, tell)
    counts = lake.day_counts(org)
    days = [d for d in counts if midnight(d) <= last and midnight(d) + DAY_SECONDS > first]
    found: list[Hit] = []
    done = 0
    for piece in pieces(days, counts):
        tell(f"deciding {piece[0]}", done, len(days))
        found += hits_of(run.decide(piece))
        done += len(piece)
    return [hit for hit in found if first <= hit.at <= last]


class _Run:
    """One organization's run."""

    def __init__(
        self,
        lake: Lake,
        engine: DuckDB,
        settings: Settings,
        planned: Plan,
        org: str,
        to: int,
        tell: OnProgress,
    ) -> None:
        self.lake, self.engine, self.settings = lake, engine, settings
        self.planned, self.org, self.to, self.tell = planned, org, to, tell
        self.evaluation: Evaluation | None = None
        self.problems: list[Problem] = []  # of Python rules
        self.covered = 0  # the last second that was added to the evaluation

    def go(self, start: dt.date | None, piece_events: int, *, dry_run: bool) -> OrganizationHits:
        """Decide, store the hits, publish the progress."""
        report = OrganizationHits(self.org, self.to)
        counts = self.lake.day_counts(self.org)
        progress = read_progress(self.lake, self.engine, self.org)
        days = self._days(progress, counts, start)
        for piece in pieces(days, counts, piece_events):
            self.tell(f"deciding {piece[0]}", report.days, len(days))
            rows = self.decide(piece)
            report.days += len(piece)
            report.events += sum(counts[day] for day in piece)
            report.hits += hits_of(rows)
            report.new += self._store(piece, rows, dry_run=dry_run)
            for day in piece:
                progress.days[day] = self._decided(day, counts[day])
        if days and not dry_run:
            write_progress(self.lake, self.org, progress)
        return report

    def _days(
        self, progress: Progress, counts: Mapping[dt.date, int], start: dt.date | None
    ) -> list[dt.date]:
        """Days to decide: those with undecided events, and those that a window carries them to."""
        dirty = set(progress.dirty(counts, self.to))
        dirty |= {day for day in counts if start is not None and day >= start}
        reachable = [day for day in sorted(counts) if midnight(day) <= self.to]
        after = -(-longest_reach(self.planned) // DAY_SECONDS)
        found, newest = [], dt.date.min
        for day in reachable:
            newest = day if day in dirty else newest
            if newest is not dt.date.min and (day - newest).days <= after:
                found.append(day)
        return found

    def decide(self, days: Sequence[dt.date]) -> pa.Table:
        """The hits of consecutive days that are to be decided."""
        first = midnight(days[0])
        last = min(midnight(days[-1]) + DAY_SECONDS - 1, self.to)
        longest = longest_reach(self.planned)
        if self.evaluation is None or self.covered < first - 1:
            self.evaluation = Evaluation(
                self.engine, self.planned, python_seconds=self.settings.rules.python_seconds
            )
            self._view(first - longest, last, f"date_create >= {first} OR {self._earlier(first)}")
        else:
            self._view(self.covered + 1, last, "true")
        self.evaluation.add(_EVENTS)
        self.covered = last
        rows = self.evaluation.hits(first, last)
        self.problems = list(dict.fromkeys([*self.problems, *self.evaluation.problems]))
        self.evaluation.forget(last + 1 - longest)
        return rows

    def _view(self, oldest: int, latest: int, condition: str) -> None:
        """Make the relation of events to look at, and what is known of their addresses."""
        self.lake.events_view(_RANGE, org=self.org, oldest=oldest, latest=latest)
        wanted = f"{actions_condition(self.planned)} AND {_NOT_OURS} AND ({condition})"
        self.engine.view(_EVENTS, f"SELECT * FROM {_RANGE} WHERE {wanted}")
        if self.planned.needs_addresses or self.planned.needs_clients:
            refresh(self.lake, self.engine, _EVENTS, self.settings)

    def _earlier(self, first: int) -> str:
        """SQL that holds for earlier events that a window may need: of the actions of each
        correlation, as far back as it reaches."""
        conditions = ["false"]
        singles = {one.rule.key: one for one in self.planned.singles}
        for rule in self.planned.correlations:
            oldest = first - reach(self.planned, rule)
            for leaf in leaves(self.planned.rules, rule):
                actions = singles[leaf.key].actions if leaf.key in singles else None
                listed = ", ".join(literal(action) for action in sorted(actions or ()))
                of_these = f"action IN ({listed or 'NULL'}) AND " if actions is not None else ""
                conditions.append(f"({of_these}date_create >= {oldest})")
        return " OR ".join(dict.fromkeys(conditions))

    def _store(self, days: Sequence[dt.date], rows: pa.Table, *, dry_run: bool) -> list[Hit]:
        """Put the hits of each day in the place of those there; the new ones."""
        self.lake.view(RULE_HITS, "_rule_there", org=self.org)
        there = self.engine.rows(
            "SELECT * FROM _rule_there WHERE day BETWEEN $1 AND $2", [days[0], days[-1]]
        ).cast(RULE_HITS.schema)
        known = set(there["id"].to_pylist())
        for day in days:
            now, before = _of_day(rows, day), _of_day(there, day)
            if not dry_run and not now.equals(before):
                self.lake.write(RULE_HITS, now, replace={"org": self.org, "day": day})
        return [hit for hit in hits_of(rows) if hit.id not in known]

    def _decided(self, day: dt.date, rows: int) -> Decided:
        waiting = False
        if self.to < midnight(day) + DAY_SECONDS - 1:
            self.lake.events_view(_RANGE, org=self.org, oldest=midnight(day), latest=self.to)
            waiting = int(self.engine.value(f"SELECT count(*) FROM {_RANGE}")) < rows
        return Decided(rows, self.to, waiting, frozenset())


def pieces(
    days: Sequence[dt.date], counts: Mapping[dt.date, int], most: int = PIECE_EVENTS
) -> Iterator[list[dt.date]]:
    """Runs of consecutive days, each of `most` events at most, or a single day."""
    piece: list[dt.date] = []
    events = 0
    for day in days:
        apart = bool(piece) and day - piece[-1] != ONE_DAY
        if piece and (apart or events + counts[day] > most):
            yield piece
            piece, events = [], 0
        piece.append(day)
        events += counts[day]
    if piece:
        yield piece


def _of_day(rows: pa.Table, day: dt.date) -> pa.Table:
    chosen = rows.filter(pc.equal(rows["day"], pa.scalar(day, pa.date32())))
    keys = [(name, "ascending") for name in ("at", "rule", "event_id", "grouped", "id")]
    return chosen.sort_by(keys).combine_chunks()
