"""`gridtrail logs`: look events up, the newest first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import (
    ActionOption,
    ActorOption,
    AppOption,
    EntityOption,
    FormatOption,
    IpOption,
    LatestOption,
    OldestOption,
    OrgOption,
    ReasonOption,
    SessionOption,
    TextOption,
    UaOption,
    event_filter,
)
from gridtrail.cli.output import Format, listing, print_raw
from gridtrail.cli.table import Column, column
from gridtrail.cli.talk import next_step, say
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    import pyarrow as pa

EVENT_FIELDS = [
    "org",
    "id",
    "date_create",
    "day",
    "action",
    "actor_type",
    "actor_id",
    "actor_name",
    "actor_email",
    "actor_team",
    "entity_type",
    "entity_id",
    "entity_name",
    "location_type",
    "location_id",
    "location_domain",
    "ua",
    "ip",
    "session_id",
    "app_id",
    "reasons",
    "details",
    "source",
    "ingested_at",
]
"""Columns of an event in JSON and CSV: all but `raw`, which --raw prints."""


def actor_of(row: Mapping[str, Any]) -> object:
    """What a person knows the actor by."""
    return row["actor_name"] or row["actor_email"] or row["actor_id"]


def entity_of(row: Mapping[str, Any]) -> object:
    """What was acted on; for an anomaly its reasons, since its entity is the actor again."""
    return row["reasons"] or row["entity_name"] or row["entity_id"]


def _action_style(text: str) -> str:
    return "red" if text == "anomaly" else ""


EVENT_COLUMNS = [
    Column("time", lambda row: iso_seconds(row["date_create"]), whole=True),
    column("action", style=_action_style),
    Column("actor", actor_of, widest=30),
    Column("entity", entity_of, widest=40),
    column("ip", spare=1, widest=39),
    column("ua", "client", spare=2, widest=40),
    column("id", whole=True),
]


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("logs")(logs)


def logs(
    context: typer.Context,
    action: ActionOption = None,
    actor: ActorOption = None,
    entity: EntityOption = None,
    ip: IpOption = None,
    session_id: SessionOption = None,
    ua: UaOption = None,
    app: AppOption = None,
    reason: ReasonOption = None,
    text: TextOption = None,
    oldest: OldestOption = None,
    latest: LatestOption = None,
    org: OrgOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Print at most this many.")] = 50,
    raw: Annotated[
        bool, typer.Option("--raw", help="Print the events as they came, one JSON a line.")
    ] = False,
    output: FormatOption = Format.table,
) -> None:
    """Look events up, newest first; all filters must hold."""
    run = session(context)
    wanted = event_filter(
        action=action,
        oldest=oldest,
        latest=latest,
        actor=actor,
        entity=entity,
        ip=ip,
        session=session_id,
        ua=ua,
        app=app,
        reason=reason,
        text=text,
        org=org,
    )
    found = run.lake.newest(wanted, limit, columns=["raw"] if raw else EVENT_FIELDS)
    if raw:
        print_raw(found["raw"].to_pylist())
    else:
        print_events(found, output)
    if not found.num_rows:
        say("No event matches.")
    elif output is Format.table and not raw:
        newest = found["id"][0].as_py()
        next_step(
            run.command("show", newest, "--context", "30m"), "shows one and what was around it"
        )


def print_events(found: pa.Table, output: Format) -> None:
    """Print rows of the events table as a listing."""
    listing(found.to_pylist(), output, table=EVENT_COLUMNS, fields=EVENT_FIELDS)
