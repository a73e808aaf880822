"""Signs that one session is used by more than one device, or by somebody else after its end.

Each event of a session gets the rarest sign that it shows, as a category; most show none. What
is strange is so for the person and for the organization (`profiles.known`). The detector
`session_fingerprint` says how rare each sign is and what is said of it.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from gridtrail.detect import sessions as ss
from gridtrail.detect.contract import DAY_SECONDS, LEARNING_SECONDS, Step, today
from gridtrail.detect.profiles import known, people, releases

TENURE_DAYS = 5
SHARED_BY = 5  # people of the organization on a network within 30 days, first of them 3 days ago
IN_FLIGHT_SECONDS = 300
"""What was under way when a session was ended may still be logged for so long."""
STEPS_BACK = 2  # one is a roll-back, and those of old versions in common use are ordinary
COMMON_PEOPLE, COMMON_DAYS = 3, 45
HOSTED = ("hosting", "tor")


def _standing() -> ir.Table:
    """Networks that the organization knows: five people within 30 days, the first 3 days ago."""
    rows = known.table.filter(known.table.dimension == "network").cross_join(today)
    recent = rows.filter(rows.last_at >= rows.day_start - 30 * DAY_SECONDS)
    shared = recent.group_by("value").aggregate(
        crowd=recent.entity.nunique(),
        since=recent.first_at.min(),
        start=recent.day_start.max(),
    )
    settled = (shared.crowd >= SHARED_BY) & (shared.since <= shared.start - LEARNING_SECONDS)
    return shared.filter(settled).select("value")


def _with_standing(rows: ir.Table) -> ir.Table:
    """Adds `strange` and `strange_before`: neither the organization nor the person knows the
    network of the event, or the one before it; and for both whether the organization does."""
    shared = _standing()
    own = known.table.filter(known.table.dimension == "network").cross_join(today)
    own = own.filter((own.days >= 2) & (own.first_at <= own.day_start - LEARNING_SECONDS))
    for name, place in (("", "place"), ("_before", "other_place")):
        theirs = shared.select(**{f"shared_network{name}": shared.value})
        mine = own.select(**{f"own_entity{name}": own.entity, f"own_network{name}": own.value})
        rows = rows.left_join(theirs, rows[place] == theirs[f"shared_network{name}"])
        rows = rows.left_join(
            mine,
            [
                rows.subject == mine[f"own_entity{name}"],
                rows[place] == mine[f"own_network{name}"],
            ],
        )
    return rows.mutate(
        shared=rows.shared_network.notnull(),
        shared_before=rows.shared_network_before.notnull(),
        strange=(
            rows.place.notnull()
            & (rows.kind != "internal")
            & rows.shared_network.isnull()
            & rows.own_network.isnull()
        ),
        strange_before=(
            rows.other_place.notnull()
            & (rows.other_kind != "internal")
            & rows.shared_network_before.isnull()
            & rows.own_network_before.isnull()
        ),
    ).drop(
        "shared_network", "shared_network_before", "own_entity", "own_network",
        "own_entity_before", "own_network_before",
    )  # fmt: skip


def _odd_events() -> ir.Table:
    """Events whose session moved, changed its client or version, or was ended before."""
    rows = ss.OBSERVED.table
    ends = ss.session_resets.table.union(ss.RESETS_TODAY.table)
    ended = rows.join(ends, "subject").select(
        "event_id", "at", "reset_at", "scope", "first_at", "keyed", "device_class"
    )
    mobile = ended.device_class.isin(("phone", "tablet"))
    hit = ended.filter(
        ended.keyed
        & (ended.first_at < ended.reset_at)
        & (ended["at"] > ended.reset_at + IN_FLIGHT_SECONDS)
        & ((ended.scope == "all") | (mobile == (ended.scope == "mobile")))
    )
    hit = hit.group_by("event_id", "at").aggregate(reset_at=hit.reset_at.max())
    signed_out = (
        ibis.ifelse(rows.keyed & rows.action.isin(ss.LOGOUTS), rows["at"], None)
        .max()
        .over(
            ibis.range_window(
                preceding=(None, 1), group_by=[rows.subject, rows.session], order_by=rows["at"]
            )
        )
    )
    rows = rows.mutate(signed_out_at=ibis.coalesce(signed_out, rows.ended_at))
    rows = rows.left_join(hit, ["event_id", "at"]).drop("event_id_right", "at_right")
    networks = ss.session_networks.table.select(
        seen_subject="subject", seen_session="session", seen_network="network"
    )
    rows = rows.left_join(
        networks,
        [
            rows.subject == networks.seen_subject,
            rows.session == networks.seen_session,
            rows.place == networks.seen_network,
        ],
    )
    parts = rows.place_before.substr(ss.MARK).split("|")
    out_of = rows["at"] > rows.signed_out_at + IN_FLIGHT_SECONDS
    marked = rows.mutate(
        other_place=parts[0],
        other_kind=parts[1],
        other_country=parts[2].nullif(""),
        other_at=ss.marked_at(rows.place_before),
        new_place=rows.place.notnull() & rows.here_before.isnull() & rows.seen_network.isnull(),
        client_changed=(
            rows.keyed & (rows.birth_at < rows["at"]) & (rows.client != rows.birth_client)
        ).fill_null(False),
        out_at=ibis.greatest(
            ibis.ifelse(out_of, rows.signed_out_at, 0).fill_null(0), rows.reset_at.fill_null(0)
        ),
    ).drop("seen_subject", "seen_session", "seen_network", "signed_out_at", "reset_at", "ended_at")
    return marked.filter(
        marked.moved
        | (marked.new_place & marked.kind.isin(HOSTED))
        | marked.client_changed
        | marked.stepped_back
        | (marked.out_at > 0)
    )


ODD = Step("session_fingerprint_odd", _odd_events())


def _with_people(rows: ir.Table) -> ir.Table:
    """Adds the person's active days, and whether the version is in common use."""
    tenure = people.table.select("subject", "active_days")
    rows = rows.left_join(tenure, "subject").drop("subject_right")
    used = releases.table.cross_join(today)
    used = used.filter(used.last_at >= used.day_start - COMMON_DAYS * DAY_SECONDS)
    common = used.group_by("lineage", "version_key").aggregate(users=used.subject.nunique())
    common = common.filter(common.users >= COMMON_PEOPLE).select(
        common_lineage="lineage", common_version="version_key"
    )
    rows = rows.left_join(
        common, [rows.client == common.common_lineage, rows.version_key == common.common_version]
    )
    back = rows.stepped_back.cast("int64").sum()
    earlier = ibis.range_window(
        preceding=(None, 1), group_by=[rows.subject, rows.session], order_by=rows["at"]
    )
    return rows.mutate(
        active_days=rows.active_days.fill_null(0),
        common=rows.common_lineage.notnull(),
        steps_back=rows.decreases + back.over(earlier).fill_null(0) + 1,
    ).drop("common_lineage", "common_version", "decreases")


def _a_device(rows: ir.Table) -> ir.BooleanValue:
    """Whether the client names what it runs on, as clients of people do."""
    return (rows.os.fill_null("") != "") & ~rows.automated.fill_null(True)


def _owners_device(rows: ir.Table) -> ir.BooleanValue:
    """Whether a device comes back to a session that a tool was seen in first: its owner."""
    began_on = rows.birth_client.fill_null("").split("|")[1].fill_null("")
    return (_a_device(rows) & (began_on == "")).fill_null(False)


def _category(rows: ir.Table) -> ir.StringValue:
    """The rarest sign of each row; null for an ordinary handover."""
    computer = ~rows.device_class.fill_null("").isin(("phone", "tablet"))
    mobile = (rows.kind == "mobile") | (rows.other_kind == "mobile") | ~computer
    hosted = rows.kind.isin(HOSTED) & rows.strange
    hosted_before = rows.other_kind.isin(HOSTED) & rows.strange_before
    # a hosting network that the organization knows is its own gateway
    gateway = (rows.kind.isin(HOSTED) & rows.shared) | (
        rows.other_kind.isin(HOSTED) & rows.shared_before
    )
    pair = rows.returned & (rows.strange | rows.strange_before) & ~gateway.fill_null(False)
    countries = (rows.country != rows.other_country).fill_null(False)
    # the carrier at home serves its customer abroad, beside the Wi-Fi there
    carrier = ibis.ifelse(
        rows.kind == "mobile", rows.strange, (rows.other_kind == "mobile") & rows.strange_before
    )
    at_once = rows["at"] - rows.other_at <= ss.INTERLEAVED_SECONDS
    begun = rows.new_place & (rows.first_at < rows["at"])
    tor = (begun & (rows.kind == "tor")) | (
        rows.returned & ((rows.kind == "tor") | (rows.other_kind == "tor"))
    )
    old = rows.stepped_back & (~rows.common | (rows.steps_back >= STEPS_BACK))
    with_session = ibis.cases(
        (tor.fill_null(False), "tor"),
        # a tool at the session's own place is the person's doing, which `user_agent` tells; a
        # second device is not: it has a session of its own
        (
            rows.client_changed
            & ~_owners_device(rows)
            & (rows.new_place | rows.strange | _a_device(rows)),
            "client_changed",
        ),
        # who goes on where they always are was not signed out everywhere, or not for long: only
        # another place, at once, is somebody else
        (
            (rows.out_at > rows.last_at.fill_null(0)) & (rows.new_place | rows.strange),
            "used_after_end",
        ),
        ((pair & (hosted | hosted_before)).fill_null(False), "interleaved|hosted"),
        ((pair & ~mobile & countries).fill_null(False), "interleaved|country"),
        ((pair & mobile & countries & carrier).fill_null(False), "interleaved|mobile|country"),
        (old, "version_decreased"),
        (
            (rows.moved & rows.strange & ~mobile & ~gateway & countries & at_once).fill_null(False),
            "two_countries",
        ),
        ((pair & ~mobile).fill_null(False), "interleaved"),
        ((begun & hosted).fill_null(False), "hosted"),
        (rows.stepped_back, "common_version"),
        ((rows.returned & mobile & countries).fill_null(False), "roaming"),
        ((rows.returned & mobile).fill_null(False), "flap"),
        (rows.returned, "familiar"),
        (rows.out_at > 0, "still_used"),
    )
    far_apart = pair & ((hosted | hosted_before) | (~mobile & countries))
    return ibis.ifelse(
        rows.keyed,
        with_session,
        ibis.ifelse(far_apart.fill_null(False), "without_session", None),
    )


def _signs() -> ir.Table:
    """The first event of each sign of each session in each clock hour."""
    rows = _with_people(_with_standing(ODD.table))
    category = _category(rows)
    early = (rows.active_days < TENURE_DAYS) & category.isin(
        ("interleaved", "two_countries", "hosted", "without_session")
    )
    rows = rows.mutate(category=ibis.ifelse(early, "newcomer", category))
    rows = rows.filter(rows.category.notnull())
    hour = rows["at"] - rows["at"] % 3600
    again = ibis.row_number().over(
        group_by=[rows.subject, rows.session, rows.category, hour],
        order_by=[rows["at"], rows.event_id],
    )
    rows = rows.mutate(again=again)
    return rows.filter(rows.again == 0).drop("again", "shared", "shared_before", "common")


SIGNS = Step("session_fingerprint_signs", _signs())
