"""ip_address: a person's own session comes from a network that is odd for this person.

Novelty is judged on the network (the provider's ASNs, else a wide prefix), not on the address,
because addresses and small prefixes change all the time. A first is put into a category by kind of
network, whether the country is new too, whether the client is one that people use, and whether
the person was just seen in another country; how often such firsts happen in this organization
gives the p-value (`gridtrail.detect.novelty`). Networks that five people of the organization used
are not odd. Method: SCIENCE B.0 and B.1.
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
    day_events,
    today,
)
from gridtrail.detect.evidence import p_text, sql_text
from gridtrail.detect.novelty import PARAMETERS, Novelty
from gridtrail.detect.profiles import known, people

SHARE = 0.25
TENURE_DAYS = 5
SHARED_BY = 5  # people of the organization, within 30 days, first of them three days ago
CROWD = 3  # others seen on the new network earlier the same day
FAST_SECONDS = 2 * 3600
SETTLING_DAYS = 7  # a newcomer's first networks say nothing of how often this person moves

HOSTED = ("hosting", "vpn", "tor", "relay")
NOT_ODD = ("internal", "private", "reserved")

BASE_RATES = {"hosted": 2e-4, "mobile": 3e-2, "access": 2e-2}
"""First sights of a network of this kind per person and day, before anything is learned
(SCIENCE C: travel 2 % a week, home re-lease, carrier changes; B.1: hosting 1e-4, for people whose
companies use no cloud desktops)."""
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
).select(
    "day_start", "event_id", "at", "subject", "subject_type", "network", "address_kind",
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
        .join(people.table.select("subject", "active_days"), "subject")
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
    newcomer = (rows.active_days < TENURE_DAYS) & ~odd_client
    category = ibis.cases(
        (rows.crowd >= CROWD, "crowd"), (newcomer, "newcomer"), else_=kind + marks
    )
    return rows.mutate(
        category=category,
        new_country=new_country,
        moves=rows.moves.fill_null(0),
        people_on_network=rows.people_on_network.fill_null(0),
    )


NEW_NETWORKS = Step("ip_address_firsts", _categorized())
NOVELTY = Novelty(
    "ip_address",
    firsts=NEW_NETWORKS.table,
    exposed=_own.semi_join(people.table, "subject"),
    priors=_categories(),
)


@dataclass(frozen=True)
class IpAddress:
    """A network that is odd for this person."""

    name: str = "ip_address"
    version: int = 2
    reasons: tuple[str, ...] = ("ip_address",)
    fidelity: str = "audit"
    share: float = SHARE
    repeat_seconds: tuple[int, ...] = (DAY_SECONDS,)
    needs: tuple[str, ...] = ("ip",)
    learning_days: int = 14
    profiles: tuple[Profile, ...] = (people, known, NOVELTY.profile)
    steps: tuple[Step, ...] = (NEW_NETWORKS,)

    @property
    def parameter_schema(self) -> Mapping[str, str]:
        """P-values of the categories of firsts."""
        return PARAMETERS

    @cached_property
    def candidates(self) -> ir.Table:
        """First events on new networks whose category is rare enough to be looked at."""
        return NEW_NETWORKS.table.join(NOVELTY.parameters_table, "category")

    def parameters(self, context: DayContext) -> pa.Table | None:
        """P-values of all categories, once the organization has history enough."""
        return NOVELTY.parameters(context)

    def explain(self, row: Mapping[str, Any], context: DayContext) -> Anomaly | None:
        """The anomaly, when this first is rare enough for the detector's share of the budget."""
        p_value = min(row["p_value"] * _restlessness(row), 1.0)
        level = context.share_per_subject_day(self.share)
        if p_value > level:
            return None
        details = ["new-asn"] + (["cloud-asn"] if row["address_kind"] == "hosting" else [])
        return Anomaly(
            reasons=self.reasons,
            p_value=p_value,
            threshold=p_text(level),
            observed={
                "network": row["network"],
                "network_name": row["asn_name"] or "",
                "kind": row["address_kind"],
                "country": row["country"] or "",
                "category": row["category"],
                "client": row["family"] or "",
            },
            usual={
                "person": {"active_days": row["active_days"], "new_networks": row["moves"]},
                "organization": {
                    "people_on_this_network": row["people_on_network"],
                    "person_days_like_this": row["seen"],
                    "person_days": row["of"],
                },
            },
            words=_words(row, p_value),
            query=(
                "SELECT id, date_create, action, ip, ua, session_id FROM events WHERE actor_id = "
                f"{sql_text(row['subject'])} AND date_create BETWEEN {row['at'] - 3600} AND "
                f"{row['at'] + 3600} ORDER BY date_create"
            ),
            silent_if=(
                f"five people of the organization on {row['network']}, or an allow-list entry"
            ),
            repeat_key=row["network"],
            deciding_events=(row["event_id"],),
            details={"ip_address_details": details},
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
