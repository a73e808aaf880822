"""The run of detection: day by day, from frozen state, over what is not decided yet.

For each day: the narrow relation of its events, the detectors' steps, thresholds and candidates,
and when the day is over the profiles of the next day. An increment is the same run over fewer
days: it begins with the snapshot of the oldest day that has undecided events, so its cost follows
the new events and never the history.
"""

from __future__ import annotations

import bisect
import datetime as dt
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from gridtrail.detect import plugins
from gridtrail.detect import state as st
from gridtrail.detect.allow import AllowEntry, apply, facts, from_settings
from gridtrail.detect.anomalies import Emitted, store_anomalies, write_silenced
from gridtrail.detect.blindness import DetectorState, day_inputs, detector_states, write_states
from gridtrail.detect.budget import allowances
from gridtrail.detect.contract import DAY_SECONDS, DayContext, Detector, Profile, table, today
from gridtrail.detect.day import RAW_DAY, view_events
from gridtrail.detect.day_step import DayStep, DetectorFailed
from gridtrail.detect.emission import Candidate, Said, Verdict, judge, still_remembered
from gridtrail.detect.late import stand
from gridtrail.detect.nominal import Change, check_budgets, nominals
from gridtrail.detect.profiles import people
from gridtrail.engine.shape import Engine
from gridtrail.enrich.dimensions import address_book, refresh
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings

MOST_PER_ACTIVE = 4.0
"""Where few people are active, the budget of all of them is not spent on the few."""

PEOPLE_DAYS = 30
"""Who was not seen for so long is not counted as one of the organization's people."""

QUIET_DAYS = 200
"""After this many days without any event profiles are left as they are until the next event."""

SEEN = {"ip": "string", "ua": "string"}
_RAW_DAY = table("day_raw", RAW_DAY)
_RAW_ROWS = _RAW_DAY.aggregate(rows=_RAW_DAY.count())

OnProgress = Callable[[str, int, int], None]
"""Called with a sentence, days done and days in all."""


@dataclass
class OrganizationReport:
    """What one run did for one organization; `decided_to` in seconds."""

    org: str
    decided_to: int
    days: int = 0
    emitted: list[Emitted] = field(default_factory=list)
    stored: int = 0
    silenced: dict[str, int] = field(default_factory=dict)
    states: list[DetectorState] = field(default_factory=list)


@dataclass
class DetectReport:
    """What one run did, an entry an organization."""

    organizations: list[OrganizationReport]
    seconds: float
    failed: dict[str, str] = field(default_factory=dict)  # detectors of users, and why

    @property
    def stored(self) -> int:
        """Anomaly events that are new in the lake."""
        return sum(report.stored for report in self.organizations)

    @property
    def emitted(self) -> list[Emitted]:
        """Anomalies of all organizations, in order of time."""
        return [one for report in self.organizations for one in report.emitted]


def detect(
    lake: Lake,
    engine: Engine,
    settings: Settings,
    *,
    detectors: Sequence[Detector],
    org: str | None = None,
    start: dt.date | None = None,
    end: int | None = None,
    now: int | None = None,
    dry_run: bool = False,
    allow: Sequence[AllowEntry] = (),
    changes: Sequence[Change] = (),
    snapshots_of: Sequence[Detector] | None = None,
    on_progress: OnProgress | None = None,
) -> DetectReport:
    """Decide every event that is not decided yet (`start`: from this UTC day on, again).

    Detectors of users (see `plugins`) run beside `detectors`; when one of them fails, the others
    go on without it, and the report and the detectors' states say so.
    `end` and `now` are seconds; events later than `now` minus the settle lag wait. What `allow`
    and the settings' `[[allow]]` name is silenced; `changes` are thresholds that people put in
    force. A dry run writes nothing but facts of new addresses and clients, which are a cache; one
    of some detectors may begin with the snapshots of all (`snapshots_of`), since what is learned
    does not depend on what else is decided.

    Raises DetectorFailed when one of `detectors` fails; nothing of that run is then published.
    Raises BadSettings when `detect.budgets` names what has no such threshold.
    """
    began = time.monotonic()
    moment = int(time.time()) if now is None else now
    to = moment - settings.detect.settle_seconds
    to = to if end is None else min(to, end)
    organizations = [org] if org is not None else lake.organizations()
    entries = (*from_settings(settings.allow), *allow)
    loaded = plugins.load(detectors, settings.detect.plugins, base=settings.data)
    whole = loaded.detectors
    if snapshots_of is not None and dry_run:
        whole = plugins.load(snapshots_of, settings.detect.plugins, base=settings.data).detectors
    if not loaded.failed:  # one that failed may be the one that is named
        check_budgets(settings.detect.budgets, loaded.detectors)
    reports: list[OrganizationReport] = []
    failed = dict(loaded.failed)
    while len(reports) < len(organizations):
        each = organizations[len(reports)]
        running = [one for one in loaded.detectors if one.name not in failed]
        run = _Run(lake, engine, settings, running, each, to, entries, on_progress)
        run.changes = changes
        run.signature = _signature([one for one in whole if one.name not in failed])
        try:
            reports.append(run.go(start, failed, dry_run=dry_run))
        except DetectorFailed as error:
            if error.detector not in loaded.plugins:
                raise
            failed[error.detector] = str(error)  # the organization once more, without it
    return DetectReport(reports, time.monotonic() - began, failed)


class _Run:
    """One organization's run."""

    def __init__(
        self,
        lake: Lake,
        engine: Engine,
        settings: Settings,
        detectors: Sequence[Detector],
        org: str,
        to: int,
        allow: Sequence[AllowEntry],
        on_progress: OnProgress | None,
    ) -> None:
        self.lake, self.engine, self.settings = lake, engine, settings
        self.detectors, self.org, self.to = detectors, org, to
        self.allow = [one for one in allow if one.org in (None, org)]
        self.step = DayStep(engine, detectors)
        self.signature = ""  # of those whose snapshots are read and written
        self.changes: Sequence[Change] = ()
        self.on_progress = on_progress or (lambda _text, _done, _all: None)
        self.verdicts: list[Verdict] = []
        self.decided: dict[dt.date, tuple[int, frozenset[str]]] = {}  # events seen, inputs

    def go(
        self, start: dt.date | None, failed: Mapping[str, str], *, dry_run: bool
    ) -> OrganizationReport:
        """Decide; store anomalies first, then snapshots, then publish progress. `failed` says
        which detectors cannot run, and why."""
        report = OrganizationReport(self.org, self.to)
        counts = self.lake.day_counts(self.org)
        progress = st.read_progress(self.lake, self.org)
        resume, days = self._plan(progress, counts, start)
        if days:
            self._refresh_dimensions(days)
            snapshots = self._decide(days, counts, resume, dry_run=dry_run)
            report.days = len(days)
            self.verdicts = stand(
                self.lake, self.org, self.verdicts, self._decided_before(progress, start)
            )
            report.emitted = self._emitted()
            report.silenced = _counted(v.silenced for v in self.verdicts if v.silenced)
            stored: Mapping[dt.date, int] = {}
            if not dry_run:
                stored = store_anomalies(self.lake, self.org, report.emitted)
                report.stored = sum(stored.values())
            self._note(progress, days, counts, stored, snapshots)
        report.states = detector_states(
            progress, self.detectors, self.to, address_book(self.settings.enrich).lists
        )
        report.states += [
            DetectorState(name, "failed", why, self.to) for name, why in sorted(failed.items())
        ]
        if not dry_run:
            self._publish(progress, days, report.states)
        return report

    def _plan(
        self, progress: st.Progress, counts: Mapping[dt.date, int], start: dt.date | None
    ) -> tuple[dt.date | None, list[dt.date]]:
        """The snapshot to begin with and the days to decide; none when all is decided."""
        reachable = [day for day in counts if st.midnight(day) <= self.to]
        dirty = progress.dirty(counts, self.to) + ([] if start is None else [start])
        if not dirty or not reachable:
            return None, []
        resume = progress.best_snapshot(min(dirty), self.signature)
        first = min(reachable) if resume is None else resume
        return resume, list(_days(first, max(reachable)))

    def _decided_before(
        self, progress: st.Progress, start: dt.date | None
    ) -> Mapping[dt.date, int]:
        """Up to which second days were decided by the same detectors; days that are to be decided
        anew on request count as undecided."""
        if self.signature not in progress.snapshots.values():
            return {}
        days = progress.days.items()
        return {day: known.to for day, known in days if start is None or day < start}

    def _refresh_dimensions(self, days: Sequence[dt.date]) -> None:
        self.on_progress("what is known of addresses and clients", 0, len(days))
        self._view("_range", SEEN, st.midnight(days[0]), self.to)
        self.engine.keep("_seen", table("_range", SEEN).distinct())
        self.engine.lend(table("_seen", SEEN), self.lake.engine)
        refresh(self.lake, self.lake.engine, "_seen", self.settings)
        self.engine.borrow("addresses", self.lake.engine)
        self.engine.borrow("clients", self.lake.engine)

    def _view(self, name: str, columns: Mapping[str, str], oldest: int, latest: int) -> None:
        view_events(
            self.lake, self.engine, name, columns, org=self.org, oldest=oldest, latest=latest
        )

    def _decide(
        self,
        days: Sequence[dt.date],
        counts: Mapping[dt.date, int],
        resume: dt.date | None,
        *,
        dry_run: bool,
    ) -> list[dt.date]:
        """Walk the days; returns those whose start was written as a snapshot."""
        profiles = self.step.profiles
        ordered = sorted(counts)
        said = st.load_snapshot(self.lake, self.engine, self.org, resume, profiles)
        quiet = 0
        written = []
        for done, day in enumerate(days):
            keeps = (days[-1] - day).days in st.SNAPSHOT_AGES and day != resume
            if keeps and not dry_run:
                st.save_snapshot(self.lake, self.engine, self.org, day, profiles, said)
                written.append(day)
            quiet = 0 if counts.get(day) else quiet + 1
            if quiet > QUIET_DAYS:
                continue
            history_days = bisect.bisect_left(ordered, day)
            said = self._decide_day(day, history_days, said, empty=quiet > 0)
            self.on_progress(f"deciding {day}", done + 1, len(days))
        return written

    def _decide_day(
        self, day: dt.date, history_days: int, said: Mapping[str, Said], *, empty: bool
    ) -> dict[str, Said]:
        day_start, day_end = st.midnight(day), st.midnight(day + st.ONE_DAY) - 1
        remembered = still_remembered(said, day_start)
        self.step.begin(day_start)
        if empty:
            self.step.pass_by()
            return remembered
        self._view("day_raw", RAW_DAY, day_start, min(day_end, self.to))
        counted, per_active = people_now(self.engine, self.step.profiles, history_days)
        settings = self.settings.detect
        context = DayContext(day_start, history_days, settings, self.engine.rows, per_active)
        nominal = nominals(self.detectors, settings, self.changes, self.org, day_start)
        candidates = self._allowed(self.step.decide(context, nominal))
        times = {name: one.times for name, one in nominal.items()}
        a_day = settings.budget_per_1000_users_day
        budget = allowances(self.detectors, counted, a_day, per_active, times)
        verdicts, said_then = judge(candidates, remembered, budget)
        self.verdicts += verdicts
        seen = int(self.engine.rows(_RAW_ROWS)["rows"][0].as_py())
        self.decided[day] = (seen, day_inputs(self.engine))
        if self.to >= day_end:
            self.step.close()
        return said_then

    def _allowed(self, candidates: list[Candidate]) -> list[Candidate]:
        """The day's candidates, those silenced that the allow list names."""
        if not self.allow or not candidates:
            return candidates
        ids = {e for c in candidates for e in (c.event_id, *c.anomaly.deciding_events)}
        self.engine.keep("allow_wanted", pa.table({"event_id": sorted(ids)}))
        facts_of = {row["event_id"]: row for row in self.engine.rows(facts).to_pylist()}
        return apply(candidates, self.allow, facts_of)

    def _emitted(self) -> list[Emitted]:
        names = {detector.name: detector for detector in self.detectors}
        return list(self.step.emitted(self.lake, self.org, self.verdicts, names))

    def _note(
        self,
        progress: st.Progress,
        days: Sequence[dt.date],
        counts: Mapping[dt.date, int],
        stored: Mapping[dt.date, int],
        snapshots: Iterable[dt.date],
    ) -> None:
        """Put what was decided into `progress`."""
        for day, (seen, inputs) in self.decided.items():
            waiting = seen < counts[day]
            rows = counts[day] + stored.get(day, 0)
            progress.days[day] = st.Decided(rows, self.to, waiting, inputs)
        # a snapshot taken after a day that was decided again is out of date
        kept = {d: s for d, s in progress.snapshots.items() if d <= days[0]}
        progress.snapshots = kept | dict.fromkeys(snapshots, self.signature)
        progress.thin_snapshots()

    def _publish(
        self, progress: st.Progress, days: Sequence[dt.date], states: Sequence[DetectorState]
    ) -> None:
        """Write what is to be kept; `write_progress` is the moment from which it counts."""
        write_states(self.lake, self.org, states)
        if not days:
            return
        write_silenced(self.lake, self.org, days, self.verdicts)
        st.write_progress(self.lake, self.org, progress)
        if len(days) > 1:
            kept = progress.snapshots
            st.forget_snapshots(self.lake, self.org, self.step.profiles, kept)


_recent = people.table.cross_join(today)
_recent = _recent.filter(
    (_recent.subject_type == "user")
    & (_recent.last_at >= _recent.day_start - PEOPLE_DAYS * DAY_SECONDS)
)
_PEOPLE_NOW = _recent.aggregate(people=_recent.count(), days=_recent.active_days.sum())


def people_now(engine: Engine, profiles: Iterable[Profile], history_days: int) -> tuple[int, float]:
    """How many people of the last 30 days there are as of the day's start, and how many for each
    one active on a day, 1 to MOST_PER_ACTIVE; 0 and 1 while nothing is known."""
    if people.name not in {profile.name for profile in profiles} or not history_days:
        return 0, 1.0
    row = engine.rows(_PEOPLE_NOW).to_pylist()[0]
    if not row["days"]:
        return 0, 1.0
    per_active = min(max(row["people"] * history_days / row["days"], 1.0), MOST_PER_ACTIVE)
    return row["people"], float(per_active)


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    day = first
    while day <= last:
        yield day
        day += st.ONE_DAY


def _counted(words: Iterable[str | None]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words:
        if word is not None:
            counts[word] = counts.get(word, 0) + 1
    return counts


def _signature(detectors: Sequence[Detector]) -> str:
    """Tells which profiles and detectors made a snapshot."""
    parts = sorted(
        {f"{d.name}={d.version}" for d in detectors}
        | {st.shape_of(p).name for d in detectors for p in d.profiles}
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
