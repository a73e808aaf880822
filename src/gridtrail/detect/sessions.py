"""Sessions: since when, with which client, on which networks, and when they were ended.

One session is one device with one client, so what changes inside it can be judged. A session is
known by (subject, session); where an event has no `session_id`, events of one person with one
client and system stand in for it (`keyed` false): two like computers are then one session, so
that nothing but places far apart can be read from it.

Signing in is left out of the client: a desktop app signs in through a browser, which then shows
its own user agent in the event of the app's session.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from gridtrail.detect.contract import DAY_SECONDS, Profile, Step, day_events, table, today
from gridtrail.detect.details import details_of

SESSION_DAYS = 60
"""A session without use for so long is forgotten."""
NETWORK_DAYS = 14
"""A network that a session did not use for so long is forgotten."""
INTERLEAVED_SECONDS = 1800
"""Coming back to a network within half an hour, another one in between, is interleaving."""

SIGN_INS = ("user_login", "user_login_failed", "cli_login")
LOGOUTS = (
    "user_logout",
    "user_logout_compromised",
    "user_logout_non_compliant_mobile_app_version",
)
RESETS = (
    "user_session_reset_by_admin",
    "user_sessions_reset_by_anomaly_event_response",
    "user_sessions_reset_by_circuit_breaker",
    "user_deactivated",
    "guest_deactivated",
)
BULK_RESET = "bulk_session_reset_by_admin"
"""`user_session_invalidated` is not here: its event does not say which session was ended
(slack/api.md 6)."""

NO_PLACE = ("vpn", "relay", "private", "reserved")
"""Kinds of networks that say nothing of where a device is."""

MARK = 11
"""A mark is a time in seconds of so many digits, then text: the largest mark is the newest."""

SESSIONS = {
    "subject": "string",
    "session": "string",  # session_id, or `~` and the lineage of the client
    "first_at": "int64",
    "last_at": "int64",
    "birth": "string",  # mark of the first client: time and lineage; null while only signed in
    "birth_place": "string",  # mark of the first network
    "version": "string",  # mark of the last version of the first client
    "decreases": "int64",  # times that a version was lower than the one before
    "alternations": "int64",  # times that it came back to a network within half an hour
    "ended_at": "int64",  # signed out; null while it was not
}
NETWORKS = {
    "subject": "string",
    "session": "string",
    "network": "string",
    "kind": "string",
    "country": "string",
    "asn_name": "string",
    "first_at": "int64",
    "last_at": "int64",
    "events": "int64",
}
RESET = {"subject": "string", "scope": "string", "action": "string", "reset_at": "int64"}


def mark(at: ir.IntegerColumn, text: ir.StringColumn) -> ir.StringColumn:
    """A mark of `text` at a time; null where either is."""
    found: ir.StringColumn = at.cast("string").lpad(MARK, "0") + text
    return found


def marked_at(marked: ir.StringColumn) -> ir.IntegerColumn:
    """The time of a mark, seconds."""
    at: ir.IntegerColumn = marked.substr(0, MARK).cast("int64")
    return at


def _session_events() -> ir.Table:
    events = day_events.filter(
        day_events.own
        & (day_events.subject_type == "user")
        & (day_events.session_id.notnull() | day_events.lineage.notnull())
    )
    client = ibis.ifelse(
        events.action.isin(SIGN_INS) | (events.client_kind == "none"), None, events.lineage
    )
    place = ibis.ifelse(events.address_kind.isin(NO_PLACE), None, events.network)
    return events.mutate(
        session=ibis.coalesce(events.session_id, ibis.literal("~") + events.lineage),
        keyed=events.session_id.notnull(),
        client=client,
        place=place,
        kind=events.address_kind.fill_null("unknown"),
    ).select(
        "day_start", "event_id", "at", "action", "subject", "subject_type", "session", "keyed",
        "network", "place", "kind", "country", "asn_name", "client", "family", "client_version",
        "version_key", "os", "device_class", "automated",
    )  # fmt: skip


EVENTS = Step("session_events", _session_events())
_known = table("sessions", SESSIONS)
_networks = table("session_networks", NETWORKS)


def _births() -> ir.Table:
    """One row a session of today: what was known of it (`last_at`: its last use on an earlier
    day), and its first client and network."""
    rows = EVENTS.table
    now = rows.group_by("subject", "session").aggregate(
        first_at=rows["at"].min(),
        birth=mark(rows["at"], rows.client).min(),
        birth_place=mark(rows["at"], rows.network).min(),
    )
    before = _known.rename(
        past_first_at="first_at", past_birth="birth", past_birth_place="birth_place"
    )
    known = now.left_join(before, ["subject", "session"]).drop("subject_right", "session_right")
    birth = ibis.coalesce(known.past_birth, known.birth)
    return known.select(
        "subject", "session", "ended_at", "last_at",
        first_at=ibis.coalesce(known.past_first_at, known.first_at),
        birth_at=marked_at(birth),
        birth_client=birth.substr(MARK),
        birth_place=ibis.coalesce(known.past_birth_place, known.birth_place),
        last_version=known.version.substr(MARK).cast("int64").fill_null(0),
        decreases=known.decreases.fill_null(0),
        alternations=known.alternations.fill_null(0),
    )  # fmt: skip


BIRTHS = Step("session_births", _births())


def _places() -> ir.Table:
    """Where sessions were seen: today's events, and the end of the day before as rows without
    event, so that midnight hides nothing."""
    rows = EVENTS.table
    now = rows.filter(rows.place.notnull()).select(
        "event_id", "at", "subject", "session", "place", "kind", "country", "asn_name"
    )
    before = _networks.cross_join(today)
    late = before.filter(
        (before.last_at >= before.day_start - INTERLEAVED_SECONDS) & ~before.kind.isin(NO_PLACE)
    )
    return now.union(
        late.select(
            "subject", "session", "kind", "country", "asn_name",
            event_id=ibis.literal(None, "string"),
            at=late.last_at,
            place=late.network,
        ).select(*now.columns)
    )  # fmt: skip


def _moves() -> ir.Table:
    """For each event with a place: the place of the session before it (a mark), and when the
    session was last on this one; both of strictly earlier seconds."""
    rows = _places()
    shown = mark(
        rows["at"],
        rows.place + "|" + rows.kind + "|" + rows.country.fill_null("") + "|"
        + rows.asn_name.fill_null(""),
    )  # fmt: skip
    session, here = [rows.subject, rows.session], [rows.subject, rows.session, rows.place]
    earlier = ibis.range_window(preceding=(None, 1), group_by=session, order_by=rows["at"])
    earlier_here = ibis.range_window(preceding=(None, 1), group_by=here, order_by=rows["at"])
    seen = rows.mutate(
        place_before=shown.max().over(earlier), here_before=rows["at"].max().over(earlier_here)
    )
    return seen.filter(seen.event_id.notnull()).select(
        "event_id", "at", "place_before", "here_before"
    )


def _observed() -> ir.Table:
    """Today's events of sessions with what their session was before, earlier seconds only."""
    rows = EVENTS.table
    version = mark(rows["at"], rows.version_key.cast("string").lpad(20, "0"))
    client = [rows.subject, rows.session, rows.client]
    earlier = ibis.range_window(preceding=(None, 1), group_by=client, order_by=rows["at"])
    seen = rows.mutate(
        version_before=version.max().over(earlier).substr(MARK).cast("int64"),
    )
    seen = seen.left_join(BIRTHS.table, ["subject", "session"]).drop(
        "subject_right", "session_right"
    )
    seen = seen.left_join(_moves(), ["event_id", "at"]).drop("event_id_right", "at_right")
    born_here = (seen.client == seen.birth_client).fill_null(False)
    past = ibis.ifelse(born_here, seen.last_version, 0)
    other_place = seen.place_before.substr(MARK).split("|")[0]
    # rows of one second are one step
    second = [seen.subject, seen.session, seen.client, seen.place, seen["at"]]
    once = ibis.row_number().over(group_by=second, order_by=seen.event_id) == 0
    return seen.mutate(
        # a step back: lower than the one before, of whatever day
        stepped_back=(
            once
            & seen.keyed
            & seen.client.notnull()
            & (seen.version_key > 0)
            & (seen.version_key < seen.version_before.fill_null(past))
        ).fill_null(False),
        moved=(seen.place.notnull() & (other_place != seen.place)).fill_null(False),
        returned=(
            once
            & seen.place.notnull()
            & (other_place != seen.place)
            & (seen.here_before >= seen["at"] - INTERLEAVED_SECONDS)
        ).fill_null(False),
    )


OBSERVED = Step("session_observed", _observed())


def _resets() -> ir.Table:
    """Whose sessions others ended today, and which: `all`, `mobile` or `web` (slack/api.md 6)."""
    acts = day_events.filter(
        day_events.action.isin(RESETS)
        & (day_events.entity_type == "user")
        & day_events.entity_id.notnull()
    ).select("event_id", "at", "action", subject="entity_id")
    details = details_of(*RESETS)
    single = acts.left_join(
        details, [acts.event_id == details.details_id, acts["at"] == details.details_at]
    )
    bulk = details_of(BULK_RESET)
    # a list, or text that holds a list; ids of people are letters and digits
    ids = bulk.details.re_extract('"succeeded_users":"?\\[([^\\]]*)\\]', 1)
    many = bulk.mutate(subject=ids.re_replace("[^A-Za-z0-9,]", "").split(",").unnest())
    shown = single.select("subject", "action", "at", "details").union(
        many.select(
            "subject", "details",
            action=ibis.literal(BULK_RESET),
            at=many.details_at,
        ).select("subject", "action", "at", "details")
    )  # fmt: skip
    told = shown.details.fill_null("")
    # which sessions were not signed in to by single sign-on is not in the log
    known = shown.filter((shown.subject != "") & ~told.contains('"non_sso_only":true'))
    told = known.details.fill_null("")
    scope = ibis.cases(
        (told.contains('"mobile_only":true'), "mobile"),
        (told.contains('"web_only":true'), "web"),
        else_="all",
    )
    return known.select("subject", "action", scope=scope, reset_at="at").select(*RESET)


RESETS_TODAY = Step("session_resets_today", _resets())


def _session_summary() -> ir.Table:
    rows = OBSERVED.table
    of_birth = (rows.client == rows.birth_client).fill_null(False)
    version = mark(rows["at"], rows.version_key.cast("string").lpad(20, "0"))
    signed_out = rows.keyed & rows.action.isin(LOGOUTS)
    return (
        rows.group_by("subject", "session")
        .aggregate(
            first_at=rows.first_at.min(),
            last_at=rows["at"].max(),
            birth=mark(rows.birth_at, rows.birth_client).min(),
            birth_place=rows.birth_place.min(),
            version=ibis.ifelse(of_birth, version, None).max(),
            decreases=rows.stepped_back.cast("int64").sum().cast("int64"),
            alternations=rows.returned.cast("int64").sum().cast("int64"),
            ended_at=ibis.ifelse(signed_out, rows["at"], None).max(),
        )
        .select(*SESSIONS)
    )


def _session_fold(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    merged = both.group_by("subject", "session").aggregate(
        first_at=both.first_at.min(),
        last_at=both.last_at.max(),
        birth=both.birth.min(),
        birth_place=both.birth_place.min(),
        version=both.version.max(),
        decreases=both.decreases.sum().cast("int64"),
        alternations=both.alternations.sum().cast("int64"),
        ended_at=both.ended_at.max(),
    )
    return _used_within(merged, "last_at", SESSION_DAYS).select(*SESSIONS)


def _network_summary() -> ir.Table:
    rows = EVENTS.table
    rows = rows.filter(rows.network.notnull())
    return (
        rows.group_by("subject", "session", "network")
        .aggregate(
            kind=rows.kind.max(),
            country=rows.country.max(),
            asn_name=rows.asn_name.max(),
            first_at=rows["at"].min(),
            last_at=rows["at"].max(),
            events=rows.count(),
        )
        .select(*NETWORKS)
    )


def _network_fold(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    merged = both.group_by("subject", "session", "network").aggregate(
        kind=both.kind.max(),
        country=both.country.max(),
        asn_name=both.asn_name.max(),
        first_at=both.first_at.min(),
        last_at=both.last_at.max(),
        events=both.events.sum().cast("int64"),
    )
    return _used_within(merged, "last_at", NETWORK_DAYS).select(*NETWORKS)


def _reset_fold(before: ir.Table, new: ir.Table) -> ir.Table:
    both = before.union(new)
    merged = both.group_by("subject", "scope", "action").aggregate(reset_at=both.reset_at.max())
    return _used_within(merged, "reset_at", SESSION_DAYS).select(*RESET)


def _used_within(rows: ir.Table, column: str, days: int) -> ir.Table:
    kept = rows.cross_join(today)
    return kept.filter(kept[column] >= kept.day_start - days * DAY_SECONDS)


sessions = Profile("sessions", 1, SESSIONS, _session_summary(), _session_fold)
session_networks = Profile("session_networks", 1, NETWORKS, _network_summary(), _network_fold)
session_resets = Profile("session_resets", 1, RESET, RESETS_TODAY.table, _reset_fold)
"""When all sessions of a kind of a person were last ended by somebody else."""

STEPS = (EVENTS, BIRTHS, OBSERVED, RESETS_TODAY)
"""What these profiles are made of: a detector that uses them lists these steps first."""
