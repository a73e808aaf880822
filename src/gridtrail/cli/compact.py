"""`gridtrail compact`: few sorted files instead of many small ones; forget what is too old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Row, column
from gridtrail.cli.talk import progress, say
from gridtrail.cli.text import counted

if TYPE_CHECKING:
    from gridtrail.lake.lake import Lake
    from gridtrail.lake.schema import TableShape

_COLUMNS = [
    column("table"),
    column("files_before", "files rewritten", right=True),
    column("files_after", "into", right=True),
    column("rows", right=True),
    column("left", "parts left", right=True),
    column("deleted", "files deleted", right=True),
]
_FIELDS = ["table", "files_before", "files_after", "rows", "left", "deleted"]


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("compact")(compact)


def compact(
    context: typer.Context,
    keep_days: Annotated[
        int | None,
        typer.Option(
            "--keep-days",
            metavar="DAYS",
            help="First forget events older than this many days, for ever.",
        ),
    ] = None,
    output: FormatOption = Format.table,
) -> None:
    """Rewrite many small files as few sorted ones.

    Look-ups get faster, and files that were replaced over an hour ago are deleted. Nothing
    changes in what is stored, unless --keep-days says so. Others may read and write meanwhile.
    """
    from gridtrail.lake.schema import EVENTS_TABLE, QUARANTINE_TABLE
    from gridtrail.triage.usual import USUAL

    lake = session(context).lake
    if keep_days is not None:
        gone = lake.retain(keep_days)
        say(f"{counted(gone.rows, 'event')} from before {gone.oldest_kept} forgotten.")
    rows = []
    with progress("Compacting", "table") as steps:
        for number, shape in enumerate((EVENTS_TABLE, QUARANTINE_TABLE), 1):
            rows.append(_compact(lake, shape))
            steps.step(number)
    lake.vacuum(USUAL)
    listing(rows, output, table=_COLUMNS, fields=_FIELDS)
    left = sum(row["left"] for row in rows)
    if left:
        say(f"{counted(left, 'part')} changed meanwhile and will be compacted next time.")


def _compact(lake: Lake, shape: TableShape) -> Row:
    done = lake.compact(shape)
    deleted = lake.vacuum(shape)
    return {
        "table": shape.name,
        "files_before": done.files_before,
        "files_after": done.files_after,
        "rows": done.rows,
        "left": done.left,
        "deleted": len(deleted),
    }
