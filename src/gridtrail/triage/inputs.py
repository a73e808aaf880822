"""What a finding is made of, as a short digest: it is computed again only when that changed.

A finding depends on its own anomalies and hits, on all that were raised before its first day, on
the events of the organization up to the end of its window, on what was done to its people in the
days after it, on sightings, on what is known of addresses, and on the settings. Events are known
by how many there are (the lake never changes one): by day, from the log alone, and by hour in the
newest days, so that a finding of this morning is not computed again all day long.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from gridtrail import __version__
from gridtrail.collect.sightings import SIGHTINGS
from gridtrail.engine.duckdb import DuckDB
from gridtrail.enrich.dimensions import address_book
from gridtrail.lake.lake import Lake
from gridtrail.settings import Settings
from gridtrail.triage.anomaly import DAY_SECONDS, Raised
from gridtrail.triage.policy import AFTER_DAYS
from gridtrail.triage.rates import Rates
from gridtrail.triage.surroundings import AROUND_SECONDS, MARKED

COMPUTED = 9
"""Raise when a finding is computed otherwise than before: stored ones are then computed again."""

RECENT_DAYS = 2
_HOUR = 3_600
_EPOCH = dt.date(1970, 1, 1)


class Inputs:
    """The inputs of one organization's findings, all of it whose anomalies are `raised`."""

    def __init__(
        self,
        lake: Lake,
        engine: DuckDB,
        settings: Settings,
        view: str,
        raised: Sequence[Raised],
        rates: Rates,
    ) -> None:
        """`view` holds the events of all organizations, `raised` is oldest first; what `mark` keeps
        must be there."""
        org = raised[0].org
        self._rates = rates
        self._same = _same_for_all(lake, settings, org)
        self._days, self._until_day = _chain(_day_counts(lake, org))
        newest = self._days[-1] if self._days else 0
        self._recent = newest - RECENT_DAYS
        self._hours, self._until_hour = _chain(_hour_counts(engine, view, org, self._recent))
        self._raised_days, self._until_raised = _chain(_by_day(raised))
        self._done = _done_to(engine, org, {one.actor for one in raised})

    def of(self, group: Sequence[Raised]) -> str:
        """The digest of the finding that `group` (oldest first) makes."""
        first, last = group[0], group[-1]
        actors = sorted({one.actor for one in group if one.actor is not None})
        end = last.at + AROUND_SECONDS
        start = first.at - DAY_SECONDS  # a flagged action is at most that much older
        after = end + AFTER_DAYS * DAY_SECONDS
        return _digest(
            self._same,
            *(_told(one) for one in group),
            *(str(self._rates.most_in_a_day(one, first.day, last.day)) for one in actors),
            _until(self._raised_days, self._until_raised, first.day - 1),
            # people together on an odd network are looked at for a day more (`gathering`)
            self._events_until(end + DAY_SECONDS * (len(actors) > 1)),
            *(
                name
                for actor in actors
                for at, name in self._done.get(actor, ())
                if start <= at <= after
            ),
        )

    def _events_until(self, seconds: int) -> str:
        day = seconds // DAY_SECONDS
        if day <= self._recent:
            return _until(self._days, self._until_day, day)
        days = _until(self._days, self._until_day, self._recent)
        return days + _until(self._hours, self._until_hour, seconds // _HOUR)


def _same_for_all(lake: Lake, settings: Settings, org: str) -> str:
    sightings = lake.view(SIGHTINGS, "triage_sightings", org=org)
    return _digest(
        f"{__version__} {COMPUTED}",
        settings.enrich.model_dump_json(),
        settings.policy.model_dump_json(),
        address_book(settings.enrich).version,
        *sorted(sightings.files),
    )


def _day_counts(lake: Lake, org: str) -> Iterable[tuple[int, str]]:
    for day, rows in sorted(lake.day_counts(org).items()):
        yield (day - _EPOCH).days, str(rows)


def _hour_counts(engine: DuckDB, view: str, org: str, recent: int) -> Iterable[tuple[int, str]]:
    rows = engine.rows(
        f"SELECT date_create // {_HOUR} AS hour, count(*) AS n FROM {view} "
        "WHERE org = ? AND date_create >= ? GROUP BY 1 ORDER BY 1",
        [org, (recent + 1) * DAY_SECONDS],
    )
    for row in rows.to_pylist():
        yield row["hour"], str(row["n"])


def _by_day(raised: Sequence[Raised]) -> Iterable[tuple[int, str]]:
    days: dict[int, list[str]] = {}
    for one in raised:
        days.setdefault(one.day, []).append(_told(one))
    for day in sorted(days):
        yield day, _digest(*sorted(days[day]))


def _done_to(
    engine: DuckDB, org: str, actors: Iterable[str | None]
) -> Mapping[str, Sequence[tuple[int, str]]]:
    """Actor -> (seconds, action and id) of what ended or limited what they could do."""
    known = sorted({one for one in actors if one is not None})
    engine.register("triage_actors", pa.table({"actor": pa.array(known, pa.string())}))
    try:
        rows = engine.rows(
            f"SELECT actor_id, entity_id, date_create AS seconds, action, id FROM {MARKED} "
            "WHERE org = ? AND response AND (entity_id IN (FROM triage_actors) "
            "OR actor_id IN (FROM triage_actors)) ORDER BY seconds, id",
            [org],
        )
    finally:
        engine.unregister("triage_actors")
    found: dict[str, list[tuple[int, str]]] = {}
    for row in rows.to_pylist():
        name = f"{row['action']} {row['id']}"
        for actor in {row["actor_id"], row["entity_id"]} - {None}:
            found.setdefault(actor, []).append((row["seconds"], name))
    return found


def _told(one: Raised) -> str:
    return repr(
        (one.id, one.at, one.actor, sorted(one.families), one.session_id, one.ip, one.ua,
         one.level, one.kinds, sorted(one.shows), one.decided_by, one.about, one.things,
         one.tries)
    )  # fmt: skip


def _chain(parts: Iterable[tuple[int, str]]) -> tuple[list[int], list[str]]:
    """Keys, and for each the digest of everything up to it."""
    keys: list[int] = []
    digests: list[str] = []
    for key, text in parts:
        digests.append(_digest(digests[-1] if digests else "", str(key), text))
        keys.append(key)
    return keys, digests


def _until(keys: Sequence[int], digests: Sequence[str], last: int) -> str:
    place = bisect_right(keys, last)
    return digests[place - 1] if place else ""


def _digest(*texts: str) -> str:
    found = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "backslashreplace")
        found.update(len(data).to_bytes(8, "big"))
        found.update(data)
    return found.hexdigest()[:32]
