"""`gridtrail export`: events, anomalies or findings out to a file for other tools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from gridtrail.cli.context import Session, session
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
from gridtrail.cli.talk import Progress, complain, progress, say
from gridtrail.cli.text import counted
from gridtrail.errors import WrongUse
from gridtrail.export.formats import ExportFormat

if TYPE_CHECKING:
    import pyarrow as pa

    from gridtrail.lake.lake import Lake
    from gridtrail.lake.query import EventFilter


class What(StrEnum):
    """What is exported."""

    events = "events"
    anomalies = "anomalies"
    findings = "findings"


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
            help="ndjson (the raw events), csv (columns, safe in spreadsheets), parquet (typed "
            "columns), ocsf or ecs (one JSON object a line in that schema).",
        ),
    ] = ExportFormat.ndjson,
    what: Annotated[
        What, typer.Option("--what", help="All events, the anomalies alone, or the findings.")
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
    """Write events or findings to a file.

    Events come oldest first, findings worst first; all filters must hold.

    The file appears when it is complete, readable by you alone. Findings know the filters
    --actor, --reason, --oldest, --latest and --org.
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
    _export(run, what, wanted, output, out, force=force)


def _export(
    run: Session, what: What, wanted: EventFilter, output: ExportFormat, out: str, *, force: bool
) -> None:
    where = "stdout" if out == "-" else out
    if what is What.findings:
        count = _write(partial(_write_findings, run, wanted, output), out, force=force)
        say(f"{counted(count, 'finding')} written to {where}.")
        return
    if what is What.anomalies:
        wanted = replace(wanted, actions=("anomaly",))
    skipped: dict[str, str] = {}
    count = _write(partial(_write_events, run.lake, wanted, output, skipped), out, force=force)
    say(f"{counted(count, 'event')} written to {where}.")
    if skipped:
        _complain_of(skipped)


def _complain_of(skipped: dict[str, str]) -> None:
    """Say which events are missing in the file; the exit code says so too."""
    first, why = next(iter(skipped.items()))
    complain(f"{counted(len(skipped), 'event')} left out, such as {first}: {why}")
    raise typer.Exit(1)


def _write(write: Callable[[BinaryIO], int], out: str, *, force: bool) -> int:
    from gridtrail.export.files import whole_file

    if out != "-":
        with whole_file(Path(out), replace=force) as file:
            return write(file)
    if on_terminal():
        raise WrongUse("An export is for files and pipes: name a file, or use gridtrail logs.")
    return write(binary_stdout())


def _write_findings(run: Session, wanted: EventFilter, output: ExportFormat, file: BinaryIO) -> int:
    from gridtrail.export.findings import write_findings
    from gridtrail.triage.store import FindingFilters, FindingStore

    known = ("org", "actor", "reason", "oldest", "latest")
    rest = replace(wanted, org=None, actor=None, reason=None, oldest=None, latest=None)
    if rest != type(wanted)():
        raise WrongUse("Findings know --actor, --reason, --oldest, --latest and --org alone.")
    filters = FindingFilters(**{name: getattr(wanted, name) for name in known})
    with FindingStore(run.settings.state) as store:
        found = store.select(filters)
    return write_findings((one.to_json() for one in found), output, file)


def _write_events(
    lake: Lake, wanted: EventFilter, output: ExportFormat, skipped: dict[str, str], file: BinaryIO
) -> int:
    from gridtrail.export.events import columns_for, write_events
    from gridtrail.lake.schema import EVENTS

    tables = lake.matching(wanted, columns=columns_for(output, EVENTS))
    with progress("Exporting", "event") as steps:
        return write_events(
            _shown(tables, steps),
            EVENTS,
            output,
            file,
            on_skip=lambda event_id, why: skipped.__setitem__(event_id, str(why)),
        )


def _shown(tables: Iterable[pa.Table], steps: Progress) -> Iterator[pa.Table]:
    done = 0
    for table in tables:
        yield table
        done += table.num_rows
        steps.step(done)
