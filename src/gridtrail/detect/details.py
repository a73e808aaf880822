"""Details of single actions: read only for the few events whose meaning depends on them."""

from __future__ import annotations

import ibis.expr.types as ir

from gridtrail.detect.contract import table
from gridtrail.detect.day import RAW_DAY


def details_of(*actions: str) -> ir.Table:
    """Rows (details_id, details_at, details) of the day's events with one of these actions.

    `details` is JSON text without spaces, "" where the event has none; join it to `day_events` on
    event_id = details_id and at = details_at. Quotes inside of strings are escaped there, so that
    `"key":` cannot be part of a name.
    """
    raw = table("day_raw", RAW_DAY)
    chosen = raw.filter(raw.action.isin(actions) & raw.details.notnull())
    return chosen.select(details_id="id", details_at="date_create", details="details")
