"""What clients people show today, beside what they, their sessions and the organization had.

One row for the first event today of each user agent in each session of each person (`SHOWN`), and
the same with all that is known of it (`HISTORY`). The detectors of clients share both, so that one
event is looked at in one way: `unexpected`, `changed` and `downgrade` exclude each other there.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from gridtrail.detect.contract import (
    DAY_SECONDS,
    LEARNING_SECONDS,
    Profile,
    Step,
    day_events,
    today,
)
from gridtrail.detect.profiles import agents, known, people, releases

TENURE_DAYS = 5
COMMON_PEOPLE = 3
COMMON_DAYS = 45
LATELY_DAYS = 2
"""A version that three people took up within so many days is a roll-out or roll-back."""
SHARED_BY = 5  # people using a client family, first of them three days ago: a client like others

PROFILES: tuple[Profile, ...] = (people, known, releases, agents)

ONE, NONE = ibis.literal(1, "int64"), ibis.literal(0, "int64")

DESKTOP_SITES = (("iOS", "macOS"), ("macOS", "iOS"), ("Android", "Linux"), ("Linux", "Android"))
"""A browser that asks for the desktop site names another system (Safari on iPads by default)."""

OWN = day_events.filter(
    day_events.own
    & (day_events.subject_type == "user")
    & day_events.ua.notnull()
    & day_events.lineage.notnull()
).select(
    "day_start", "event_id", "at", "action", "subject", "subject_type", "team", "session_id",
    "teaches", "ua", "family", "client_kind", "client_version", "version_key", "lineage", "os",
    "device_class", "chrome_major", "electron_major", "automated", "well_formed", "defect",
    "expected_client", "ja3", "ja4",
)  # fmt: skip
"""Events of people's own sessions with a client."""

TENURED = people.table.filter(people.table.active_days >= TENURE_DAYS)
"""In somebody's first days every client is a first: that says nothing of how rare firsts are."""


def _earlier(rows: ir.Table, *keys: ir.Value) -> ir.WindowBuilder:
    return ibis.range_window(preceding=(None, 1), group_by=list(keys), order_by=rows["at"])


def _first_shown() -> ir.Table:
    """The first event today of each agent in each session, what the session showed in earlier
    seconds, and whether it is the person's first of this version and of this client today."""
    session = OWN.session_id.fill_null("")
    in_time = [OWN["at"], OWN.event_id]
    again = ibis.row_number().over(group_by=[OWN.subject, session, OWN.ua], order_by=in_time)
    first = OWN.mutate(again=again)
    first = first.filter(first.again == 0).drop("again", "ua")
    first = first.mutate(client=first.family + "|" + first.os)
    in_session = _earlier(first, first.session_id)
    in_client = _earlier(first, first.session_id, first.client)
    taught = ibis.ifelse(first.teaches, first.lineage, ibis.null("string"))
    in_time = [first["at"], first.event_id]
    version = [first.subject, first.lineage, first.version_key]
    return first.mutate(
        had_today=taught.max().over(in_session),
        client_today=taught.count().over(in_client),
        nth_version=ibis.row_number().over(group_by=version, order_by=in_time),
        nth_family=ibis.row_number().over(group_by=[first.subject, first.family], order_by=in_time),
    )


SHOWN = Step("clients_shown", _first_shown())


def _session_clients() -> tuple[ir.Table, ir.Table]:
    """The latest client of each session by name, and how often each client was in it."""
    rows = known.table.filter(known.table.dimension == "session_lineage")
    rows = rows.mutate(client=rows.value.re_replace(r"\|[^|]*$", ""))
    had = rows.group_by("entity").aggregate(had_before=rows.value.max())
    client = rows.group_by("entity", "client").aggregate(client_before=rows.events.sum())
    return had, client


def _popular() -> ir.Table:
    """How many people used each version at all, within 45 days and within two."""
    rows = releases.table.cross_join(today)

    def within(days: int) -> ir.IntegerScalar:
        recent = rows.last_at >= rows.day_start - days * DAY_SECONDS
        return ibis.ifelse(recent, rows.subject, ibis.null("string")).nunique()

    return rows.group_by("lineage", "version_key").aggregate(
        people_ever=rows.subject.nunique(),
        people_common=within(COMMON_DAYS),
        people_lately=within(LATELY_DAYS),
    )


def _own_releases() -> tuple[ir.Table, ir.Table]:
    """When each person had each version, and the newest of each lineage."""
    rows = releases.table
    exact = rows.group_by("subject", "lineage", "version_key").aggregate(
        exact_last=rows.last_at.max()
    )
    newest = rows.group_by("subject", "lineage").aggregate(newest_own=rows.version_key.max())
    return exact, newest


def _families() -> tuple[ir.Table, ir.Table]:
    """Since when and on how many days each person uses each client family, and how many people
    use it within 30 days, and since when."""
    rows = agents.table.cross_join(today)
    own = rows.group_by("subject", "family").aggregate(
        family_since=rows.first_at.min(), family_days=rows.days.max()
    )
    recent = rows.filter(rows.last_at >= rows.day_start - 30 * DAY_SECONDS)
    shared = recent.group_by("family").aggregate(
        people_with_client=recent.subject.nunique(), client_since=recent.first_at.min()
    )
    return own, shared


def _joined(rows: ir.Table, other: ir.Table, *keys: str) -> ir.Table:
    joined = rows.left_join(other, list(keys))
    return joined.drop(*[f"{key}_right" for key in keys if f"{key}_right" in joined.columns])


def _with_history() -> ir.Table:
    had, client = _session_clients()
    exact, newest = _own_releases()
    own, shared = _families()
    popular = _popular()
    common = popular.filter(popular.people_common >= COMMON_PEOPLE)
    oldest = common.group_by("lineage").aggregate(oldest_common=common.version_key.min())
    rows = SHOWN.table
    rows = _joined(rows, had.rename(session_id="entity"), "session_id")
    rows = _joined(rows, client.rename(session_id="entity"), "session_id", "client")
    rows = _joined(rows, own, "subject", "family")
    rows = _joined(rows, shared, "family")
    rows = _joined(rows, exact, "subject", "lineage", "version_key")
    rows = _joined(rows, newest, "subject", "lineage")
    rows = _joined(rows, oldest, "lineage")
    return _joined(rows, popular, "lineage", "version_key")


def _same_device(rows: ir.Table) -> ir.BooleanValue:
    """Another name that the same device may well give in the same session: the desktop site in a
    browser, a page inside Slack's mobile app."""
    sites = [
        (rows.had == rows.family + "|" + had + "|" + device) & (rows.os == now)
        for had, now in DESKTOP_SITES
        for device in ("phone", "tablet", "computer")
    ]
    pages = [
        rows.had.startswith(f"Slack {system}|{system}|") & (rows.os == system)
        for system in ("iOS", "Android")
    ]
    return (rows.client_kind == "web") & ibis.or_(*sites, *pages)


def _marked() -> ir.Table:
    rows = _with_history()
    rows = rows.mutate(
        had=ibis.coalesce(rows.had_before, rows.had_today),
        people_with_client=rows.people_with_client.fill_null(0),
        people_lately=rows.people_lately.fill_null(0),
        people_ever=rows.people_ever.fill_null(0),
        version_new=ibis.ifelse((rows.nth_version == 0) & rows.exact_last.isnull(), ONE, NONE),
        family_new=ibis.ifelse((rows.nth_family == 0) & rows.family_since.isnull(), ONE, NONE),
    )
    version = _earlier(rows, rows.lineage, rows.version_key)
    rows = rows.mutate(
        version_crowd=rows.version_new.sum().over(version).fill_null(0),
        family_crowd=rows.family_new.sum().over(_earlier(rows, rows.family)).fill_null(0),
    )
    shared = (
        (rows.people_with_client >= SHARED_BY)
        & (rows.client_since <= rows.day_start - LEARNING_SECONDS)
        & ~rows.automated
    ).fill_null(False)
    own_known = (
        (rows.family_since <= rows["at"] - LEARNING_SECONDS) & (rows.family_days >= 2)
    ).fill_null(False)
    moved = (
        rows.session_id.notnull()
        & rows.had.notnull()
        & (rows.client_before.fill_null(0) == 0)
        & (rows.client_today == 0)
        & (rows.action != "user_login")
        & ~_same_device(rows).fill_null(False)
    )
    older = (
        (rows.version_key > 0)
        & (rows.version_key < rows.newest_own)
        & (rows.version_key < rows.oldest_common)
        & (rows.exact_last.isnull() | (rows.exact_last < rows.day_start - 45 * DAY_SECONDS))
        & (rows.people_lately + rows.version_crowd < COMMON_PEOPLE)
    ).fill_null(False)
    crowd = (rows.family_crowd >= COMMON_PEOPLE) & ~rows.automated
    unexpected = ~rows.expected_client & ~shared & ~own_known & rows.well_formed & ~crowd
    return rows.mutate(
        unexpected=unexpected,
        moved=moved,
        changed=moved & ~unexpected & rows.well_formed,
        downgrade=older & ~moved & ~unexpected & rows.well_formed,
    ).drop("had_before", "had_today", "client_before", "client_today", "client_since")


HISTORY = Step("clients_history", _marked())
STEPS = (SHOWN, HISTORY)
