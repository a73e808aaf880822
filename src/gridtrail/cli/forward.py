"""`gridtrail forward`: everything new on to the targets of the settings."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import complain, next_step, say
from gridtrail.errors import WrongUse
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.forward.run import Sent, Status
    from gridtrail.settings_forward import ForwardSettings

_STATUS_FIELDS = [
    *("name", "to", "what", "format", "state", "behind_records", "behind_seconds"),
    *("sent", "refused", "last_sent_at", "failing_since", "why"),
]
_STATUS_COLUMNS = [
    column("name", whole=True),
    column("to"),
    column("what"),
    column("state", style=lambda text: {"failing": "red", "working": "green"}.get(text, "")),
    column("behind_records", "behind", right=True),
    Column("since", lambda row: _seconds(row["behind_seconds"]), right=True),
    column("sent", right=True),
    column("refused", right=True),
    Column("last sent", lambda row: _moment(row["last_sent_at"])),
    column("why", widest=100, spare=1),
]
_SENT_FIELDS = ["name", "sent", "refused", "error"]
_SENT_COLUMNS = [
    column("name", whole=True),
    column("sent", right=True),
    column("refused", right=True),
    column("error", widest=120, style="red"),
]
_LOOK_SECONDS = 0.5  # how often a service that was told to end looks
_REFUSED_FIELDS = ["target", "org", "id", "at", "why"]
_REFUSED_COLUMNS = [
    column("target", whole=True),
    column("org"),
    column("id", whole=True),
    Column("time", lambda row: _moment(row["at"]), whole=True),
    column("why", widest=120),
]


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("forward")(forward)


def forward(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", help="Only these targets of the settings."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Send what there is now, and end.")] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Send nothing; say how far each target is.")
    ] = False,
    refused: Annotated[
        bool,
        typer.Option("--refused", help="Send nothing; list the records that targets did not get."),
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Send once more the records that targets did not get, and end."
        ),
    ] = False,
    output: FormatOption = Format.table,
) -> int:
    """Send everything new on to collectors and files.

    To the targets `[[forward]]` of the settings.

    Each target has a position of its own and gets each record at least once. Goes on until Ctrl-C
    or SIGTERM, as `gridtrail serve` does, too; the next time it goes on from there.
    """
    from gridtrail.forward.run import targets

    run = session(context)
    if sum((once, status, refused, again)) > 1:
        raise WrongUse("Give one of --once, --status, --refused and --again.")
    chosen = targets(run.settings, names)
    if not chosen:
        raise WrongUse("The settings name no target: add a table [[forward]] to gridtrail.toml.")
    if status:
        return _show_status(run, chosen, output)
    if refused:
        return _show_refused(run, chosen, output)
    if again:
        return _send_again(run, chosen, output)
    if once:
        return _send_once(run, chosen, output)
    return _follow(run, chosen)


def _show_status(run: Session, chosen: list[ForwardSettings], output: Format) -> int:
    from gridtrail.forward.run import statuses

    rows = [_status_row(one) for one in statuses(run.lake, run.settings, chosen)]
    listing(rows, output, table=_STATUS_COLUMNS, fields=_STATUS_FIELDS)
    return 0


def _status_row(one: Status) -> Row:
    kept = one.kept
    return {
        "name": one.target.name,
        "to": one.target.to,
        "what": one.target.what,
        "format": one.target.format,
        "state": one.state,
        "behind_records": one.lag.rows,
        "behind_seconds": round(one.lag.seconds),
        "sent": kept.sent if kept else 0,
        "refused": kept.refused if kept else 0,
        "last_sent_at": kept.last_sent_at if kept else None,
        "failing_since": kept.failing_since if kept else None,
        "why": kept.why if kept else "",
    }


def _show_refused(run: Session, chosen: list[ForwardSettings], output: Format) -> int:
    from gridtrail.forward.store import ForwardStore

    with ForwardStore(run.settings.state) as store:
        found = [one for target in chosen for one in store.refused(target.name)]
    rows: list[Row] = [
        {"target": one.target, "org": one.org, "id": one.id, "at": one.at, "why": one.why}
        for one in found
    ]
    listing(rows, output, table=_REFUSED_COLUMNS, fields=_REFUSED_FIELDS)
    if rows:
        next_step(run.command("forward", "--again"), "sends them once more")
    return 0


def _send_once(run: Session, chosen: list[ForwardSettings], output: Format) -> int:
    from gridtrail.forward.run import forward_once

    never = threading.Event()
    found = list(forward_once(run.lake, run.settings, chosen, wait=never.wait, tell=complain))
    return _show_sent(found, output)


def _send_again(run: Session, chosen: list[ForwardSettings], output: Format) -> int:
    from gridtrail.forward.again import send_again

    return _show_sent(list(send_again(run.lake, run.settings, chosen, tell=complain)), output)


def _show_sent(found: list[Sent], output: Format) -> int:
    rows: list[Row] = [
        {"name": one.name, "sent": one.records, "refused": one.refused, "error": _text(one.error)}
        for one in found
    ]
    listing(rows, output, table=_SENT_COLUMNS, fields=_SENT_FIELDS)
    if errors := [one.error for one in found if one.error is not None]:
        return max(error.exit_code for error in errors)
    return 1 if any(one.refused for one in found) else 0


def _text(error: Exception | None) -> str:
    return "" if error is None else str(error)


def _follow(run: Session, chosen: list[ForwardSettings]) -> int:
    """A thread each, until told to end."""
    from gridtrail.server.log_lines import set_up
    from gridtrail.server.work import Work

    set_up()
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ending.set())
    work = Work(run.settings)
    work.forward(chosen)
    say(f"Sending to {', '.join(one.name for one in chosen)}. Ctrl-C ends it.")
    # a signal just before the wait, or to another thread, would not end a wait without limit
    while not ending.wait(_LOOK_SECONDS):
        pass
    work.stop()
    say("Stopped; the next time it goes on from here.")
    return 0


def _moment(second: int | None) -> str:
    return "" if second is None else iso_seconds(second)


def _seconds(behind: int) -> str:
    return f"{behind} s" if behind else ""
