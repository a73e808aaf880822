"""`gridtrail responses run`, `automatic` and `release`: the automatic response."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, column
from gridtrail.cli.talk import next_step, say
from gridtrail.cli.text import counted
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.respond.decisions import Decision

FIELDS = [
    "id", "at", "org", "finding_id", "person", "person_name", "rule", "cause", "happened",
    "action", "mode", "state", "why", "sessions", "batches", "changed_at",
]  # fmt: skip
_STYLES = {
    "done": "green", "failed": "red", "unclear": "red", "held": "red", "stopped": "bold red",
    "waiting": "yellow", "acting": "yellow",
}  # fmt: skip
COLUMNS = [
    column("id", whole=True),
    Column("time", lambda row: iso_seconds(row["at"]), whole=True),
    column("state", style=lambda text: _STYLES.get(text, ""), whole=True),
    column("mode", spare=2),
    column("action"),
    column("person"),
    column("person_name", "name", spare=1),
    column("rule"),
    column("finding_id", "finding"),
    column("why", widest=120),
]


def register(responses: typer.Typer) -> None:
    """Put the commands on the group `responses`."""
    responses.command("run")(run)
    responses.command("automatic")(automatic)
    responses.command("stop")(stop)
    responses.command("release")(release)


def run(
    context: typer.Context,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only write down what would be done, as mode record does."),
    ] = False,
    output: FormatOption = Format.table,
) -> int:
    """Follow the automatic response's rules once.

    As serve does after each detection, by `[[respond.automatic]]`.

    Ends with 1 while the brake is on.
    """
    from gridtrail.respond.automatic import Automatic

    at = session(context)
    settings = at.settings
    if settings.respond.automatic_mode == "off" and not dry_run:
        say("The automatic response is off: set respond.automatic_mode to record or act.")
        return 0
    if dry_run:
        respond = settings.respond.model_copy(update={"automatic_mode": "record"})
        settings = settings.model_copy(update={"respond": respond})
    ran = Automatic(at.lake, settings).run()
    _listed(ran.decided, output)
    for one in ran.waiting:
        say(f"Not decided yet: {one.cause.person.words} ({one.cause.finding.id}). {one.why}")
    return _brake(at, ran.stopped)


def automatic(
    context: typer.Context,
    finding: Annotated[
        str | None, typer.Option("--finding", metavar="ID", help="Only of this finding.")
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Only of this Slack user.")
    ] = None,
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only done, recorded, guarded, held, excluded and so on."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many, the newest.")] = 100,
    output: FormatOption = Format.table,
) -> None:
    """List what the automatic response decided.

    The newest first: what it did, or why not.
    """
    from gridtrail.respond.decisions import DecisionStore
    from gridtrail.respond.sign_out import organization_of

    at = session(context)
    with DecisionStore(at.settings.state) as kept:
        found = kept.select(finding=finding, person=user, state=state, limit=limit)
        stopped = kept.brake(organization_of(at.settings))
    _listed(found, output)
    say(f"{counted(len(found), 'decision')}.")
    _brake(at, stopped)


def stop(
    context: typer.Context,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it has to stop, for the record.")
    ] = "",
) -> None:
    """Put the brake of the automatic response on. It signs nobody out until released."""
    from gridtrail.respond.decisions import DecisionStore
    from gridtrail.respond.sign_out import organization_of
    from gridtrail.respond.trail import Doer

    at = session(context)
    org = organization_of(at.settings)
    with DecisionStore(at.settings.state) as kept:
        if not kept.stop(org, Doer.here(), reason):
            say("The brake is on already.")
        _brake(at, kept.brake(org))


def release(
    context: typer.Context,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it is all right, for the record.")
    ] = "",
) -> None:
    """Let the brake of the automatic response go. What it held is left to people."""
    from gridtrail.respond.decisions import DecisionStore
    from gridtrail.respond.sign_out import organization_of
    from gridtrail.respond.trail import Doer

    at = session(context)
    with DecisionStore(at.settings.state) as kept:
        released = kept.release(organization_of(at.settings), Doer.here(), reason)
        held = kept.select(state="held", limit=1)
    if not released:
        say("The brake is not on: nothing to do.")
        return
    say("The automatic response goes on with what happens from now on.")
    if held:
        next_step(at.command("responses", "automatic", "--state", "held"), "lists what it held")


def _listed(found: list[Decision], output: Format) -> None:
    listing([asdict(one) for one in found], output, table=COLUMNS, fields=FIELDS)


def _brake(at: Session, stopped: Decision | None) -> int:
    if stopped is None:
        return 0
    since = iso_seconds(stopped.at)
    say(f"The automatic response is stopped since {since}. {stopped.why}", style="bold red")
    next_step(at.command("responses", "release"), "lets it go on")
    return 1
