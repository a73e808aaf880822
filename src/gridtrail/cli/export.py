"""`gridtrail export`: events out to a file for other tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import (
    ActionOption,
    ActorOption,
    AppOption,
    EntityOption,
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
from gridtrail.cli.output import binary_stdout, on_terminal
from gridtrail.cli.talk import Progress, progress, say
from gridtrail.cli.text import counted
from gridtrail.errors import WrongUse
from gridtrail.export.formats import ExportFormat

if TYPE_CHECKING:
    import pyarrow as pa

    from gridtrail.lake.lake import Lake
    from gridtrail.lake.query import EventFilter


class What(StrEnum):
    """Which events are exported."""

    events = "events"
    anomalies = "anomalies"


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("export")(export)


def export(
    context: typer.Context,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="FILE", help="File to write; - is stdout.")
    ],
    output: Annotated[
        ExportFormat,
        typer.Option(
            "--format",
            "-f",
            help="ndjson (the raw events), csv (columns, safe in spreadsheets) or parquet (typed "
            "columns).",
        ),
    ] = ExportFormat.ndjson,
    what: Annotated[
        What, typer.Option("--what", help="All events, or the anomalies alone.")
    ] = What.events,
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
    force: Annotated[
        bool, typer.Option("--force", help="Replace FILE when it is there already.")
    ] = False,
) -> None:
    """Write events to a file, oldest first; all filters must hold.

    The file appears when it is complete, readable by you alone.
    """
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
    if what is What.anomalies:
        wanted = replace(wanted, actions=("anomaly",))
    count = _write(run.lake, wanted, output, out, force=force)
    say(f"{counted(count, 'event')} written to {'stdout' if out == '-' else out}.")


def _write(lake: Lake, wanted: EventFilter, output: ExportFormat, out: str, *, force: bool) -> int:
    from gridtrail.export.files import whole_file

    if out != "-":
        with whole_file(Path(out), replace=force) as file:
            return _write_to(lake, wanted, output, file)
    if on_terminal():
        raise WrongUse("An export is for files and pipes: name a file, or use gridtrail logs.")
    return _write_to(lake, wanted, output, binary_stdout())


def _write_to(lake: Lake, wanted: EventFilter, output: ExportFormat, file: BinaryIO) -> int:
    from gridtrail.export.events import columns_for, write_events
    from gridtrail.lake.schema import EVENTS

    tables = lake.matching(wanted, columns=columns_for(output, EVENTS))
    with progress("Exporting", "event") as steps:
        return write_events(_shown(tables, steps), EVENTS, output, file)


def _shown(tables: Iterable[pa.Table], steps: Progress) -> Iterator[pa.Table]:
    done = 0
    for table in tables:
        yield table
        done += table.num_rows
        steps.step(done)
