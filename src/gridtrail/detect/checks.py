"""The battery that every detector passes, ours and those of users.

`check` runs it on the detector's own cases: their ordinary life, and everything that happens in
the cases that find something, spread over three days. Each check is a function with a sentence
that says what must be true; it yields what is not.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gridtrail.detect import stage
from gridtrail.detect import state as st
from gridtrail.detect.anomalies import store_anomalies
from gridtrail.detect.blindness import LISTS
from gridtrail.detect.cases import Case, CaseRunner, act_events, before
from gridtrail.detect.contract import DAY_SECONDS, Anomaly, DayContext, Detector, late_steps
from gridtrail.detect.hostile import poisoned, strangers
from gridtrail.engine.spark_sql import not_portable
from gridtrail.errors import GridtrailError, Stop, WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.lake.tables import Snapshot
from gridtrail.slack.catalogue import ACTIONS
from gridtrail.slack.reasons import REASONS, with_companions

Events = list[dict[str, Any]]
DAYS = 3
END = stage.second_of(DAYS)
"""The cases' events lie on days 0 to 2; day 3 is the end of all."""

COLUMNS = ("session_id", "ip", "ua")
EVIDENCE = (
    "detector", "version", "fidelity", "subject", "score_millinats", "p_value", "threshold",
    "observed", "usual", "deciding_events", "words", "query", "silent_if", "occurrences",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """A check that the detector does not pass, and what was seen."""

    check: str
    message: str


class Bench:
    """One detector with the events of its cases, and runs over them."""

    def __init__(self, runner: CaseRunner, detector: Detector, cases: Sequence[Case]) -> None:
        firing = [case for case in cases if case.finds]
        if not firing:
            raise WrongUse(f"{detector.name} has no case that finds something: write one first.")
        self.runner, self.detector, self.life = runner, detector, firing[0].life
        acted = [
            event
            for number, case in enumerate(firing)
            for act in case.given
            for event in act_events(replace(act, day=act.day + number % DAYS), self.life)
            if event["date_create"] < END  # a case may go on for weeks
        ]
        self.events: Events = sorted(
            [*self.life.events(0, DAYS - 1), *acted],
            key=lambda event: (event["date_create"], event["id"]),
        )
        self.moments = sorted({event["date_create"] for event in acted})
        """Seconds of what happens in the cases."""

    def lake(self) -> Lake:
        """A new lake in which the days before day 0 are decided."""
        return self.runner.lake(self.detector, self.life)

    @cached_property
    def _rows(self) -> pa.Table:
        return stage.event_rows(self.events)

    def filled(self, latest: int = END) -> Lake:
        """A new lake as `lake` makes it, with the events up to the second `latest`."""
        lake = self.lake()
        stage.store_rows(lake, self._rows.filter(pc.field("date_create") <= latest))
        return lake

    @cached_property
    def batch(self) -> tuple[Lake, dict[str, str]]:
        """The lake decided in one go, and its anomalies."""
        lake = self.filled()
        self.runner.run(lake, self.detector, END)
        return lake, self.anomalies(lake)

    def anomalies(self, lake: Lake) -> dict[str, str]:
        """Id and raw text of the anomaly events of day 0 and later in the lake."""
        lake.events_view("_found", org=stage.ORG, oldest=stage.second_of(0))
        sql = "SELECT id, raw FROM _found WHERE action = 'anomaly' ORDER BY date_create, id"
        rows = self.runner.engine.rows(sql).to_pylist()
        return {row["id"]: row["raw"] for row in rows}

    def increments(self, polls: Sequence[int], arrivals: Sequence[tuple[int, int]]) -> Lake:
        """The lake after runs at the seconds `polls` and one at the end.

        `arrivals` gives second and number of each event of `events` that comes in then, in this
        order; the same event may come again.
        """
        lake = self.lake()
        settle = self.runner.settings.detect.settle_seconds
        waiting = list(arrivals)
        for poll in [*sorted(polls), END + settle]:
            come = [self.events[number] for second, number in waiting if second <= poll]
            waiting = [pair for pair in waiting if pair[0] > poll]
            if come:
                stage.store(lake, come)
            self.runner.run(lake, self.detector, poll - settle)
        return lake


Check = Callable[[Bench], Iterator[str]]


def check(
    runner: CaseRunner,
    detector: Detector,
    cases: Sequence[Case],
    only: Sequence[str] = (),
) -> list[Failure]:
    """What of the battery the detector does not pass; `only` names some of CHECKS.

    Raises WrongUse when its cases cannot be used.
    """
    bench = Bench(runner, detector, cases)
    return [
        Failure(name, message)
        for name, one in CHECKS.items()
        if not only or name in only
        for message in one(bench)
    ]


# what it says of itself ---------------------------------------------------------------------


def contract(bench: Bench) -> Iterator[str]:
    """Names, reasons, inputs and times are such as the machinery can use."""
    detector = bench.detector
    unknown = sorted(set(detector.reasons) - set(REASONS))
    if unknown or not detector.reasons:
        yield f"the reasons {unknown} are not Slack's"
    if detector.fidelity not in ("audit", "audit-proxy"):
        yield f"fidelity is {detector.fidelity!r}, neither audit nor audit-proxy"
    if not 0 < detector.share <= 1:
        yield f"share is {detector.share}, not above 0 and at most 1"
    if not detector.repeat_seconds or min(detector.repeat_seconds) <= 0:
        yield "repeat_seconds holds no positive waiting times"
    for need in "|".join(detector.needs).split("|") if detector.needs else ():
        if need not in ACTIONS and need not in (*COLUMNS, *LISTS):
            named = ", ".join((*COLUMNS, *LISTS))
            yield f"it needs {need!r}, which is no action and none of {named}"
    if detector.candidates is not detector.candidates:
        yield "candidates is built anew at each call, so that it is compiled each day"
    missing = {"subject", "subject_type", "event_id", "at"} - set(detector.candidates.columns)
    if missing:
        yield f"candidates lacks the columns {sorted(missing)}"


def portable(bench: Bench) -> Iterator[str]:
    """Both engines can compute all its relations, and compute them alike."""
    detector = bench.detector
    steps = (*detector.steps, *late_steps(detector))
    relations = {step.name: step.relation for step in steps}
    for profile in detector.profiles:
        relations[f"what the profile {profile.name} learns"] = profile.summary
        relations[f"what the profile {profile.name} keeps"] = profile.folded
    for name, relation in {**relations, "candidates": detector.candidates}.items():
        yield from (f"{name}: {said}" for said in not_portable(relation))


# time and order -----------------------------------------------------------------------------


def point_in_time(bench: Bench) -> Iterator[str]:
    """Events that come later change nothing of what is found up to a second."""
    _, everything = bench.batch
    times = sorted({_second(raw) for raw in everything.values()})
    for cut in sorted({times[0], times[-1] - 1}):
        lake = bench.filled(cut)
        bench.runner.run(lake, bench.detector, cut)
        expected = {i: raw for i, raw in everything.items() if _second(raw) <= cut}
        yield from _otherwise(expected, bench.anomalies(lake), f"up to second {cut}")


def increments(bench: Bench) -> Iterator[str]:
    """Runs in between, late and repeated arrivals within the settle lag find the same, byte for
    byte."""
    _, expected = bench.batch
    for seed in range(2):
        roll = random.Random(seed)  # noqa: S311 - a fixed schedule, not a secret
        lake = bench.increments(polls(bench, roll), arrivals(bench, roll))
        yield from _otherwise(expected, bench.anomalies(lake), f"in increments (seed {seed})")


def polls(bench: Bench, roll: random.Random) -> list[int]:
    """Seconds of runs in the middle of what happens in the cases, when it has just settled."""
    settle = bench.runner.settings.detect.settle_seconds
    chosen = roll.sample(bench.moments, min(4, len(bench.moments)))
    return [moment + settle for moment in chosen]


def arrivals(bench: Bench, roll: random.Random) -> list[tuple[int, int]]:
    """A second of arrival for each event within the settle lag, every tenth again later, in any
    order."""
    settle = bench.runner.settings.detect.settle_seconds
    pairs = []
    for number, event in enumerate(bench.events):
        pairs.append((event["date_create"] + roll.randint(0, settle), number))
        if roll.random() < 0.1:
            pairs.append((event["date_create"] + roll.randint(0, DAY_SECONDS), number))
    roll.shuffle(pairs)
    return pairs


def rebuild(bench: Bench) -> Iterator[str]:
    """Without any snapshot the same is found."""
    _, expected = bench.batch
    lake = Lake(bench.runner.new_folder(), bench.runner.engine)
    stage.store(lake, [*before(bench.life), *bench.events])
    bench.runner.run(lake, bench.detector, END)
    yield from _otherwise(expected, bench.anomalies(lake), "from the first day on")


def late_event(bench: Bench) -> Iterator[str]:
    """An event that comes days late is taken in, and all is as if it had come in time."""
    _, expected = bench.batch
    kept = [event for event in bench.events if event["date_create"] >= stage.second_of(1)]
    late = [event for event in bench.events if event["date_create"] < stage.second_of(1)]
    lake = bench.lake()
    stage.store(lake, kept)
    bench.runner.run(lake, bench.detector, END)
    stage.store(lake, late)
    bench.runner.run(lake, bench.detector, END)
    # what was said of another event meanwhile is not said again of this one, but listed
    lake.view(st.SILENCED, "_silenced", org=stage.ORG)
    listed = "SELECT \"at\" FROM _silenced WHERE why IN ('said already', 'repeated')"
    twice = set(bench.runner.engine.rows(listed)["at"].to_pylist())
    found = bench.anomalies(lake)
    missing = {
        i: raw for i, raw in expected.items() if i not in found and _kind(raw)[0] not in twice
    }
    yield from (f"with late events {_named(raw)} is not found" for raw in missing.values())


# runs ---------------------------------------------------------------------------------------


def second_run(bench: Bench) -> Iterator[str]:
    """A second run writes nothing and steps through no day."""
    lake, _ = bench.batch
    version = lake.log(st.DETECTION).version
    report = bench.runner.run(lake, bench.detector, END)
    lake.log(st.DETECTION).refresh()
    if report.days or report.stored or lake.log(st.DETECTION).version != version:
        yield f"it stepped through {report.days} days and stored {report.stored} anomalies"


def crash(bench: Bench) -> Iterator[str]:
    """A run that died after storing anomalies is repaired by the next one."""
    _, expected = bench.batch
    lake = bench.filled()
    dry = bench.runner.run(lake, bench.detector, END, dry_run=True)
    store_anomalies(lake, stage.ORG, dry.emitted)
    report = bench.runner.run(lake, bench.detector, END)
    if report.stored:
        yield f"{report.stored} anomalies were stored twice"
    yield from _otherwise(expected, bench.anomalies(lake), "after a crash")
    if bench.runner.run(lake, bench.detector, END).days:
        yield "days are decided again and again after a crash"


class _Altered:
    """A detector that is another one but for what it explains."""

    def __init__(
        self, inner: Detector, explain: Callable[[Anomaly | None], Anomaly | None]
    ) -> None:
        self._inner, self._change = inner, explain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        return self._change(self._inner.explain(row, context))


def failure_is_loud(bench: Bench) -> Iterator[str]:
    """When it fails, the run stops with its name and publishes nothing."""

    def fail(anomaly: Anomaly | None) -> Anomaly | None:
        raise ZeroDivisionError

    lake = bench.filled()
    try:
        bench.runner.run(lake, _Altered(bench.detector, fail), END)
    except Stop as stop:
        if bench.detector.name not in str(stop):
            yield f"the message does not name it: {stop}"
    else:
        yield "an error in explain goes unnoticed"
    if bench.anomalies(lake):
        yield "anomalies were stored although it failed"


def emission_is_not_learning(bench: Bench) -> Iterator[str]:
    """Silencing everything changes nothing that is learned, and all silenced is listed."""
    spoken, said = bench.batch
    lake = bench.filled()

    def silence(anomaly: Anomaly | None) -> Anomaly | None:
        return None if anomaly is None else replace(anomaly, silenced="check")

    report = bench.runner.run(lake, _Altered(bench.detector, silence), END)
    if bench.anomalies(lake):
        yield "silenced anomalies were stored"
    if report.silenced.get("check", 0) < len(said):
        yield f"{report.silenced} were listed as silenced, {len(said)} at least were to be"
    for profile in bench.detector.profiles:
        one, other = (_rows(bench, each, profile) for each in (spoken, lake))
        if one != other:
            yield f"the profile {profile.name} learned otherwise"


def cost(bench: Bench) -> Iterator[str]:
    """A new event of the newest day costs one day and reads no other one."""
    lake = bench.filled()
    bench.runner.run(lake, bench.detector, END)
    stage.store(lake, [stage.slack_event(END - 1, "ann", "user_login", place="home")])
    watched = _WatchedLake(lake.home, bench.runner.engine)
    report = bench.runner.run(watched, bench.detector, END)
    read = {day for name, day in watched.read if name in ("day_raw", "_range")}
    if report.days > 1 or len(read) > 1:
        yield f"it stepped through {report.days} days and read the days {sorted(read)}"


class _WatchedLake(Lake):
    """Notes of which days the events were read, by name of the view."""

    read: set[tuple[str, str]]

    def events_view(
        self,
        name: str = "events",
        *,
        org: str | None = None,
        oldest: int | None = None,
        latest: int | None = None,
    ) -> Snapshot:
        snapshot = super().events_view(name, org=org, oldest=oldest, latest=latest)
        days = {part for file in snapshot.files for part in file.split("/") if part[:4] == "day="}
        self.read = getattr(self, "read", set()) | {(name, day) for day in days}
        return snapshot


# what it writes -----------------------------------------------------------------------------


def evidence(bench: Bench) -> Iterator[str]:
    """The evidence is whole, without floats, and its query brings the deciding events."""
    lake, found = bench.batch
    yield from _bad_evidence(bench, lake, found)


def shape(bench: Bench) -> Iterator[str]:
    """Every anomaly has Slack's shape, and reasons that belong together come together."""
    _, found = bench.batch
    if not found:
        yield "nothing is found in its own cases"
    for raw in found.values():
        event = json.loads(raw)
        reasons = event["details"]["reason"]
        if list(with_companions(reasons)) != reasons:
            yield f"{_named(raw)} lacks companions of its reasons"
        if set(reasons) - set(bench.detector.reasons):
            yield f"{_named(raw)} has reasons that the detector does not declare"
        keys = ["id", "date_create", "action", "actor", "entity", "context", "details"]
        if list(event) != keys or event["action"] != "anomaly":
            yield f"{_named(raw)} has the keys {list(event)}"


def hostile_text(bench: Bench) -> Iterator[str]:
    """Names and ids that hold quotes, SQL, line breaks, NUL or novels, and unknown keys, change
    nothing but themselves."""
    clean = _among_strangers(bench, bench.filled())
    try:
        lake = Lake(bench.runner.new_folder(), bench.runner.engine)
        stage.store(lake, (poisoned(event) for event in [*before(bench.life), *bench.events]))
        found = _among_strangers(bench, lake)
        yield from _bad_evidence(bench, lake, found)
    except GridtrailError as error:
        yield f"it fails: {error}"
        return
    plain, hostile = (Counter(_kind(raw) for raw in each.values()) for each in (clean, found))
    if plain != hostile:
        only = [
            sorted((one - other).elements()) for one, other in ((plain, hostile), (hostile, plain))
        ]
        yield f"found only without hostile text: {only[0]}, only with it: {only[1]}"


def _among_strangers(bench: Bench, lake: Lake) -> dict[str, str]:
    """The anomalies in a lake when strangers come, who are people too: the budget of all people
    grows with them."""
    stage.store(lake, strangers(stage.second_of(1, "12:00")))
    bench.runner.run(lake, bench.detector, END)
    return bench.anomalies(lake)


def _bad_evidence(bench: Bench, lake: Lake, found: Mapping[str, str]) -> Iterator[str]:
    lake.events_view("events", org=stage.ORG)
    for raw in found.values():
        try:
            told = json.loads(raw, parse_float=_no_float)["details"]["gridtrail"]
        except TypeError as error:
            yield f"{_named(raw)} holds the float {error}"
            continue
        empty = [key for key in EVIDENCE if told.get(key) in (None, "", [], {})]
        if empty:
            yield f"{_named(raw)} lacks {', '.join(empty)}"
            continue
        if not 0 <= float(told["p_value"]) <= 1:
            yield f"{_named(raw)} has the p-value {told['p_value']}"
        for key in ("words", "query", "silent_if"):
            if not told[key].isprintable():
                yield f"{_named(raw)}: {key} holds unprintable characters"
        yield from _bad_query(bench, told)


def _bad_query(bench: Bench, told: Mapping[str, Any]) -> Iterator[str]:
    engine = bench.runner.engine
    try:
        engine.check_read_only(told["query"])
        rows = engine.select(told["query"])
    except WrongUse as error:
        yield f"the query {told['query']!r} fails: {error}"
        return
    ids = set(rows["id"].to_pylist()) if "id" in rows.column_names else set()
    if not set(told["deciding_events"]) <= ids:
        yield f"the query {told['query']!r} does not bring the deciding events as `id`"


def _no_float(text: str) -> Any:
    raise TypeError(text)


def _second(raw: str) -> int:
    return int(json.loads(raw)["date_create"])


def _kind(raw: str) -> tuple[int, tuple[str, ...]]:
    event = json.loads(raw)
    return event["date_create"], tuple(event["details"]["reason"])


def _named(raw: str) -> str:
    event = json.loads(raw)
    told = event["details"]["gridtrail"]
    return f"{told['detector']} of {told['subject']!r} at {event['date_create']}"


def _otherwise(expected: Mapping[str, str], found: Mapping[str, str], how: str) -> Iterator[str]:
    for name in sorted(expected.keys() - found.keys()):
        yield f"{how} {_named(expected[name])} is not found"
    for name in sorted(found.keys() - expected.keys()):
        yield f"{how} {_named(found[name])} is found in addition"
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != found[name]:
            yield f"{how} {_named(found[name])} has other bytes"


def _rows(bench: Bench, lake: Lake, profile: Any) -> list[str]:
    """The newest snapshot of a profile, as text."""
    lake.view(st.shape_of(profile), "_profile", org=stage.ORG)
    sql = (
        "SELECT to_json(p)::VARCHAR AS line FROM _profile p "
        "WHERE as_of = (SELECT max(as_of) FROM _profile) ORDER BY line"
    )
    lines: list[str] = bench.runner.engine.rows(sql)["line"].to_pylist()
    return lines


CHECKS: Mapping[str, Check] = {
    one.__name__: one
    for one in (
        contract, portable, point_in_time, increments, rebuild, late_event, second_run, crash,
        failure_is_loud, emission_is_not_learning, cost, evidence, shape, hostile_text,
    )
}  # fmt: skip
