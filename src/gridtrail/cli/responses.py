"""`gridtrail responses`: what was asked of Slack, and how it went."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli import automatic
from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption, OrgOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.table import Column, Row, column
from gridtrail.cli.talk import say
from gridtrail.cli.text import counted
from gridtrail.errors import RetryLater
from gridtrail.export.values import iso_seconds

if TYPE_CHECKING:
    from gridtrail.respond.responses import Response, ResponseStore
    from gridtrail.respond.sign_out import SigningOut

app = typer.Typer(
    help="What was asked of Slack, and how it went.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

FIELDS = [
    "id", "org", "method", "user_id", "user_name", "devices", "session_id", "state", "asked_by",
    "approved_by", "reason", "finding_id", "said", "event_id", "asked_at", "called_at",
    "changed_at", "batch",
]  # fmt: skip
_STYLES = {"failed": "red", "unconfirmed": "yellow", "waiting": "yellow", "confirmed": "green"}
COLUMNS = [
    column("id", whole=True),
    Column("asked", lambda row: iso_seconds(row["asked_at"]), whole=True),
    column("state", style=lambda text: _STYLES.get(text, ""), whole=True),
    column("user_id", "user"),
    column("user_name", "name", spare=2),
    column("devices", spare=1),
    column("session_id", "session", spare=3),
    column("asked_by", "by"),
    column("finding_id", "finding", spare=4),
    column("said", widest=100),
]


def register(parent: typer.Typer) -> None:
    """Put the commands on `parent`."""
    automatic.register(app)
    parent.add_typer(app, name="responses")


@app.callback()
def responses(
    context: typer.Context,
    org: OrgOption = None,
    user: Annotated[
        str | None, typer.Option("--user", metavar="ID", help="Only of this Slack user.")
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", help="Only waiting, requested, sent, confirmed, unconfirmed or failed."
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="At most so many, the newest.")] = 100,
    output: FormatOption = Format.table,
) -> None:
    """List signings-out, the newest first, after a look at what Slack logged of them."""
    if context.invoked_subcommand is not None:
        return
    run = session(context)
    with store(run) as kept:
        watched(run, kept)
        found = kept.select(org=org, user=user, state=state, limit=limit)
    listing([row_of(one) for one in found], output, table=COLUMNS, fields=FIELDS)
    say(f"{counted(len(found), 'response')}.")


@app.command("approve")
def approve(
    context: typer.Context,
    response: Annotated[str, typer.Argument(metavar="ID", help="One that waits.")],
) -> None:
    """Do what waits for a second person.

    Somebody else has asked for it.
    """
    from gridtrail.respond.sign_out import SigningOut, organization_of
    from gridtrail.respond.slack_admin import SlackAdmin

    run = session(context)
    settings = run.settings
    with store(run) as kept:
        admin = SlackAdmin(settings.respond)
        signing = SigningOut(admin, kept, settings.respond, organization_of(settings))
        batch = kept.get(response).batch
        done = carried_out(run, signing, batch, approved_by=getpass.getuser())
    say(f"{counted(len(done), 'person', 'people')}: {done[0].said}")


@app.command("refuse")
def refuse(
    context: typer.Context,
    response: Annotated[str, typer.Argument(metavar="ID", help="One that waits.")],
) -> None:
    """Say no to what waits for a second person."""
    from gridtrail.respond.trail import SIGN_OUT_REFUSED

    run = session(context)
    with store(run) as kept:
        refused = kept.refuse(kept.get(response).batch, getpass.getuser())
        record(run, SIGN_OUT_REFUSED, refused)
    say(f"{counted(len(refused), 'person', 'people')}: {refused[0].said}")


def store(run: Session) -> ResponseStore:
    """The record of the data directory."""
    from gridtrail.respond.responses import ResponseStore

    return ResponseStore(run.settings.state)


def watched(run: Session, kept: ResponseStore | None = None) -> None:
    """Look once in the lake for what Slack logged of the responses."""
    from gridtrail.respond.watch import watch

    store_ = kept or store(run)
    store_.expire(run.settings.respond.approval_hours * 3600)
    watch(run.lake, store_, confirm_seconds=run.settings.respond.confirm_seconds)


def carried_out(
    run: Session, signing: SigningOut, batch: str, *, approved_by: str | None = None
) -> list[Response]:
    """Make the call of `batch`, and put how it went into the trail. Raises as
    `SigningOut.carry_out`, after that."""
    from gridtrail.respond.sign_out import NO_ANSWER_OF_YES, outcome_of
    from gridtrail.respond.trail import SIGN_OUT_APPROVED

    error = None
    try:
        signing.carry_out(batch, approved_by=approved_by)
    except NO_ANSWER_OF_YES as failed:
        error = failed
    with store(run) as kept:
        done = kept.batch(batch)
    if approved_by is not None:
        record(run, SIGN_OUT_APPROVED, done)
    record(run, outcome_of(done[0]), done)
    if error is not None:
        raise error
    return done


def record(run: Session, action: str, done: Sequence[Response]) -> None:
    """Put what was done to each person into Gridtrail's own audit trail."""
    for one in done:
        details = {
            "response": one.id, "reason": one.reason, "finding": one.finding_id,
            "devices": one.devices, "session": one.session_id, "state": one.state,
            "said": one.said,
        }  # fmt: skip
        put_on_trail(run, one.org, action, ("user", one.user_id, one.user_name), details)


def put_on_trail(
    run: Session,
    org: str,
    action: str,
    entity: tuple[str, str, str],
    details: Mapping[str, object],
) -> None:
    """Keep what the user of the command line did, in the lake if it can be written now; otherwise
    whoever moves the trail next brings it there."""
    from gridtrail.respond.trail import Doer, Trail

    with Trail(run.settings.state) as trail:
        trail.put(org, action, Doer.here(), entity, details)
        with suppress(RetryLater):
            trail.move(run.lake)


def row_of(response: Response) -> Row:
    """A response for a listing."""
    return response.to_json()
