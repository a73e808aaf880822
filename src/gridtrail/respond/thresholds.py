"""Thresholds that people put in force: who, why, from which day on; kept in the state database.

What is kept is how many anomalies per 1,000 users and day a detector's thresholds are made for
(`gridtrail.detect.nominal`). A change holds for whole UTC days and never for one that is decided
already, so that no day is judged by two thresholds. Nothing is deleted: a change that is taken
back, or that another one takes the place of, has an end.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gridtrail.detect.contract import DAY_SECONDS
from gridtrail.detect.nominal import Change, refused
from gridtrail.detect.state import midnight, read_progress
from gridtrail.errors import WrongUse
from gridtrail.lake.lake import Lake
from gridtrail.respond.tables import thresholds
from gridtrail.settings import LEAST_NOMINAL, MOST_NOMINAL
from gridtrail.state.database import open_state, storable, writing

_MOST_REASON = 1_000


@dataclass(frozen=True, slots=True)
class StoredThreshold:
    """A change as it is kept; times in seconds since the epoch, see the table."""

    id: str
    detector: str
    per_1000_users_day: float
    org: str | None
    since: int
    set_by: str
    reason: str
    set_at: int
    origin: str
    until: int | None = None
    ended_by: str | None = None
    ended_at: int | None = None

    @property
    def change(self) -> Change:
        """What detection takes."""
        number = self.per_1000_users_day
        return Change(self.id, self.detector, number, self.org, self.since, self.until)

    @property
    def open(self) -> bool:
        """Whether nobody has ended it."""
        return self.until is None

    @property
    def words(self) -> str:
        """What it says, in one line."""
        where = f" in {self.org}" if self.org else ""
        return f"{self.detector}: {self.per_1000_users_day:g} per 1,000 users and day{where}"

    def state(self, now: float) -> str:
        """`in force`, `later`, `ended`, or `taken back` when it never held for a day."""
        if self.until is not None and self.until <= self.since:
            return "taken back"
        if self.until is not None and self.until <= now:
            return "ended"
        return "later" if self.since > now else "in force"

    def to_json(self, now: float) -> dict[str, Any]:
        """All fields, with the `state` as of `now` (seconds) and the `words`."""
        return {**asdict(self), "state": self.state(now), "words": self.words}

    def trail_details(self) -> dict[str, object]:
        """What the trail says of it."""
        return {
            "detector": self.detector,
            "per_1000_users_day": f"{self.per_1000_users_day:g}",
            "reason": self.reason,
            "org": self.org,
            "from": self.since,
            "origin": self.origin,
        }


class ThresholdStore:
    """The changes of one installation; `place` as in `open_state`, `clock` counts seconds.

    May be shared between threads.
    """

    def __init__(self, place: Path | str, *, clock: Callable[[], float] = time.time) -> None:
        self._engine = open_state(place)
        self._clock = clock

    def close(self) -> None:
        """Close the database."""
        self._engine.dispose()

    def __enter__(self) -> ThresholdStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def put(self, wanted: StoredThreshold) -> StoredThreshold:
        """Keep a change (see `draft`); it takes the place of the open one for the same detector
        and organization from its first day on. Raises WrongUse when that one says the same."""
        with writing(self._engine).begin() as connection:
            for one in _all(connection):
                if not one.open or (one.detector, one.org) != (wanted.detector, wanted.org):
                    continue
                if one.per_1000_users_day == wanted.per_1000_users_day:
                    raise WrongUse(
                        f"{one.words} is in force already, set by {one.set_by}: choose another "
                        "number."
                    )
                _end(connection, one, wanted.since, wanted.set_by, int(self._clock()))
            connection.execute(thresholds.insert().values(asdict(wanted)))
        return wanted

    def end(self, id_or_detector: str, org: str | None, by: str, at: int) -> StoredThreshold:
        """Take the open change with this id, or the one for this detector and organization, back
        from the day that begins at `at` on; what held before holds again.

        Raises WrongUse when there is none.
        """
        with writing(self._engine).begin() as connection:
            for one in _all(connection):
                if one.open and (
                    one.id == id_or_detector or (one.detector, one.org) == (id_or_detector, org)
                ):
                    return _end(connection, one, at, storable(by), int(self._clock()))
        raise WrongUse(
            f"No threshold that people set holds for {id_or_detector[:60]!r}: "
            "gridtrail thresholds list shows them."
        )

    def all(self) -> list[StoredThreshold]:
        """Every change, those that have ended too, the oldest first."""
        with self._engine.connect() as connection:
            return _all(connection)


def changes(place: Path | str) -> list[Change]:
    """All changes for `gridtrail.detect.run.detect`: those that have ended hold for their days.
    `place` as in `open_state`."""
    with ThresholdStore(place) as kept:
        return [one.change for one in kept.all()]


def draft(
    detector: str,
    per_1000_users_day: float,
    *,
    names: Collection[str],
    org: str | None,
    since: int,
    by: str,
    reason: str,
    origin: str,
    now: int,
) -> StoredThreshold:
    """A change ready to be kept; `names` are those of all detectors, times are in seconds.

    Raises WrongUse for a detector that has no such threshold, a number that makes none, and
    without a reason.
    """
    if why := refused(detector, names):
        raise WrongUse(why[0].upper() + why[1:])
    if not LEAST_NOMINAL <= per_1000_users_day <= MOST_NOMINAL:
        raise WrongUse(
            f"A threshold is made for {LEAST_NOMINAL:g} to {MOST_NOMINAL:g} anomalies per 1,000 "
            "users and day: choose such a number."
        )
    if not reason.strip():
        raise WrongUse("Say why: whoever looks at it next wants to know.")
    return StoredThreshold(
        id=uuid.uuid4().hex[:10],
        detector=detector,
        per_1000_users_day=per_1000_users_day,
        org=org,
        since=since,
        set_by=storable(by.strip()),
        reason=storable(reason.strip())[:_MOST_REASON],
        set_at=now,
        origin=storable(origin),
    )


def today(now: float) -> int:
    """The second at which the UTC day of `now` began."""
    return int(now) // DAY_SECONDS * DAY_SECONDS


def tomorrow(now: float) -> int:
    """The second at which the next UTC day begins: nothing of it is decided yet."""
    return today(now) + DAY_SECONDS


def first_free(lake: Lake, org: str | None) -> int:
    """The second at which the first day begins of which nothing is decided, nor of any later day;
    in every organization for None, 0 when nothing ever was."""
    organizations = [org] if org is not None else lake.organizations()
    decided = [day for one in organizations for day in read_progress(lake, one).days]
    return midnight(max(decided)) + DAY_SECONDS if decided else 0


def _end(
    connection: sa.Connection, one: StoredThreshold, at: int, by: str, now: int
) -> StoredThreshold:
    """End it at the day that begins at `at`; one that begins later never holds."""
    ended = replace(one, until=max(at, one.since), ended_by=by, ended_at=now)
    mine = thresholds.update().where(thresholds.c.id == one.id)
    connection.execute(mine.values(until=ended.until, ended_by=by, ended_at=now))
    return ended


def _all(connection: sa.Connection) -> list[StoredThreshold]:
    query = thresholds.select().order_by(thresholds.c.set_at, thresholds.c.id)
    return [StoredThreshold(**row._asdict()) for row in connection.execute(query)]
