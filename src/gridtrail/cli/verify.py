"""`gridtrail verify`: is the log complete, and are the detectors able to see."""

from __future__ import annotations

import typer

from gridtrail.cli.context import session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import column
from gridtrail.cli.talk import next_step, progress, say
from gridtrail.cli.text import counted

_STYLES = {"problem": "bold red", "note": "yellow", "ok": "green"}
_COLUMNS = [
    column("state", style=lambda text: _STYLES.get(text, "")),
    column("org"),
    column("check"),
    column("count", right=True),
    column("text", "what was found", widest=160),
]
_FIELDS = ["state", "org", "check", "count", "text"]


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("verify")(verify)


def verify(context: typer.Context, output: FormatOption = Format.table) -> int:
    """Prove that the log is complete.

    Looks at files, bytes, duplicates, gaps, quarantine, detectors, and how far what is forwarded
    is. Every byte is read. The exit code is 1 when there is a problem.
    """
    from gridtrail.server.checks import (
        collector_rows,
        detector_rows,
        rows_of,
        target_rows,
        verified,
    )

    run = session(context)
    with progress("Verifying", "table"):
        found = verified(run.lake)
    collectors, targets = list(collector_rows(run.lake)), list(target_rows(run.lake, run.settings))
    rows = [*rows_of(found), *collectors, *detector_rows(run.lake), *targets]
    listing(rows, output, table=_COLUMNS, fields=_FIELDS)
    if found.quarantine:
        query = run.command("sql", "select source, position, reason, message from quarantine")
        next_step(query, "lists what could not be stored")
    problems = len(found.problems) + sum(row["state"] == "problem" for row in collectors + targets)
    if problems:
        say(f"{counted(problems, 'problem')} found.", style="red")
        return 1
    say("No problem found.")
    return 0
