"""The relation of one organization's day that detectors read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import ibis
import ibis.expr.types as ir

from gridtrail.detect.attribution import attributed
from gridtrail.detect.contract import DAY_EVENTS, arrow_schema, table, today
from gridtrail.engine.shape import Engine
from gridtrail.enrich.dimensions import kind_at, stood_on
from gridtrail.lake.lake import Lake

RAW_DAY = {
    "id": "string",
    "date_create": "int64",
    "action": "string",
    "actor_type": "string",
    "actor_id": "string",
    "actor_email": "string",
    "actor_team": "string",
    "entity_type": "string",
    "entity_id": "string",
    "entity_name": "string",
    "location_id": "string",
    "ua": "string",
    "ip": "string",
    "session_id": "string",
    "app_id": "string",
    "details": "string",
    "source": "string",
}
ADDRESSES = {
    "ip": "string",
    "network": "string",
    "kind": "string",
    "asn": "int64",
    "asn_name": "string",
    "country": "string",
    "prefix": "string",
    "listed_kind": "string",
    "listed_from": "int64",
    "listed_to": "int64",
    "ioc_list": "string",
    "ioc_from": "int64",
    "ioc_to": "int64",
    "asn_list": "string",
    "asn_from": "int64",
    "asn_to": "int64",
}
CLIENTS = {
    "ua": "string",
    "family": "string",
    "kind": "string",
    "version": "string",
    "version_key": "int64",
    "lineage": "string",
    "os": "string",
    "device_class": "string",
    "chrome_major": "int64",
    "electron_major": "int64",
    "automated": "boolean",
    "well_formed": "boolean",
    "defect": "string",
    "expected": "boolean",
}

TLS_TRAITS = r'"client_{}_fingerprint":"([0-9A-Za-z_]{{1,64}})"'
"""Slack's keys (slack/api.md 3.1), seen on anomalies; here in case other events carry them."""


def _tls_trait(details: ir.StringValue, name: str) -> ir.StringValue:
    # most details hold none: a search for the key is cheaper than a regular expression
    found = details.re_extract(TLS_TRAITS.format(name), 1)
    has = details.contains(f'"client_{name}_fingerprint"')
    trait: ir.StringValue = ibis.ifelse(has, found, "").nullif("")
    return trait


@cache
def day_events_expression() -> ir.Table:
    """`day_events` from the tables `day_raw`, `addresses`, `clients` and `today`.

    Anomaly events are left out: what detectors said must not teach them.
    """
    raw = table("day_raw", RAW_DAY)
    addresses = table("addresses", ADDRESSES).rename(address_ip="ip")
    clients = table("clients", CLIENTS).rename(
        client_ua="ua", client_kind="kind", client_version="version"
    )
    # what people do in Gridtrail itself stands in the same lake, and is not Slack's business
    slacks = (raw.action != "anomaly") & (raw.source != "gridtrail")
    people = raw.filter(slacks & raw.actor_id.notnull())
    told = attributed(people)
    placed = told.left_join(addresses, told.ip == addresses.address_ip)
    # an address stood on some list at the event's time, whatever it is today
    placed = placed.mutate(
        address_kind=kind_at(placed, placed.date_create),
        ioc_list=stood_on(placed, "ioc", placed.date_create),
        asn_list=stood_on(placed, "asn", placed.date_create),
    ).drop("kind")
    joined = placed.left_join(clients, placed.ua == clients.client_ua).cross_join(today)
    human = joined.client_kind.isin(("desktop", "mobile", "web"))
    signs_in = joined.action == "user_login"
    # a Tor exit or a malicious address becomes nobody's habit
    never_usual = (joined.address_kind == "tor").fill_null(False) | joined.ioc_list.notnull()
    complete = joined.mutate(
        event_id=joined.id,
        at=joined.date_create,
        team=ibis.coalesce(joined.actor_team, joined.location_id),
        teaches=joined.own & (human | signs_in).fill_null(False) & ~never_usual,
        network=joined.network.nullif(""),  # what cannot be read is no network
        automated=joined.automated.fill_null(False),
        well_formed=joined.well_formed.fill_null(True),
        expected_client=joined.expected.fill_null(False),
        ja3=_tls_trait(joined.details, "ja3"),
        ja4=_tls_trait(joined.details, "ja4"),
    )
    return complete.select(*DAY_EVENTS)


def view_events(
    lake: Lake,
    engine: Engine,
    name: str,
    columns: Mapping[str, str],
    *,
    org: str,
    oldest: int,
    latest: int,
) -> None:
    """Make these `columns` of the events of `org` in [oldest, latest] (seconds) readable in
    `engine` as `name`."""
    snapshot = lake.events_view(name, org=org, oldest=oldest, latest=latest)
    between = ("date_create", oldest, latest)
    engine.scan(name, snapshot.files, arrow_schema(columns), between)
