"""Forget whole days that are older than the owner wants to keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from gridtrail.errors import WrongUse
from gridtrail.lake.log import TableLog, attempts


@dataclass(frozen=True, slots=True)
class Retained:
    """What was taken out: events before the UTC day `oldest_kept`."""

    oldest_kept: date
    files: int
    rows: int


def retain_days(log: TableLog, days: int, today: date) -> Retained:
    """Take all days before `today` minus `days` out of the log; see `Lake.retain`."""
    if days < 1:
        raise WrongUse(f"Retention of {days} days would leave nothing: give 1 or more.")
    oldest_kept = today - timedelta(days)

    def step() -> Retained:
        log.refresh()
        old = [f for f in log.files() if date.fromisoformat(f.partition["day"]) < oldest_kept]
        if old:
            log.commit(removes=old, notes={"retention": f"before {oldest_kept}"})
        return Retained(oldest_kept, len(old), sum(file.rows for file in old))

    return attempts(step)
