"""Profiles that several detectors share.

`people` says since when and how often a subject was active, `known` which values were seen with
whom. Only events that teach enter (own session, a client of people), so bots and invitations by
others do not pollute what is usual for a person.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from gridtrail.detect.contract import DAY_EVENTS, DAY_SECONDS, Profile, day_events, today

FORGET_DAYS = 180
"""A value not seen for this long is no longer known (SCIENCE B.0 keeps 180 day bits)."""

PEOPLE = {
    "subject": "string",
    "subject_type": "string",
    "team": "string",
    "first_at": "int64",
    "last_at": "int64",
    "active_days": "int64",
    "events": "int64",
}

KNOWN = {
    "entity": "string",  # a subject or, for session dimensions, a session id
    "dimension": "string",
    "value": "string",
    "first_at": "int64",
    "last_at": "int64",
    "days": "int64",
    "events": "int64",
}


def _people_summary() -> ir.Table:
    events = day_events.filter(day_events.own | (day_events.subject_type == "app"))
    return (
        events.group_by("subject", "subject_type")
        .aggregate(
            team=events.team.max(),
            first_at=events["at"].min(),
            last_at=events["at"].max(),
            active_days=ibis.literal(1, "int64"),
            events=events.count(),
        )
        .select(*PEOPLE)
    )


def _people_fold(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    return (
        both.group_by("subject", "subject_type")
        .aggregate(
            team=both.team.max(),
            first_at=both.first_at.min(),
            last_at=both.last_at.max(),
            active_days=both.active_days.sum().cast("int64"),
            events=both.events.sum().cast("int64"),
        )
        .select(*PEOPLE)
    )


def _observed_values(events: ir.Table) -> ir.Table:
    """Rows (entity, dimension, value, at): what each event shows of its subject or session.

    Dimensions of a subject: `network`, `country`. Of a session: `session_lineage`.
    """
    shown = [
        ("network", events.subject, events.network),
        ("country", events.subject, events.country),
        ("session_lineage", events.session_id, events.lineage),
    ]
    parts = [
        events.filter(entity.notnull() & value.notnull()).select(
            entity=entity, dimension=ibis.literal(dimension), value=value, at=events["at"]
        )
        for dimension, entity, value in shown
    ]
    return ibis.union(*parts)


def _known_summary() -> ir.Table:
    values = _observed_values(day_events.filter(day_events.teaches))
    return (
        values.group_by("entity", "dimension", "value")
        .aggregate(
            first_at=values["at"].min(),
            last_at=values["at"].max(),
            days=ibis.literal(1, "int64"),
            events=values.count(),
        )
        .select(*KNOWN)
    )


def _known_fold(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    folded = both.group_by("entity", "dimension", "value").aggregate(
        first_at=both.first_at.min(),
        last_at=both.last_at.max(),
        days=both.days.sum().cast("int64"),
        events=both.events.sum().cast("int64"),
    )
    return _remembered(folded).select(*KNOWN)


def seen_profile(name: str, version: int, keys: tuple[str, ...], events: ir.Table) -> Profile:
    """A profile of when each combination of `keys` was first and last seen, on how many days."""
    schema = {key: DAY_EVENTS[key] for key in keys} | {
        "first_at": "int64",
        "last_at": "int64",
        "days": "int64",
    }
    shown = events
    for key in keys:
        shown = shown.filter(shown[key].notnull())
    summary = shown.group_by(*keys).aggregate(
        first_at=shown["at"].min(), last_at=shown["at"].max(), days=ibis.literal(1, "int64")
    )

    def fold(before: ir.Table, new: ir.Table) -> ir.Table:
        both = before.union(new)
        merged = both.group_by(*keys).aggregate(
            first_at=both.first_at.min(),
            last_at=both.last_at.max(),
            days=both.days.sum().cast("int64"),
        )
        return _remembered(merged).select(*schema)

    return Profile(name, version, schema, summary.select(*schema), fold)


def _remembered(rows: ir.Table) -> ir.Table:
    kept = rows.cross_join(today)
    return kept.filter(kept.last_at >= kept.day_start - FORGET_DAYS * DAY_SECONDS)


people = Profile("people", 1, PEOPLE, _people_summary(), _people_fold)
known = Profile("known", 2, KNOWN, _known_summary(), _known_fold)
releases = seen_profile(
    "releases",
    2,
    ("subject", "lineage", "version_key", "chrome_major", "electron_major"),
    day_events.filter(day_events.teaches & day_events.well_formed),
)
"""Which client versions each person used, and the Chrome and Electron they are built on."""
agents = seen_profile(
    "agents",
    2,
    ("subject", "family", "client_kind", "os"),
    day_events.filter(
        day_events.own & (day_events.subject_type == "user") & day_events.well_formed
    ),
)
"""Which client families were used in each person's own sessions and on what, tools included."""
broken_agents = seen_profile(
    "broken_agents",
    1,
    ("subject", "family", "defect"),
    day_events.filter(
        day_events.own & (day_events.subject_type == "user") & ~day_events.well_formed
    ),
)
"""Which rules of Slack's grammar were broken in each person's own sessions."""
