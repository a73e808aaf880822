"""`gridtrail show ID`: one event, what is known of its address and client, what was around it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from gridtrail.cli.context import Session, session
from gridtrail.cli.logs import EVENT_COLUMNS, EVENT_FIELDS
from gridtrail.cli.options import FormatOption, OrgOption
from gridtrail.cli.output import Format, listing, print_lines, write_text
from gridtrail.cli.page import Page
from gridtrail.cli.table import Column
from gridtrail.cli.text import visible
from gridtrail.cli.times import parse_duration
from gridtrail.errors import WrongUse
from gridtrail.export.values import escaped_in_json, json_text

if TYPE_CHECKING:
    import pyarrow as pa

_KEY = re.compile(r'( *)("(?:[^"\\]|\\.)*")(: )(.*)')
_MOST_AROUND = 1000

Event = Mapping[str, Any]


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("show")(show)


def show(
    context: typer.Context,
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id.")],
    around: Annotated[
        str | None,
        typer.Option(
            "--context",
            metavar="DURATION",
            help="Also the events of the same actor, session or address this long before and "
            "after, such as 30m.",
        ),
    ] = None,
    org: OrgOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Show one event, and what was around it.

    The event as it came, with what is known of its address and client.

    With --format json it is one object: event, address, client, around. ndjson and csv print the
    event and what is around it as rows.
    """
    run = session(context)
    seconds = None if around is None else parse_duration(around)
    event = run.lake.event(event_id, org=org)
    if event is None:
        raise WrongUse(f"No event has the id {event_id!r}: list some with {run.command('logs')}.")
    near = None
    if seconds is not None:
        near = run.lake.surroundings(event_id, seconds, org=event["org"], limit=_MOST_AROUND)
    if output is Format.json:
        _print_json(run, event, near)
    elif output is Format.table:
        _print_page(run, event, near)
    else:
        rows = [event] if near is None else near.select(EVENT_FIELDS).to_pylist()
        kept = [{name: row[name] for name in EVENT_FIELDS} for row in rows]
        listing(kept, output, table=EVENT_COLUMNS, fields=EVENT_FIELDS)


def address_of(run: Session, event: Event) -> dict[str, Any] | None:
    """What the sources of address facts say of the event's address at its time."""
    from gridtrail.enrich.described import address_facts

    return address_facts(run.settings.enrich, event["ip"], event["date_create"])


def client_of(run: Session, event: Event) -> dict[str, Any] | None:
    """What the event's user agent is, and whether it is expected here."""
    from gridtrail.enrich.described import client_facts

    return client_facts(run.settings.enrich, event["ua"])


def _print_json(run: Session, event: Event, near: pa.Table | None) -> None:
    # the event's own text goes in as it is, so that no number in it is rewritten
    parts = {
        "event": escaped_in_json(event["raw"]),
        "address": json_text(address_of(run, event)),
        "client": json_text(client_of(run, event)),
    }
    if near is not None:
        parts["around"] = json_text(near.select(EVENT_FIELDS).to_pylist())
    body = ",\n".join(f'"{name}":{text}' for name, text in parts.items())
    write_text(f"{{{body}}}\n")


def _print_page(run: Session, event: Event, near: pa.Table | None) -> None:
    print_lines(_highlighted(event["raw"]))
    page = Page()
    page.space()
    page.pair("stored", f"{event['org']}, from {event['source']}, {event['ingested_at']:%F %TZ}")
    address, client = address_of(run, event), client_of(run, event)
    if address is not None:
        page.pair("address", _address_words(address))
    if client is not None:
        page.pair("client", _client_words(client))
    if near is not None:
        page.heading("Around it: events of the same actor, session or address")
        marked = Column("", lambda row: ">" if row["id"] == event["id"] else "", style="bold red")
        page.table([marked, *EVENT_COLUMNS], near.select(EVENT_FIELDS).to_pylist())
    page.print()


def _highlighted(raw: str) -> list[Text]:
    """The event's JSON over several lines, its keys in bold; everything else is plain text."""
    lines = []
    value = json.loads(raw, parse_int=_number)
    for line in json_text(value, indent=2).split("\n"):
        found = _KEY.fullmatch(line)
        if found is None:
            lines.append(Text(visible(line)))
            continue
        indent, key, colon, value = found.groups()
        lines.append(Text.assemble(indent, (visible(key), "bold cyan"), colon, visible(value)))
    return lines


def _number(digits: str) -> int | str:
    # Python refuses to read numbers of thousands of digits; a stranger may send one
    return int(digits) if len(digits) <= 400 else digits


def _address_words(address: Mapping[str, Any]) -> str:
    if not address["valid"]:
        return "not an address"
    asn = f"AS{address['asn']}" if address["asn"] else None
    words = [address["kind"], asn, address["asn_name"], address["country"]]
    return f"{address['ip']}: {', '.join(str(word) for word in words if word)}"


def _client_words(client: Mapping[str, Any]) -> str:
    words = [
        " ".join(part for part in (client["family"], client["version"]) if part),
        client["kind"],
        " ".join(part for part in (client["os"], client["os_version"]) if part),
        "expected here" if client["expected"] else "not expected here",
        client["defect"],
    ]
    return ", ".join(word for word in words if word)
