"""How often detectors really raise an alarm, over how often they say they do: no labels needed.

Every detector has a share of the alarm budget (`detect.budget_per_1000_users_day`): that is its
nominal rate for each subject and day. An alarm is a subject's day on which the detector had
something to say, whether it was emitted or silenced (as a repetition, by the budget, by the allow
list): what is said is another question than how rare it was.

Strata are what a log alone can show: `app`; `new` (first seen less than 14 days ago), `admin` (did
something administrative of some weight), `guest` (an e-mail domain that hardly anybody has, or
named in an action about guests), else `member`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from gridtrail.detect import state as st
from gridtrail.detect.budget import ABSOLUTE
from gridtrail.detect.contract import Detector
from gridtrail.detect.nominal import Change, nominals
from gridtrail.detect.run import MOST_PER_ACTIVE, PEOPLE_DAYS
from gridtrail.detectors.unexpected_admin_action import SEVERITIES
from gridtrail.engine.duckdb import DuckDB
from gridtrail.lab.intervals import Interval, poisson
from gridtrail.lab.outcome import Rate
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.slack.reasons import REASONS

STRATA = ("member", "guest", "admin", "app", "new")
EVERYBODY = "all"
LEARNING_DAYS = 14
"""The first days of a log teach: they are not counted."""
NEW_DAYS = 14
ADMIN_SEVERITY = 3
RARE_DOMAIN = 0.05
"""People whose e-mail domain less than this share of people have are taken for guests."""
ENOUGH = 3.0
"""With fewer nominal alarms than this, a realised number says nothing yet."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A subject's day on which a detector alarmed; `at` is the first second, `event_ids` what
    decided it or the anomaly's own id."""

    day: dt.date
    at: int
    detector: str
    subject: str
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """A line of the result; `ratio` is realised over nominal with its 95 % interval, None where
    there is too little data to tell."""

    rate: Rate
    ratio: float | None
    interval: Interval
    note: str


def calibrate(
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    *,
    detectors: Sequence[Detector],
    org: str,
    oldest: dt.date | None = None,
    latest: dt.date | None = None,
    changes: Sequence[Change] = (),
) -> list[Calibration]:
    """Realised over nominal alarm rates of each detector in each stratum (and of all together);
    nominal is what held on each day (`gridtrail.detect.nominal`).

    `oldest`, `latest` are UTC days, inclusive; the first LEARNING_DAYS of the log never count.
    """
    rates = measured(lake, engine, settings, detectors=detectors, org=org, oldest=oldest,
                     latest=latest, changes=changes)  # fmt: skip
    return judged_all(rates)


def measured(
    lake: Lake,
    engine: DuckDB,
    settings: Settings,
    *,
    detectors: Sequence[Detector],
    org: str,
    oldest: dt.date | None = None,
    latest: dt.date | None = None,
    changes: Sequence[Change] = (),
    counts: Callable[[Alarm], bool] = lambda _alarm: True,
) -> list[Rate]:
    """The numbers behind `calibrate`; `counts` leaves out alarms that were worth it."""
    exposure = _Exposure(lake, engine, org)
    within = exposure.days(oldest, latest)
    alarms = [one for one in read_alarms(lake, engine, org) if one.day in within and counts(one)]
    strata = exposure.strata_of({(one.subject, one.day) for one in alarms})
    realised: dict[tuple[str, str], set[tuple[str, dt.date]]] = defaultdict(set)
    for one in alarms:
        stratum = strata.get((one.subject, one.day))
        if stratum is not None:
            realised[one.detector, stratum].add((one.subject, one.day))
    rates = []
    for detector in detectors:
        if detector.name in ABSOLUTE:
            continue
        numbers = _numbers(detector, settings, changes, org, within)
        rates += [
            Rate(
                detector.name,
                stratum,
                sum(n * exposure.nominal_days(stratum, days) for n, days in numbers.items()),
                len(realised[detector.name, stratum]),
                exposure.subject_days(stratum, within),
            )
            for stratum in STRATA
        ]
    return rates


def _numbers(
    detector: Detector,
    settings: Settings,
    changes: Sequence[Change],
    org: str,
    within: Iterable[dt.date],
) -> dict[float, list[dt.date]]:
    """Nominal alarms per person and day, with the days on which it was that number."""
    a_day = settings.detect.budget_per_1000_users_day / 1000
    days: dict[float, list[dt.date]] = defaultdict(list)
    for day in sorted(within):
        held = nominals([detector], settings.detect, changes, org, st.midnight(day))
        times = held[detector.name].times if detector.name in held else 1.0
        days[a_day * detector.share * times].append(day)
    return days


def judged_all(rates: Iterable[Rate]) -> list[Calibration]:
    """The lines of each detector's strata and of all together, summed over organizations.

    A stratum that a detector never judges (people by a detector of apps, and the other way round)
    is left out.
    """
    lines: dict[str, dict[str, list[Rate]]] = defaultdict(lambda: defaultdict(list))
    for rate in rates:
        lines[rate.detector][rate.stratum].append(rate)
    found = []
    for detector, strata in lines.items():
        summed = [pooled(detector, stratum, strata[stratum]) for stratum in STRATA]
        kept = [one for one in summed if one.realised or _judges(detector, one.stratum)]
        found += [judged(one) for one in (*kept, pooled(detector, EVERYBODY, kept))]
    return found


def _judges(detector: str, stratum: str) -> bool:
    """Whether Slack's documentation gives the detector's reason to such subjects."""
    if detector not in REASONS:
        return True
    return ("app" if stratum == "app" else "user") in REASONS[detector].entities


def pooled(detector: str, stratum: str, lines: Sequence[Rate]) -> Rate:
    """The sum of lines, under another stratum's name."""
    return Rate(
        detector,
        stratum,
        sum(one.nominal for one in lines),
        sum(one.realised for one in lines),
        sum(one.subject_days for one in lines),
    )


def judged(rate: Rate) -> Calibration:
    """The ratio with its interval, and in words what it means."""
    low, high = poisson(rate.realised)
    if rate.nominal <= 0:
        return Calibration(rate, None, Interval(0.0, float("inf")), "nobody of these is in the log")
    interval = Interval(low / rate.nominal, high / rate.nominal)
    ratio = rate.realised / rate.nominal
    if interval.low > 1:
        return Calibration(rate, ratio, interval, "alarms more often than it says")
    if rate.nominal < ENOUGH:
        times = ENOUGH / rate.nominal
        note = f"too little data: {times:,.0f} times as much would tell"
        return Calibration(rate, None, interval, note)
    if interval.high < 1:
        return Calibration(rate, ratio, interval, "alarms less often than it may")
    return Calibration(rate, ratio, interval, "as it says")


def read_alarms(lake: Lake, engine: DuckDB, org: str) -> list[Alarm]:
    """Every alarm of Gridtrail's detectors that the lake knows of, emitted or silenced."""
    lake.events_view("_lab_events", org=org)
    emitted = engine.rows(
        "SELECT day, date_create AS at, id, "
        "json_extract_string(details, '$.gridtrail.detector') AS detector, "
        "json_extract_string(details, '$.gridtrail.subject') AS subject, "
        "json_extract(details, '$.gridtrail.deciding_events')::VARCHAR[] AS deciding "
        "FROM _lab_events WHERE action = 'anomaly' AND source = 'gridtrail'"
    )
    lake.view(st.SILENCED, "_lab_silenced", org=org)
    silenced = engine.rows(
        'SELECT day, "at", detector, subject, [event_id] AS deciding FROM _lab_silenced'
    )
    rows = [*emitted.to_pylist(), *silenced.to_pylist()]
    alarms = [
        Alarm(row["day"], row["at"], row["detector"], row["subject"], tuple(row["deciding"] or ()))
        for row in rows
    ]
    return sorted(alarms, key=lambda one: (one.at, one.detector, one.subject))


class _Exposure:
    """Who was active when, by stratum, and how much of the budget that stands for."""

    def __init__(self, lake: Lake, engine: DuckDB, org: str) -> None:
        self._engine = engine
        lake.events_view("_lab_events", org=org)
        engine.keep("_lab_subject_days", _SUBJECT_DAYS)
        engine.keep("_lab_admin_actions", pa.table({"action": _administrative()}))
        engine.keep("_lab_people", _PEOPLE.format(rare=RARE_DOMAIN))
        engine.keep("_lab_strata", _STRATA.format(new=NEW_DAYS))
        rows = engine.rows(
            "SELECT day, stratum, count(*) AS active FROM _lab_strata GROUP BY day, stratum"
        ).to_pylist()
        self._active = {(row["day"], row["stratum"]): row["active"] for row in rows}
        self._per_active = _per_active(engine)

    def days(self, oldest: dt.date | None, latest: dt.date | None) -> frozenset[dt.date]:
        """Days that count: within the bounds, and after those that only teach."""
        known = sorted(self._per_active)
        if not known:
            return frozenset()
        first = known[0] + dt.timedelta(days=LEARNING_DAYS)
        return frozenset(
            day
            for day in known
            if day >= first
            and (oldest is None or day >= oldest)
            and (latest is None or day <= latest)
        )

    def subject_days(self, stratum: str, days: Iterable[dt.date]) -> int:
        """Active subject-days of a stratum."""
        return sum(self._active.get((day, stratum), 0) for day in days)

    def nominal_days(self, stratum: str, days: Iterable[dt.date]) -> float:
        """The same, each weighed by the people that one active subject stands for."""
        return float(sum(self._active.get((d, stratum), 0) * self._per_active[d] for d in days))

    def strata_of(self, wanted: set[tuple[str, dt.date]]) -> dict[tuple[str, dt.date], str]:
        """The stratum of each subject on a day, of those that were active then."""
        subjects, days = zip(*sorted(wanted), strict=True) if wanted else ((), ())
        columns = {"subject": pa.array(subjects, pa.string()), "day": pa.array(days, pa.date32())}
        self._engine.keep("_lab_wanted", pa.table(columns))
        rows = self._engine.rows(
            "SELECT subject, day, stratum FROM _lab_strata SEMI JOIN _lab_wanted "
            "USING (subject, day)"
        ).to_pylist()
        return {(row["subject"], row["day"]): row["stratum"] for row in rows}


def _administrative() -> list[str]:
    return sorted(action for action, level in SEVERITIES.items() if level >= ADMIN_SEVERITY)


def _per_active(engine: DuckDB) -> Mapping[dt.date, float]:
    """By day: people of the last 30 days for each one active on a day, as detection has it."""
    rows = engine.rows(_PEOPLE_OF_DAYS.format(days=PEOPLE_DAYS)).to_pylist()
    found: dict[dt.date, float] = {}
    people = active = 0
    for before, row in enumerate(rows):
        people += row["change"]
        usual = active / before if before else 0.0
        found[row["day"]] = min(max(people / usual, 1.0), MOST_PER_ACTIVE) if usual else 1.0
        active += row["active"]
    return found


_SUBJECT_DAYS = """
SELECT coalesce(app_id, actor_id) AS subject, day,
       bool_or(app_id IS NOT NULL OR coalesce(actor_email, '') LIKE 'botuser-%'
               OR coalesce(actor_type, 'user') <> 'user') AS is_app
FROM _lab_events WHERE action <> 'anomaly' AND actor_id IS NOT NULL
GROUP BY ALL
"""
_PEOPLE = """
WITH mail AS (
    SELECT actor_id AS subject, any_value(lower(split_part(actor_email, '@', 2))) AS domain,
           bool_or(action IN (SELECT action FROM _lab_admin_actions)) AS admin
    FROM _lab_events WHERE action <> 'anomaly' AND app_id IS NULL GROUP BY actor_id
), shares AS (
    SELECT domain, count(*) / sum(count(*)) OVER () AS share FROM mail GROUP BY domain
), named AS (
    SELECT DISTINCT entity_id AS subject FROM _lab_events
    WHERE entity_type = 'user' AND (action = 'role_change_to_guest' OR action LIKE 'guest_%')
)
SELECT subject, admin, coalesce(share < {rare}, false) OR subject IN (FROM named) AS guest
FROM mail LEFT JOIN shares USING (domain)
"""
_STRATA = """
WITH first_days AS (SELECT subject, min(day) AS first FROM _lab_subject_days GROUP BY subject)
SELECT subject, day,
       CASE WHEN is_app THEN 'app' WHEN day - first < {new} THEN 'new'
            WHEN admin THEN 'admin' WHEN guest THEN 'guest' ELSE 'member' END AS stratum
FROM _lab_subject_days JOIN first_days USING (subject) LEFT JOIN _lab_people USING (subject)
"""
_PEOPLE_OF_DAYS = """
WITH spans AS (
    SELECT day, least(
        coalesce(lead(day) OVER (PARTITION BY subject ORDER BY day), DATE '9999-12-31'),
        CAST(day + INTERVAL {days} DAY AS DATE)) AS until
    FROM _lab_subject_days WHERE NOT is_app
), changes AS (
    SELECT CAST(day + INTERVAL 1 DAY AS DATE) AS day, 1 AS change FROM spans
    UNION ALL SELECT CAST(until + INTERVAL 1 DAY AS DATE), -1 FROM spans
), days AS (SELECT day, count(*) FILTER (NOT is_app) AS active FROM _lab_subject_days GROUP BY day)
SELECT days.day, any_value(days.active) AS active, coalesce(sum(change), 0)::BIGINT AS change
FROM days LEFT JOIN changes ON changes.day = days.day GROUP BY days.day ORDER BY days.day
"""
