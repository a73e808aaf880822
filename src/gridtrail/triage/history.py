"""What is usual: the person's and the organization's counts before a finding's first day."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from gridtrail.triage.surroundings import PAST_DAYS, Surroundings
from gridtrail.triage.usual import DAY, EVERYBODY, HOUR, MEASURED, hashed

_OWN = f"""
SELECT kind, list(n ORDER BY n) AS counts FROM triage_past
WHERE kind IN ({DAY}, {HOUR}) AND before AND key = {hashed("$1::VARCHAR", "$2::VARCHAR")}
GROUP BY kind
"""

_EVERYBODY = f"""
SELECT n, sum(people)::BIGINT AS people FROM triage_past
WHERE kind = {EVERYBODY} AND before AND key = {hashed("$1::VARCHAR")} GROUP BY n ORDER BY n
"""

_OBSERVED = """
WITH counted AS (
    SELECT seconds // 86400 AS day, seconds // 3600 AS hour, entity
    FROM triage_near WHERE action = ? AND subject IS NOT DISTINCT FROM ?
)
SELECT count(*) AS events, count(DISTINCT entity) AS distinct_entities,
    (SELECT coalesce(max(n), 0) FROM (SELECT count(DISTINCT entity) n FROM counted GROUP BY day))
        AS busiest_day,
    (SELECT coalesce(max(n), 0) FROM (SELECT count(DISTINCT entity) n FROM counted GROUP BY hour))
        AS busiest_hour
FROM counted
"""


def history_of(
    around: Surroundings, reasons: Iterable[str], anomalies: Mapping[str, Any]
) -> dict[str, Any]:
    """What is usual, as a JSON object; everything is before the finding's first UTC day.

    `days` is the look-back; `counts` has one entry for each measured action: observed {events,
    distinct, busiest_day, busiest_hour}, person {active_days, day_median, day_most, hour_median,
    hour_most}, organization {person_days, p50, p99, most}: distinct things by active day or hour,
    null where there was none. `anomalies` is given.
    """
    actions = sorted({MEASURED[one] for one in reasons if one in MEASURED})
    return {
        "days": PAST_DAYS,
        "counts": {action: _counts(around, action) for action in actions},
        "anomalies": dict(anomalies),
    }


def _counts(around: Surroundings, action: str) -> dict[str, Any]:
    actor = around.window.actor
    own = {row["kind"]: row["counts"] for row in around.ask(_OWN, [action, actor])}
    days, hours = own.get(DAY, []), own.get(HOUR, [])
    # an export by an app says nothing of what people do, whoever installed it
    all_days = [(row["n"], row["people"]) for row in around.ask(_EVERYBODY, [action])]
    seen = around.ask(_OBSERVED, [action, actor])[0]
    return {
        "observed": {
            "events": seen["events"],
            "distinct": seen["distinct_entities"],
            "busiest_day": seen["busiest_day"],
            "busiest_hour": seen["busiest_hour"],
        },
        "person": {
            "active_days": len(days),
            "day_median": _whole(median(days) if days else None),
            "day_most": max(days, default=None),
            "hour_median": _whole(median(hours) if hours else None),
            "hour_most": max(hours, default=None),
        },
        "organization": {
            "person_days": (total := sum(people for _, people in all_days)),
            "p50": _whole(_middle(all_days, total)),
            "p99": _at(all_days, math.ceil(0.99 * total)),
            "most": max((n for n, _ in all_days), default=None),
        },
    }


def _at(counted: Sequence[tuple[int, int]], place: int) -> int | None:
    """The value at `place` (1 is the first) of sorted (value, how many times)."""
    for value, times in counted:
        place -= times
        if place <= 0:
            return value
    return None


def _middle(counted: Sequence[tuple[int, int]], total: int) -> float | None:
    """The median of `total` values, sorted (value, how many times)."""
    below, above = _at(counted, (total + 1) // 2), _at(counted, total // 2 + 1)
    return None if below is None or above is None else (below + above) / 2


def _whole(value: float | None) -> float | None:
    """A median as a whole number where it is one."""
    return int(value) if value is not None and value == int(value) else value
