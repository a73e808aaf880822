"""`gridtrail import`: files, or standard input, into the lake."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Row, column
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.cli.text import counted
from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    from gridtrail.collect.importing import Counts, ImportReport

_COLUMNS = [
    column("file", widest=80),
    column("read", right=True),
    column("stored", right=True),
    column("already_there", "already there", right=True),
    column("quarantined", right=True),
    column("incomplete", widest=100, style="red"),
]
_FIELDS = ["file", "read", "stored", "already_there", "quarantined", "bytes", "incomplete"]
_MOST_UNKNOWN = 10


class Source(StrEnum):
    """Where the events come from, kept with each."""

    import_ = "import"
    slack = "slack"
    post = "post"


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("import")(import_command)


def import_command(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="NDJSON, JSON arrays or pages of Slack's API; plain, gzip or zstd; - is stdin.",
        ),
    ],
    org: Annotated[
        str | None,
        typer.Option(
            "--org", metavar="NAME", help="Organization of the events (default: the setting org)."
        ),
    ] = None,
    source: Annotated[
        Source, typer.Option("--source", help="Where the events come from.")
    ] = Source.import_,
    sightings: Annotated[
        str | None,
        typer.Option(
            "--sightings",
            metavar="KIND",
            help="The files say who was seen where by other systems: okta, entra, osquery or "
            "plain (NDJSON, JSON, CSV, Parquet).",
        ),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=PATH",
            help="Where a row of sightings holds person, ip, device, system, time, first_seen or "
            "last_seen, such as person=actor.email.",
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option("--system", metavar="NAME", help="Which system saw them, such as vpn."),
    ] = None,
    output: FormatOption = Format.table,
) -> int:
    """Read audit events from files into the lake.

    None is lost, none is stored twice. What is no event goes to the quarantine with the reason.
    The exit code is 1 when a file is incomplete or something was quarantined.
    """
    run = session(context)
    if sightings is not None:
        return _import_sightings(run, files, org, sightings, mapping or [], system)
    if mapping or system:
        raise WrongUse("--map and --system belong to --sightings: give that too, or leave them.")
    report = run_import(run, files, org=org, source=source.value)
    listing(_rows(report), output, table=_COLUMNS, fields=_FIELDS)
    _talk(run, report)
    return report.exit_code


def _import_sightings(
    run: Session,
    files: list[str],
    org: str | None,
    kind: str,
    mapping: list[str],
    system: str | None,
) -> int:
    from gridtrail.collect.sightings import import_sightings

    pairs = [one.partition("=") for one in mapping]
    if any(not path for _, _, path in pairs):
        raise WrongUse("--map takes FIELD=PATH, such as --map person=actor.email.")
    report = import_sightings(
        [sys.stdin.buffer if name == "-" else Path(name) for name in files],
        run.lake,
        run.engine,
        org=_organization(org or run.settings.org),
        kind=kind,
        mapping={field: path for field, _, path in pairs},
        system=system,
    )
    say(
        f"{counted(report.read, 'row')} read; {counted(report.stored, 'sighting')} new or longer "
        "than known (one a day for each person, address, device and system)."
    )
    for problem in report.problems:
        say(problem, style="yellow")
    if report.skipped:
        reasons = ", ".join(f"{name}: {count:,}" for name, count in report.skipped.most_common())
        say(f"{counted(report.skipped.total(), 'row')} skipped ({reasons}).", style="yellow")
    return 1 if report.skipped else 0


def run_import(
    run: Session, files: list[str], *, org: str | None = None, source: str = "import"
) -> ImportReport:
    """Import `files`, showing how far it is."""
    from gridtrail.collect.importing import import_files

    with progress("Importing", "record") as steps:

        def on_progress(done: int, total: int | None, records: int) -> None:
            steps.step(records, done / total if total else None)

        return import_files(
            [Path(name) if name != "-" else name for name in files],
            run.lake,
            run.engine,
            run.settings,
            org=_organization(org or run.settings.org),
            source=source,
            on_progress=on_progress,
        )


def _organization(name: str) -> str:
    from gridtrail.lake.log import PARTITION_TEXT

    if not PARTITION_TEXT.fullmatch(name):
        raise WrongUse(
            f"--org {name!r} cannot name an organization: use up to 64 letters, digits, - and _."
        )
    return name


def _rows(report: ImportReport) -> list[Row]:
    rows = [_row(file.name, file.counts, file.bytes, file.incomplete) for file in report.files]
    if len(rows) > 1:
        rows.append(_row("all files", report.total, report.bytes, None))
    return rows


def _row(name: str, counts: Counts, size: int, incomplete: str | None) -> Row:
    return {
        "file": name,
        "read": counts.read,
        "stored": counts.stored,
        "already_there": counts.already_there,
        "quarantined": counts.quarantined,
        "bytes": size,
        "incomplete": incomplete,
    }


def _talk(run: Session, report: ImportReport) -> None:
    total = report.total
    rate = total.read / max(report.seconds, 1e-6)
    say(f"{counted(total.read, 'record')} read in {report.seconds:.1f} s ({rate:,.0f}/s).")
    if report.unknown_actions:
        named = report.unknown_actions.most_common(_MOST_UNKNOWN)
        more = len(report.unknown_actions) - len(named)
        names = ", ".join(f"{name} ({count:,})" for name, count in named)
        say(f"New to the catalogue: {names}{f' and {more} more' if more > 0 else ''}.")
    for file in report.incomplete:
        say(f"{file.name} is incomplete: {file.incomplete}", style="red")
    if total.quarantined:
        reasons = ", ".join(f"{name}: {count:,}" for name, count in report.reasons.most_common())
        say(f"{counted(total.quarantined, 'record')} quarantined ({reasons}).", style="yellow")
        query = "select source, position, reason, message from quarantine"
        next_step(run.command("sql", query), "lists what could not be stored")
    if total.stored:
        next_step(run.command("detect"), "looks for anomalies in it")
