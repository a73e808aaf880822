"""ip_address: a person's own session comes from a network that is odd for this person.

Novelty is judged on the network (the provider's ASNs, else a wide prefix), not on the address,
because addresses and small prefixes change all the time. A first is put into a category by kind of
network, whether the country is new too, whether the client is one that people use, and whether
the person was just seen in another country; how often such firsts happen in this organization
gives the p-value (`gridtrail.detect.novelty`). Networks that five people of the organization used
are not odd. Method: SCIENCE B.0 and B.1.

An app lives on few networks, and most of them in clouds: a cloud alone is not odd there, a network
that is new to the app is, unless it shows new ones all the time.

An address on a list of malicious ones (`enrich.ioc_lists`) is said at once, whatever is usual, and
becomes nobody's habit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from gridtrail.detect.contract import (
    DAY_SECONDS,
    Anomaly,
    DayContext,
    Profile,
    Step,
    arrow_schema,
    day_events,
    today,
)
from gridtrail.detect.evidence import p_text
from gridtrail.detect.listed import address_lists, around, clean, hourly, judged, span
from gridtrail.detect.novelty import PARAMETERS, Novelty
from gridtrail.detect.profiles import known, people, seen_profile

SHARE = 0.25
TENURE_DAYS = 5
SHARED_BY = 5  # people of the organization, within 30 days, first of them three days ago
CROWD = 3  # others seen on the new network earlier the same day
FAST_SECONDS = 2 * 3600
NEW_DAYS = 14  # from the first event on
SETTLING_DAYS = 7  # a newcomer's first networks say nothing of how often this person moves

HOSTED = ("hosting", "vpn", "tor", "relay")
NOT_ODD = ("internal", "private", "reserved")

BASE_RATES = {"hosted": 2e-4, "mobile": 3e-2, "access": 2e-2}
"""First sights of a network of this kind per person and day, before anything is learned
(SCIENCE C: travel 2 % a week, home re-lease, carrier changes; B.1: hosting 1e-4, for people whose
companies use no cloud desktops)."""
APP_RATES = {"app|hosted": 6e-4, "app|away": 3e-4, "app|roaming": 0.02, "app|newcomer": 0.05}
"""The same per app and day: `hosted` in a cloud or VPN, `away` outside of them, `roaming` for apps
with ROAMING networks."""
ROAMING = 4
IOC_P_VALUE = 1e-4
"""Lists of malicious addresses age, and a shared host has many tenants."""
FACTORS = {"new_country": 0.3, "automated": 0.01, "fast": 0.01}
"""Shares of them. Together the kinds that no honest person shows (hosted, or with a tool, or in two
countries at once) then stay below the detector's nominal rate of 1.25e-3."""


def _categories() -> dict[str, float]:
    rates = {"crowd": 0.05, "newcomer": 0.05}
    for kind, base in BASE_RATES.items():
        for flags in range(8):
            marks = [name for bit, name in enumerate(FACTORS) if flags >> bit & 1]
            rate = base
            for mark in marks:
                rate *= FACTORS[mark]
            rates["|".join([kind, *marks])] = rate
    return rates


_own = day_events.filter(
    day_events.own
    & (day_events.subject_type == "user")
    & day_events.network.notnull()
    & ~day_events.address_kind.isin(NOT_ODD)
    & day_events.ioc_list.isnull()
).select(
    "day_start", "event_id", "at", "action", "subject", "subject_type", "network", "address_kind",
    "asn_name", "country", "family", "automated", "expected_client",
)  # fmt: skip


def _with_place_before(events: ir.Table) -> ir.Table:
    """Adds `before`: time and country of the person's last event of an earlier second today."""
    marker = events["at"].cast("string") + "|" + events.country.fill_null("")
    earlier = ibis.range_window(preceding=(None, 1), group_by=events.subject, order_by=events["at"])
    return events.mutate(before=marker.max().over(earlier))


def _first_today(events: ir.Table) -> ir.Table:
    """The first event of each person on each network today, with `crowd`: how many others were
    seen on that network in earlier seconds today."""
    again = ibis.row_number().over(
        group_by=[events.subject, events.network], order_by=[events["at"], events.event_id]
    )
    first = events.mutate(again=again)
    first = first.filter(first.again == 0)
    earlier = ibis.range_window(preceding=(None, 1), group_by=first.network, order_by=first["at"])
    return first.mutate(crowd=first.count().over(earlier)).drop("again")


def _moves(networks: ir.Table) -> ir.Table:
    """Networks that a person took up after the first week."""
    since = people.table.select("subject", person_since="first_at")
    moves = networks.join(since, networks.entity == since.subject)
    return moves.filter(moves.first_at >= moves.person_since + SETTLING_DAYS * DAY_SECONDS)


def _usual_moves() -> ir.Table:
    """One row: new networks and active days of everybody with some tenure."""
    tenured = people.table.filter(people.table.active_days >= TENURE_DAYS)
    moves = _moves(known.table.filter(known.table.dimension == "network"))
    moves = moves.semi_join(tenured, "subject")
    return moves.aggregate(all_moves=moves.count()).cross_join(
        tenured.aggregate(all_days=tenured.active_days.sum().fill_null(0))
    )


def _new_networks() -> ir.Table:
    """Firsts on networks unknown to the person and not shared in the organization."""
    first = _first_today(_with_place_before(_own))
    rows = known.table
    networks = rows.filter(rows.dimension == "network")
    countries = rows.filter(rows.dimension == "country")
    recent = networks.cross_join(today).filter(
        lambda r: r.last_at >= r.day_start - 30 * DAY_SECONDS
    )
    shared = recent.group_by("value").aggregate(
        people_on_network=recent.entity.nunique(), network_since=recent.first_at.min()
    )
    moved = _moves(networks).group_by("entity").aggregate(moves=ibis._.count())
    placed = (
        first.anti_join(
            networks, [first.subject == networks.entity, first.network == networks.value]
        )
        .join(people.table.select("subject", "active_days", person_since="first_at"), "subject")
        .left_join(shared, first.network == shared.value)
        .left_join(moved, first.subject == moved.entity)
        .drop("value", "entity")
        .cross_join(_usual_moves())
    )
    countries = countries.select(known_subject="entity", known_country="value")
    return placed.left_join(
        countries,
        [placed.subject == countries.known_subject, placed.country == countries.known_country],
    ).drop("known_subject")


def _categorized() -> ir.Table:
    rows = _new_networks()
    rows = rows.filter(
        ~(
            (rows.people_on_network.fill_null(0) >= SHARED_BY)
            & (rows.network_since <= rows.day_start - 3 * DAY_SECONDS)
        )
    )
    kind = ibis.cases(
        (rows.address_kind.isin(HOSTED), "hosted"),
        (rows.address_kind == "mobile", "mobile"),
        else_="access",
    )
    new_country = rows.country.notnull() & rows.known_country.isnull()
    odd_client = rows.automated | ~rows.expected_client
    seconds_before = rows["at"] - rows.before.split("|")[0].cast("int64")
    elsewhere = rows.before.split("|")[1]
    fast = (
        rows.before.notnull()
        & rows.country.notnull()
        & (elsewhere != "")
        & (elsewhere != rows.country)
        & (seconds_before <= FAST_SECONDS)
    ).fill_null(False)
    marks = (
        ibis.ifelse(new_country, "|new_country", "")
        + ibis.ifelse(odd_client, "|automated", "")
        + ibis.ifelse(fast, "|fast", "")
    )
    # a newcomer's networks are all new, but a tool in the session is odd all the same
    # (who comes seldom is no newcomer: accounts that nobody looks after are what thieves like)
    young = rows.person_since >= rows.day_start - NEW_DAYS * DAY_SECONDS
    newcomer = (rows.active_days < TENURE_DAYS) & young & ~odd_client
    # colleagues who change their VPN bring sessions along; thieves sign in, or bring a tool
    hosted_login = (kind == "hosted") & (rows.action == "user_login")
    crowd = (rows.crowd >= CROWD) & ~odd_client & ~hosted_login
    category = ibis.cases((crowd, "crowd"), (newcomer, "newcomer"), else_=kind + marks)
    return rows.mutate(
        category=category,
        new_country=new_country,
        moves=rows.moves.fill_null(0),
        people_on_network=rows.people_on_network.fill_null(0),
    )


_apps = judged.filter(
    (judged.subject_type == "app")
    & judged.network.notnull()
    & ~judged.address_kind.isin(NOT_ODD)
    & judged.ioc_list.isnull()
)
app_networks = seen_profile(
    "app_networks", 1, ("subject", "network"), _apps.filter(_apps.address_kind != "tor")
)
"""Which networks each app came from."""


def _new_app_networks() -> ir.Table:
    """The first event of each app on each network that it never came from before today."""
    nth = ibis.row_number().over(
        group_by=[_apps.subject, _apps.network], order_by=[_apps["at"], _apps.event_id]
    )
    first = _apps.mutate(nth=nth)
    first = first.filter(first.nth == 0).drop("nth")
    before = app_networks.table
    had = before.group_by("subject").aggregate(moves=before.count())
    rows = (
        first.anti_join(before, ["subject", "network"])
        .join(people.table.select("subject", "subject_type", "active_days"),
              ["subject", "subject_type"])
        .left_join(had, "subject")
        .drop("subject_right")
    )  # fmt: skip
    category = ibis.cases(
        (rows.active_days < TENURE_DAYS, "app|newcomer"),
        (rows.moves.fill_null(0) >= ROAMING, "app|roaming"),
        (rows.address_kind.isin(HOSTED), "app|hosted"),
        else_="app|away",
    )
    return rows.mutate(category=category, moves=rows.moves.fill_null(0))


def _malicious() -> ir.Table:
    """The first event of each subject and hour on a malicious address, with the times of the
    entry, and whether the network is new too."""
    times = address_lists.select("ip", entry_from="ioc_from", entry_to="ioc_to")
    rows = hourly(judged.filter(judged.ioc_list.notnull())).left_join(times, "ip").drop("ip_right")
    usual = known.table.filter(known.table.dimension == "network")
    seen = usual.select(subject="entity", network="value").union(
        app_networks.table.select("subject", "network"), distinct=True
    )
    seen = seen.mutate(moves=ibis.literal(1, "int64"))
    active = people.table.select("subject", "subject_type", "active_days")
    rows = rows.left_join(active, ["subject", "subject_type"])
    rows = rows.drop("subject_right", "subject_type_right")
    rows = rows.left_join(seen, ["subject", "network"]).drop("subject_right", "network_right")
    return rows.mutate(category=ibis.literal("ioc"), active_days=rows.active_days.fill_null(0))


NEW_NETWORKS = Step("ip_address_firsts", _categorized())
NOVELTY = Novelty(
    "ip_address",
    firsts=NEW_NETWORKS.table,
    exposed=_own.semi_join(people.table, "subject"),
    priors=_categories(),
)


NEW_APP_NETWORKS = Step("ip_address_app_firsts", _new_app_networks())
APP_NOVELTY = Novelty(
    "ip_address_apps",
    firsts=NEW_APP_NETWORKS.table,
    exposed=_apps,
    priors=APP_RATES,
)
ROW = {
    "subject": "string", "subject_type": "string", "event_id": "string", "at": "int64",
    "ip": "string", "network": "string", "address_kind": "string", "asn_name": "string",
    "country": "string", "family": "string", "category": "string", "new_country": "boolean",
    "active_days": "int64", "moves": "int64", "all_moves": "int64", "all_days": "int64",
    "people_on_network": "int64", "ioc_list": "string", "entry_from": "int64",
    "entry_to": "int64", "p_value": "float64", "seen": "int64", "of": "int64",
}  # fmt: skip
"""Columns of a candidate; null where its kind has no such thing."""


def _row(rows: ir.Table) -> ir.Table:
    return rows.select(
        **{
            name: (rows[name] if name in rows.columns else ibis.null(kind)).cast(kind)
            for name, kind in ROW.items()
        }
    )


@dataclass(frozen=True)
class IpAddress:
    """A network that is odd for this person."""

    name: str = "ip_address"
    version: int = 4
    reasons: tuple[str, ...] = ("ip_address",)
    fidelity: str = "audit"
    share: float = SHARE
    repeat_seconds: tuple[int, ...] = (DAY_SECONDS,)
    needs: tuple[str, ...] = ("ip",)
    learning_days: int = 14
    profiles: tuple[Profile, ...] = (
        people, known, app_networks, NOVELTY.profile, APP_NOVELTY.profile,
    )  # fmt: skip
    steps: tuple[Step, ...] = (NEW_NETWORKS, NEW_APP_NETWORKS)

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """P-values of the categories of firsts."""
        return PARAMETERS

    @cached_property
    def candidates(self) -> ir.Table:
        """First events on new networks with the p-value of their category, and first events on
        malicious addresses."""
        firsts = [
            _row(step.table.join(NOVELTY.parameters_table, "category")) for step in self.steps
        ]
        return ibis.union(*firsts, _row(_malicious()))

    def parameters(self, context: DayContext) -> pa.Table | None:
        """P-values of all categories; none until the organization has history enough."""
        people_rates, app_rates = NOVELTY.parameters(context), APP_NOVELTY.parameters(context)
        if people_rates is None or app_rates is None:
            return arrow_schema(PARAMETERS).empty_table()
        return pa.concat_tables([people_rates, app_rates])

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly, when this first is rare enough for the detector's share of the budget."""
        if row["category"] == "ioc":
            return _told(row, IOC_P_VALUE, "on the list", _ioc_words(row), f"ioc {row['ip']}")
        app = row["subject_type"] == "app"
        p_value = min(row["p_value"] * (1.0 if app else _restlessness(row)), 1.0)
        level = context.share_per_subject_day(self.share)
        if p_value > level:
            return None
        words = _app_words(row, p_value) if app else _words(row, p_value)
        return _told(row, p_value, p_text(level), words, row["network"])


def _told(
    row: Mapping[str, Any], p_value: float, threshold: str, words: str, repeat_key: str
) -> Anomaly:
    observed = {
        "network": row["network"] or "",
        "network_name": row["asn_name"] or "",
        "kind": row["address_kind"],
        "country": row["country"] or "",
        "category": row["category"],
        "client": row["family"] or "",
    }
    subject = "app" if row["subject_type"] == "app" else "person"
    usual = {subject: {"active_days": row["active_days"], "new_networks": row["moves"] or 0}}
    if row["ioc_list"] is not None:
        observed |= {"ip": row["ip"], "list": row["ioc_list"]}
        observed |= {"entry": span(row["entry_from"], row["entry_to"])}
    else:
        usual["organization"] = {
            "people_on_this_network": row["people_on_network"] or 0,
            f"{subject}_days_like_this": row["seen"],
            f"{subject}_days": row["of"],
        }
    return Anomaly(
        reasons=("ip_address",),
        p_value=p_value,
        threshold=threshold,
        observed=observed,
        usual=usual,
        words=words,
        query=around(row),
        silent_if=_silent_if(row),
        repeat_key=repeat_key,
        deciding_events=(row["event_id"],),
        details={"ip_address_details": _details(row)},
    )


def _details(row: Mapping[str, Any]) -> list[str]:
    """Slack's words: a cloud is odd for people only."""
    malicious = row["ioc_list"] is not None
    details = ["new-asn"] if not malicious or not row["moves"] else []
    if row["address_kind"] == "hosting" and row["subject_type"] != "app":
        details.append("cloud-asn")
    return details + (["in-ioc-list"] if malicious else [])


def _silent_if(row: Mapping[str, Any]) -> str:
    if row["ioc_list"] is not None:
        return f"{clean(row['ip'])} taken off the list {row['ioc_list']}, or an allow-list entry"
    if row["subject_type"] == "app":
        return f"this app on {row['network']} on an earlier day, or an allow-list entry"
    return f"five people of the organization on {row['network']}, or an allow-list entry"


def _ioc_words(row: Mapping[str, Any]) -> str:
    where = row["asn_name"] or row["network"] or "an unknown network"
    entry = span(row["entry_from"], row["entry_to"])
    known = "a network known to it" if row["moves"] else "a network it never came from"
    return (
        f"From {clean(row['ip'])} of {where}, which stands on the list of malicious addresses "
        f"{row['ioc_list']} ({entry}); {known}, after {row['active_days']} active days."
    )


def _app_words(row: Mapping[str, Any], p_value: float) -> str:
    return (
        f"This app came from {row['asn_name'] or row['network']} for the first time, a "
        f"{row['address_kind']} network, after {row['active_days']} active days on {row['moves']} "
        f"networks; firsts like this were seen on {row['seen']} of {row['of']} app-days "
        f"(p = {p_text(p_value)})."
    )


def _restlessness(row: Mapping[str, Any]) -> float:
    """How much more often than others of this organization the person shows new networks,
    between 0.5 and 20; both rates count new networks in active days, the organization's is shrunk
    to one in 50 days (worth 500 days), the person's to the organization's (worth 50 days).
    """
    usual = (row["all_moves"] + 10) / (row["all_days"] + 500)
    rate = (row["moves"] + 50 * usual) / (row["active_days"] + 50)
    return float(min(max(rate / usual, 0.5), 20.0))


def _words(row: Mapping[str, Any], p_value: float) -> str:
    where = f"{row['asn_name'] or row['network']}" + (
        f" ({row['country']})" if row["country"] else ""
    )
    kind = "" if row["address_kind"] == "unknown" else f", a {row['address_kind']} network"
    country = " and the country is new too" if row["new_country"] else ""
    return (
        f"First time on {where}{kind}{country}, after {row['active_days']} active days with "
        f"{row['moves']} new networks (p = {p_text(p_value)}); {row['people_on_network']} people "
        f"of the organization used this network in 30 days, and firsts like this were seen on "
        f"{row['seen']} of {row['of']} person-days."
    )


DETECTOR = IpAddress()
