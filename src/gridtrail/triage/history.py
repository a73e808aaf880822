"""What is usual: the person's and the organization's counts before a finding's first day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from gridtrail.triage.surroundings import PAST_DAYS, Surroundings

MEASURED = MappingProxyType(
    {
        "excessive_downloads": "file_downloaded",
        "unexpected_scraping": "file_downloaded",
        "excessive_file_shares": "file_shared",
        "excessive_malware_uploads": "file_malicious_content_detected",
        "unexpected_message_deletion": "message_tombstoned",
    }
)
"""Reason -> the action whose distinct entities tell how much it was."""

_USUAL = """
WITH counted AS (
    SELECT actor_id, date_create // 86400 AS day, date_create // 3600 AS hour,
        coalesce(entity_id, entity_name) AS entity
    FROM triage_days WHERE action = ? AND date_create >= ? AND date_create < ?
    -- an export by an app says nothing of what people do, whoever installed it
    AND (app_id IS NULL AND coalesce(actor_email, '') NOT LIKE 'botuser-%' OR actor_id = ?)
), days AS (
    SELECT actor_id, day, count(DISTINCT entity) AS n FROM counted GROUP BY ALL
), hours AS (
    SELECT hour, count(DISTINCT entity) AS n FROM counted WHERE actor_id = ? GROUP BY ALL
)
SELECT
    count(*) FILTER (actor_id = ?) AS active_days,
    median(n) FILTER (actor_id = ?) AS day_median,
    max(n) FILTER (actor_id = ?) AS day_most,
    (SELECT median(n) FROM hours) AS hour_median,
    (SELECT max(n) FROM hours) AS hour_most,
    count(*) AS person_days,
    median(n) AS p50,
    quantile_disc(n, 0.99) AS p99,
    max(n) AS most
FROM days
"""

_OBSERVED = """
WITH counted AS (
    SELECT seconds // 86400 AS day, seconds // 3600 AS hour, entity
    FROM triage_near WHERE action = ? AND actor_id IS NOT DISTINCT FROM ?
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
    window = around.window
    actor = window.actor
    usual = around.ask(
        _USUAL, [action, window.past, window.first_midnight, actor, actor, actor, actor, actor]
    )[0]
    seen = around.ask(_OBSERVED, [action, actor])[0]
    person = ("active_days", "day_median", "day_most", "hour_median", "hour_most")
    return {
        "observed": {
            "events": seen["events"],
            "distinct": seen["distinct_entities"],
            "busiest_day": seen["busiest_day"],
            "busiest_hour": seen["busiest_hour"],
        },
        "person": {name: _whole(usual[name]) for name in person},
        "organization": {
            name: _whole(usual[name]) for name in ("person_days", "p50", "p99", "most")
        },
    }


def _whole(value: float | None) -> float | None:
    """A median as a whole number where it is one."""
    return int(value) if value is not None and value == int(value) else value
