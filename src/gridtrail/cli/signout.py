"""`gridtrail signout`: end people's sessions in Slack."""

from __future__ import annotations

import getpass
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from gridtrail.cli.context import Session, session
from gridtrail.cli.options import FormatOption
from gridtrail.cli.output import Format, listing
from gridtrail.cli.responses import COLUMNS, FIELDS, carried_out, record, row_of, store, watched
from gridtrail.cli.table import column
from gridtrail.cli.talk import next_step, say
from gridtrail.cli.times import parse_duration
from gridtrail.errors import WrongUse

if TYPE_CHECKING:
    from gridtrail.respond.people import Person
    from gridtrail.respond.responses import Response
    from gridtrail.respond.sign_out import Order, Preview, SigningOut

_SESSION_FIELDS = ["user_id", "session_id", "device", "created", "recent"]
_SESSION_COLUMNS = [column("user_id", "user"), column("session_id", "session"), column("device")]
_POLL_SECONDS = 1.0

UsersArgument = Annotated[
    list[str], typer.Argument(metavar="USER…", help="Slack ids or e-mail addresses.")
]
MobileOption = Annotated[bool, typer.Option("--mobile-only", help="Only on mobile devices.")]
WebOption = Annotated[bool, typer.Option("--web-only", help="Only on the web and desktop.")]
SessionOption = Annotated[
    str | None, typer.Option("--session", metavar="ID", help="Only this session of a single user.")
]
DryOption = Annotated[
    bool, typer.Option("--dry-run", help="Only list the sessions and say what would be done.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
FindingOption = Annotated[
    str | None, typer.Option("--finding", metavar="ID", help="The finding it answers.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")]
WaitOption = Annotated[
    str | None,
    typer.Option(
        "--wait",
        metavar="TIME",
        help="Wait so long (such as 5m) for Slack's own event in the lake.",
    ),
]


def register(app: typer.Typer) -> None:
    """Put the command on `app`."""
    app.command("signout")(signout)


def signout(
    context: typer.Context,
    users: UsersArgument,
    mobile_only: MobileOption = False,
    web_only: WebOption = False,
    session_id: SessionOption = None,
    dry_run: DryOption = False,
    yes: YesOption = False,
    finding: FindingOption = None,
    reason: ReasonOption = "",
    wait: WaitOption = None,
    output: FormatOption = Format.table,
) -> None:
    """Sign people out of Slack. Shows their sessions, asks, and records it before and after.

    Slack's own event confirms it once it is collected: gridtrail responses tells.
    """
    from gridtrail.respond.sign_out import Order

    if mobile_only and web_only:
        raise WrongUse("--mobile-only and --web-only exclude each other: leave both out for all.")
    patience = 0 if wait is None else parse_duration(wait)
    run = session(context)
    signing = _signing(run)
    order = Order(
        _people(run, users),
        "mobile" if mobile_only else "web" if web_only else "all",
        session_id,
        reason,
        _finding(run, finding),
    )
    preview = _shown(signing, order)
    if dry_run:
        listing(_session_rows(preview), output, table=_SESSION_COLUMNS, fields=_SESSION_FIELDS)
        say(f"Nothing was done. Without --dry-run: {preview.sentence}")
        return
    for row in _session_rows(preview):
        say(f"  {row['user_id']}  session {row['session_id']}  {row['device']}")
    confirmed(preview.sentence, yes)
    done = _waited(run, _done(run, signing, preview), patience)
    listing([row_of(one) for one in done], output, table=COLUMNS, fields=FIELDS)
    if any(one.state == "sent" for one in done):
        next_step(run.command("responses"), "tells when Slack's own log confirms it")


def confirmed(sentence: str, yes: bool, *, option: str = "--yes") -> None:
    """Have the person say yes to `sentence`. Raises WrongUse where nobody can be asked."""
    say(sentence)
    if yes:
        return
    if not sys.stdin.isatty():
        raise WrongUse(f"Nobody is there to say yes: give {option} to do this.")
    typer.confirm("Do it?", abort=True, err=True)


def _signing(run: Session) -> SigningOut:
    from gridtrail.respond.sign_out import SigningOut, organization_of
    from gridtrail.respond.slack_admin import SlackAdmin

    settings = run.settings
    admin = SlackAdmin(settings.respond)
    return SigningOut(admin, store(run), settings.respond, organization_of(settings))


def _people(run: Session, users: list[str]) -> tuple[Person, ...]:
    from gridtrail.respond.people import find_person
    from gridtrail.respond.sign_out import organization_of

    org = organization_of(run.settings)
    return tuple(find_person(run.lake, org, one) for one in users)


def _finding(run: Session, finding: str | None) -> str | None:
    if finding is None:
        return None
    from gridtrail.triage.store import FindingStore

    with FindingStore(run.settings.state) as findings:
        return findings.get(finding).id


def _shown(signing: SigningOut, order: Order) -> Preview:
    preview = signing.preview(order)
    for person, why in preview.excluded:
        say(f"Not signed out: {person.words} {why}.", style="yellow")
    for person in preview.people:
        if preview.sessions.get(person.id) == []:
            say(f"{person.words} has no active session now.", style="yellow")
    if order.devices != "all":
        say("Slack alone knows which of the sessions are on mobile devices.")
    return preview


def _done(run: Session, signing: SigningOut, preview: Preview) -> list[Response]:
    """Record and call; where it waits for a second person, say how it goes on."""
    from gridtrail.respond.responses import batches
    from gridtrail.respond.trail import SIGN_OUT_ASKED

    done: list[Response] = []
    for batch, asked in batches(signing.ask(preview, getpass.getuser())).items():
        record(run, SIGN_OUT_ASKED, asked)
        if asked[0].state == "waiting":
            next_step(
                run.command("responses", "approve", asked[0].id), "by another person, does it"
            )
            done += asked
            continue
        done += carried_out(run, signing, batch)
    return done


def _waited(run: Session, done: list[Response], seconds: int) -> list[Response]:
    """The responses once all are settled, or after so many seconds."""
    until = time.monotonic() + seconds
    while seconds and any(one.state in ("requested", "sent") for one in done):
        watched(run)
        done = [store(run).get(one.id) for one in done]
        if time.monotonic() > until:
            break
        time.sleep(_POLL_SECONDS)
    return done


def _session_rows(preview: Preview) -> list[dict[str, object]]:
    wanted = preview.order.session_id
    return [
        {
            "user_id": user_id,
            "session_id": one.session_id,
            "device": one.words,
            "created": dict(one.created),
            "recent": None if one.recent is None else dict(one.recent),
        }
        for user_id, sessions in preview.sessions.items()
        for one in sessions
        if wanted in (None, one.session_id)
    ]
