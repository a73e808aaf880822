"""What the pages of a person, an address, a session, an app and a file have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridtrail.enrich.described import client_facts
from gridtrail.enrich.dimensions import address_book
from gridtrail.lake.lake import Lake
from gridtrail.server.console.charts import Hours, Line, day_line, week_hours
from gridtrail.server.console.evidence import Anomaly, anomaly_of
from gridtrail.server.console.listing import ROW, Row, counts, keep, keep_few, listed
from gridtrail.server.console.refusing import NotHere
from gridtrail.server.console.selecting import Selection
from gridtrail.server.console.text import shortened
from gridtrail.server.console.times import DAY
from gridtrail.server.console.visit import Visit
from gridtrail.settings import EnrichSettings

LOOK_BACK_DAYS = 90
MOST_SUMMED = 20_000
"""Events of which addresses, clients, hours and the like are summed up. Who has more in the
look-back (an app that reads everything, a whole office's address) is seen by the newest days."""
_READ_AT_ONCE = 5
"""So many times MOST_SUMMED are read in one go, to be counted and summed up from memory."""
_MOST = 25
_MOST_EVENTS = 15
_MOST_ANOMALIES = 20

# the context of an app's event is the app's, not the person's
OWN = "app_id IS NULL"

_KEPT = "console_activity"
_COLUMNS = (
    "date_create", "action", "actor_id", "actor_name", "entity_type", "entity_id", "entity_name",
    "ip", "ua", "session_id", "app_id",
)  # fmt: skip


Days = Mapping[int, tuple[int, int]]
"""UTC day since the epoch -> its events, and the anomalies among them."""


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened in the `days` before the newest event; times are seconds.

    `events` and `by_day` count them all. The rest sums up the newest `summed_days` of them:
    `people`, `addresses`, `clients`, `sessions`, `files`, `actions` are rows with `value`, `name`,
    `events`, `first`, `last` and what is known beyond, most events first.
    """

    events: int
    last: int
    days: int
    summed_days: int
    people: Sequence[Row]
    addresses: Sequence[Row]
    clients: Sequence[Row]
    sessions: Sequence[Row]
    files: Sequence[Row]
    actions: Sequence[Row]
    by_hour: Mapping[tuple[int, int], int]  # weekday from Monday 0 and hour, UTC -> events
    by_day: Days
    anomalies: Sequence[Anomaly]
    newest: Sequence[Row]

    @property
    def hours(self) -> Hours:
        """The hours of a week as a chart."""
        return week_hours(self.by_hour)

    @property
    def line(self) -> Line:
        """The days as a chart."""
        title = f"Events a day, {self.days} days"
        return day_line(self.by_day, self.last // DAY, self.days, title)


async def activity_of(
    visit: Visit, wanted: Selection, what: str, key: str, *, own: str = OWN
) -> Activity:
    """The activity of `wanted`; `own` is the term of what counts for addresses, clients, sessions
    and hours. Raises NotHere when there is none."""
    enrich = visit.parts.settings.enrich
    found = await visit.lake(lambda lake: activity(lake, enrich, wanted, own=own))
    if found is None:
        name = shortened(key, 60)
        raise NotHere(f"No event names the {what} {name}: look for it in the audit logs.")
    return found


def activity(
    lake: Lake,
    enrich: EnrichSettings,
    wanted: Selection,
    *,
    own: str = OWN,
    most_summed: int = MOST_SUMMED,
) -> Activity | None:
    """The activity of `wanted`, or None when it has no event; `own` as in `activity_of`."""
    newest = listed(lake, wanted, _MOST_EVENTS).rows
    if not newest:
        return None
    last = newest[0]["date_create"]
    recent = wanted.within(last - LOOK_BACK_DAYS * DAY, last)
    days, summed = _keep_summed(lake, recent, last, most_summed)
    files = "entity_type IN ('file', 'canvas')"
    found = Activity(
        events=sum(events for events, _ in days.values()),
        last=last,
        days=LOOK_BACK_DAYS,
        summed_days=summed,
        people=_grouped(lake, "actor_id", "max(actor_name)"),
        addresses=_addresses(lake, enrich, own),
        clients=_clients(lake, enrich, own),
        sessions=_grouped(lake, "session_id", "NULL", own),
        files=_grouped(lake, "entity_id", "max(entity_name)", files),
        actions=_grouped(lake, "action", "NULL"),
        by_hour=_hours(lake, own),
        by_day=days,
        anomalies=_anomalies(lake, recent, days),
        newest=newest,
    )
    lake.engine.command(f"DROP TABLE {_KEPT}")
    return found


def _keep_summed(lake: Lake, recent: Selection, last: int, most: int) -> tuple[Days, int]:
    """Keep what is summed up of `recent`, which ends at `last`: its newest days that have `most`
    events or fewer together. The days of `recent`, and how many of them were kept."""
    one_reading = keep_few(lake, recent, _KEPT, _COLUMNS, _READ_AT_ONCE * most)
    days = _kept_days(lake) if one_reading else _counted_days(lake, recent)
    summed = _summed_days(days, last // DAY, most)
    first = max(last - LOOK_BACK_DAYS * DAY, (last // DAY - summed + 1) * DAY)
    if one_reading:
        lake.engine.command(f"DELETE FROM {_KEPT} WHERE date_create < {first}")
    else:
        keep(lake, recent.within(first, last), _KEPT, _COLUMNS)
    return days, min(summed, LOOK_BACK_DAYS)


def _kept_days(lake: Lake) -> Days:
    rows = _ask(
        lake,
        "date_create // 86400 AS day, count(*) AS events, "
        "count(*) FILTER (action = 'anomaly') AS anomalies",
        "GROUP BY ALL",
    )
    return {row["day"]: (row["events"], row["anomalies"]) for row in rows}


def _counted_days(lake: Lake, recent: Selection) -> Days:
    buckets = counts(lake, recent, DAY)
    return {one.start // DAY: (one.events, one.anomalies) for one in buckets}


def _anomalies(lake: Lake, recent: Selection, days: Days) -> list[Anomaly]:
    """The newest anomalies of `recent`: only days that have some are read."""
    oldest, latest = recent.filter.oldest or 0, recent.filter.latest or 0
    wanted, found = recent.anomalies(), list[Row]()
    for day in sorted((day for day, (_, some) in days.items() if some), reverse=True):
        left = _MOST_ANOMALIES - len(found)
        if left <= 0:
            break
        whole = wanted.within(max(oldest, day * DAY), min(latest, day * DAY + DAY - 1))
        found += listed(lake, whole, left, columns=(*ROW, "details")).rows
    return [anomaly_of(row) for row in found]


def _ask(lake: Lake, what: str, end: str) -> list[Row]:
    found: list[Row] = lake.engine.rows(f"SELECT {what} FROM {_KEPT} {end}").to_pylist()
    return found


def _grouped(lake: Lake, column: str, name: str, which: str = "true") -> list[Row]:
    return _ask(
        lake,
        f"{column} AS value, {name} AS name, count(*) AS events, min(date_create) AS first, "
        "max(date_create) AS last, count(DISTINCT actor_id) AS people",
        f"WHERE {which} AND {column} IS NOT NULL GROUP BY 1 ORDER BY events DESC, value "
        f"LIMIT {_MOST}",
    )


def _addresses(lake: Lake, enrich: EnrichSettings, own: str) -> list[Row]:
    rows = _grouped(lake, "ip", "NULL", own)
    facts = address_book(enrich).facts_many([row["value"] for row in rows])
    return [
        {
            **row,
            "asn": fact.asn,
            "asn_name": fact.asn_name,
            "country": fact.country,
            "kind": fact.kind_at(row["last"]),
        }
        for row, fact in zip(rows, facts, strict=True)
    ]


def _clients(lake: Lake, enrich: EnrichSettings, own: str) -> list[Row]:
    rows = _grouped(lake, "ua", "NULL", own)
    return [{**row, **_of_client(enrich, row["value"])} for row in rows]


def _of_client(enrich: EnrichSettings, ua: str) -> dict[str, Any]:
    facts = client_facts(enrich, ua) or {}
    return {name: facts[name] for name in ("family", "kind", "version", "os", "expected")}


def _hours(lake: Lake, own: str) -> Mapping[tuple[int, int], int]:
    rows = _ask(
        lake,
        # the epoch began on a Thursday
        "(date_create // 86400 + 3) % 7 AS day, date_create // 3600 % 24 AS hour, "
        "count(*) AS events",
        f"WHERE {own} GROUP BY ALL",
    )
    return {(row["day"], row["hour"]): row["events"] for row in rows}


def _summed_days(days: Days, last_day: int, most: int) -> int:
    """How many whole UTC days to `last_day` have `most` events or fewer together; at least one,
    at most the look-back and the day it begins in."""
    so_far = 0
    for back in range(LOOK_BACK_DAYS + 1):
        so_far += days.get(last_day - back, (0, 0))[0]
        if so_far > most:
            return max(1, back)
    return LOOK_BACK_DAYS + 1
